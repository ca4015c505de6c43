"""The parameters that can be changed while a sampler runs, with the numbers that hardware knows them by.

Rules and effects: docs/hardware/parameters.md.
"""

from __future__ import annotations

from enum import IntEnum

PARAMETER_WIDTH = 4  # bits of a parameter's number
VALUE_WIDTH = 32  # bits of its value


class Parameter(IntEnum):
    """What a control transfer sets; every value is an unsigned integer of 32 bits."""

    GROUPS = 0  # m, 1 to config.groups
    RADIUS = 1  # lambda', 20 fraction bits, below m * 16
    NEIGHBOURS = 2  # lambda, 20 fraction bits, below 16
    VARIANT = 3  # the place in VARIANTS of a variant that is built in
    BATCH = 4  # draws of a request that does not say how many, 1 to config.batch
    ROWS = 5  # rows in use, 1 to config.rows; only while no row is valid
    ENABLE = 6  # 0: requests are refused with status DISABLED
    CLEAR = 7  # 1: makes every row invalid
    QUERY_STATE_0 = 8  # s0 of the query stream, bits 0 to 31; then its bits 32 to 63, then s1
    QUERY_STATE_1 = 9
    QUERY_STATE_2 = 10
    QUERY_STATE_3 = 11
    DRAW_STATE_0 = 12  # the draw stream, likewise
    DRAW_STATE_1 = 13
    DRAW_STATE_2 = 14
    DRAW_STATE_3 = 15
