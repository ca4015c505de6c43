"""Errors of a batch that cannot be drawn."""

from __future__ import annotations


class DisabledError(RuntimeError):
    """A batch was asked of a sampler that ENABLE has switched off."""


class NoValidRowError(ValueError):
    """A batch was asked of a memory in which no row is valid."""
