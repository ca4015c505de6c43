"""Benches of the sampler behind a bus."""
