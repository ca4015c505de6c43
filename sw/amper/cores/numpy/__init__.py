"""The core in NumPy: file by file what c/ does, bit for bit."""
