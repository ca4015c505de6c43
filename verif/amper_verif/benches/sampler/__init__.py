"""The bench of the whole sampler, its coverage and monitors."""
