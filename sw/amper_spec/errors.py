"""Errors that several parts share."""

from __future__ import annotations


class DisabledError(RuntimeError):
    """A batch was asked of a sampler that ENABLE has switched off."""


class NoValidRowError(ValueError):
    """A batch was asked of a memory in which no row is valid."""


class ToolError(RuntimeError):
    """A tool, a simulator or a device is missing or did not do its work; the message says which, and what it said."""
