"""Tests of the hardware in simulation; a package, because files here have the names of others in ``tests``."""
