"""Organisation tree on arrays: the row that holds a place of the running sum in row order, in NumPy.

A batch adds up all codes once; compiled (c/code_tree.h), a draw and a write cost a few nodes of a tree.
"""

from __future__ import annotations

import numpy as np

from amper.cores.base import IndexArray, last_of_each
from amper.model.places import stratified
from amper_spec.algorithm import RANDOM_WIDTH
from amper_spec.urng import Xoroshiro128PlusPlus


class NumpyCodeTree:
    """Members and methods of ``amper.cores._core.CodeTree``."""

    def __init__(self, rows: int, width: int, place_width: int, is_stratified: bool) -> None:
        self._place_width, self._stratified = place_width, is_stratified
        self._codes = np.zeros(rows, dtype=np.int64)  # 0: the row is invalid
        self._draw = Xoroshiro128PlusPlus(0, 1)

    def write(self, rows: IndexArray, codes: IndexArray) -> None:
        """Store codes in rows, in this order; 0 makes a row invalid."""
        once, last = last_of_each(rows)
        self._codes[once] = codes[last]

    def clear(self) -> None:
        """Make every row invalid."""
        self._codes[:] = 0

    def total(self) -> int:
        """T, the sum of all codes."""
        return int(self._codes.sum())

    def sample(self, batch: int) -> IndexArray:
        """(batch,) rows drawn; at least one row is valid."""
        ends = np.cumsum(self._codes)
        total = int(ends[-1])
        words = [self._draw.next() >> (RANDOM_WIDTH - self._place_width) for _ in range(batch)]
        places = [(word * total) >> self._place_width for word in words]
        if self._stratified:
            places = stratified(places, total)
        return np.searchsorted(ends, places, side="right")

    def state(self) -> tuple[int, int]:
        """s0 and s1 of the draw stream."""
        return self._draw.state

    def set_state(self, s0: int, s1: int) -> None:
        """Put back what ``state`` gave."""
        self._draw.s0, self._draw.s1 = s0, s1
