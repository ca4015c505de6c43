"""Benches of the parts of organisation tree."""
