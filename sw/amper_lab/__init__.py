"""Experiments with the software: benchmarks, training, studies."""
