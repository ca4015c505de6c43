"""Organisation tree in several banks: their sums, places, writes and draws."""
