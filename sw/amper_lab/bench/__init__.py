"""Benchmarks of the software sampler: speed against other libraries, and distance to PER; benchmark.md."""
