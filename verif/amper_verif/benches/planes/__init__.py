"""Benches of the parts of the exact draw."""
