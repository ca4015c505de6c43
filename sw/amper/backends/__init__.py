"""What a `Device` draws with, from codes: the golden model, fast software, and those that others register."""
