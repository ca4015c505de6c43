"""The replay buffer: columns, rows, batches, n-step links, files."""
