"""Organisation tree on arrays: the row that holds a place of the running sum in row order, in NumPy.

A batch adds up all codes once; compiled (c/code_tree.h), a draw and a write cost a few nodes of a tree.
"""

from __future__ import annotations

import numpy as np

from amper.backends.places import NumpyPlaces
from amper.cores.base import IndexArray, last_of_each


class NumpyCodeTree(NumpyPlaces):
    """Members and methods of ``amper.cores._core.CodeTree``."""

    def write(self, rows: IndexArray, codes: IndexArray) -> None:
        """Store codes in rows, in this order; 0 makes a row invalid."""
        once, last = last_of_each(rows)
        self._codes[once] = codes[last]

    def total(self) -> int:
        """T, the sum of all codes."""
        return int(self._codes.sum())

    def sample(self, batch: int) -> IndexArray:
        """(batch,) rows drawn; at least one row is valid."""
        ends = np.cumsum(self._codes)
        return np.searchsorted(ends, self._places(batch, int(ends[-1])), side="right")
