"""``amper bench``, a module a subject."""
