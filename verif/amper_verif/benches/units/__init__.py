"""Benches of the components."""
