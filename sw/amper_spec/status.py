"""The statuses of a batch."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """What a result says of its batch."""

    OK = 0
    FALLBACK = 1
    NO_VALID_ROW = 2
    BAD_BATCH = 3
    DISABLED = 4
