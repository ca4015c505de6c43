"""What tools that put designs together want to know of a generated sampler."""
