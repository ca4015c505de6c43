"""Sweeps over configurations, and their page."""
