"""Arithmetic and plumbing that knows nothing of replay: multiplier, divider, bit select, generator, arbiter."""
