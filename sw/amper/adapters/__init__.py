"""Adapters for RL libraries; each imports its own library only."""
