"""The engines that draw, compiled (c/) and in NumPy, and the importance weights."""
