"""How a test asks for an error's message."""

from __future__ import annotations

import re


def exactly(message: str) -> str:
    """The pattern for ``pytest.raises`` that fits the whole of a message and nothing else."""
    return rf"\A{re.escape(message)}\Z"
