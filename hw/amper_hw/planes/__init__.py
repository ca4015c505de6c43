"""Variant exact: the draw by bit planes (docs/hardware/exact.md)."""
