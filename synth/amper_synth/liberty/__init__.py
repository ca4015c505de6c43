"""Cell libraries: a reader of Liberty files and what it finds."""
