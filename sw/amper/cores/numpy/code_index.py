"""The index of rows by code of sw/amper/cores/c/code_index.c in NumPy: the same codes and counts."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

CODES = 65536
CODE_FIRST = 256  # of 2^-126
CODE_LAST = 65024  # of 2^127
_OFFSET = 896 << 8  # from a code to the upper half of a double's bits
_SMALLEST = 2.0**-126

IndexArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


def codes_of(priorities: NDArray[np.float32], aligned: bool) -> NDArray[np.int64]:
    """Codes of float32 priorities in [2^-126, 2^127], to the nearest; ``aligned``: none is a power of two."""
    codes = (priorities.view(np.uint32).astype(np.int64) + 0x4000) >> 15
    codes[aligned & (codes % 256 == 0) & (codes > CODE_FIRST)] -= 1
    return codes


def values_of(codes: IndexArray) -> FloatArray:
    """Priorities of codes."""
    return ((codes + _OFFSET) << 44).view(np.float64)


def code_value(code: int) -> float:
    """Priority of one code."""
    value: float = struct.unpack("<d", struct.pack("<q", (code + _OFFSET) << 44))[0]
    return value


def code_floor(x: float) -> int:
    """The largest code with a value of at most x."""
    if x < _SMALLEST:
        return CODE_FIRST - 1
    return min(CODE_LAST, (_bits(x) >> 44) - _OFFSET)


def code_ceiling(x: float) -> int:
    """The smallest code with a value of at least x."""
    if x < _SMALLEST:
        return CODE_FIRST
    return min(CODE_LAST + 1, ((_bits(x) + (1 << 44) - 1) >> 44) - _OFFSET)


def _bits(x: float) -> int:
    bits: int = struct.unpack("<q", struct.pack("<d", x))[0]
    return bits


class CodeIndex:
    """How many rows have which code.

    Members
    -------
    code : uint16 (rows,), 0 where nothing is held. count : int64 (65536,), rows of each code.
    """

    def __init__(self, rows: int) -> None:
        self.code = np.zeros(rows, dtype=np.uint16)
        self.count = np.zeros(CODES, dtype=np.int64)
        self._sums: IndexArray | None = None

    def holds(self, rows: IndexArray) -> NDArray[np.bool_]:
        """Whether each row holds a priority."""
        held: NDArray[np.bool_] = self.code[rows] != 0
        return held

    def set(self, rows: IndexArray, codes: IndexArray) -> None:
        """Give ``rows``, each once, their ``codes``; code 0: none."""
        self._sums = None
        np.subtract.at(self.count, self.code[rows], 1)
        np.add.at(self.count, codes, 1)
        self.count[0] = 0
        self.code[rows] = codes

    def ranked(self, rank: int) -> int:
        """The code of the row with so many before it by code; there is one."""
        if self._sums is None:
            self._sums = np.concatenate(([0], np.cumsum(self.count)))
        return int(np.searchsorted(self._sums, rank, side="right")) - 1

    @property
    def largest(self) -> int:
        """The largest code of a row; 0 if there is none."""
        held = np.flatnonzero(self.count)
        return int(held[-1]) if held.size else 0

    def below(self, code: int) -> int:
        """Rows with a code below ``code``."""
        if self._sums is None:
            self._sums = np.concatenate(([0], np.cumsum(self.count)))
        return int(self._sums[code])

    def between(self, low: int, high: int) -> int:
        """Rows with codes ``low`` to ``high``."""
        return 0 if low > high else self.below(high + 1) - self.below(low)

    def memory(self) -> int:
        """Bytes."""
        return self.code.nbytes + self.count.nbytes
