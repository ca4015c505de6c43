"""Tops, pins and clocks of boards."""
