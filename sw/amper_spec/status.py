"""The statuses of a batch; the RTL, the C driver's header, the native model and the benches take them from here."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """What a result says of its batch."""

    OK = 0
    FALLBACK = 1  # drawn, but from all valid rows: no row matched
    NO_VALID_ROW = 2
    BAD_BATCH = 3
    DISABLED = 4
    ROW_FAULT = 5  # the parity of the rows is wrong; only with protection


STATUS_WIDTH = max(Status).bit_length()  # bits
REFUSALS = tuple(status for status in Status if status > Status.FALLBACK)  # nothing was drawn
