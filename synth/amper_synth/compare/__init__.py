"""A batch in hardware and in software, side by side."""
