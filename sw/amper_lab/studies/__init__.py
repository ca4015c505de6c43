"""Studies of the distributions: distance from PER, the generator's statistics."""
