"""What draws rows from float priorities: compiled (c/), in NumPy (numpy/), bit-exact; and the importance weights."""
