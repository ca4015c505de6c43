"""The sum tree of sw/amper/cores/c/sum_tree.c in NumPy: the same integers, so the same draws."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from amper.cores.numpy import random_words

FloatArray = NDArray[np.float32]
IndexArray = NDArray[np.int64]

_TOTAL_BITS = 49  # of the total after a rebuild
_TOTAL_LEAST = 1 << 44
_TOTAL_LIMIT = 2.0**52
_AFTER = np.arange(16) > np.arange(16)[:, None]  # [at, k]: whether entry k comes after entry at


class SumTree:
    """Rows counting floor(priority * 2^shift), at least 1, or all 1 if ``uniform``.

    Members
    -------
    priority : float32 (rows,), 0 where nothing is held. total : of all rows. shift : see docs/theory/software.md.
    """

    def __init__(self, rows: int, *, uniform: bool) -> None:
        self.uniform = uniform
        self._padded = np.zeros(-(-rows // 16) * 16, dtype=np.float32)
        self.priority = self._padded[:rows]
        self.total = 0
        self.shift = 0
        self._levels: list[IndexArray] = []  # (groups, 16): the sum of the entries before, among 16
        entries = rows
        while True:
            entries = -(-entries // 16)
            self._levels.append(np.zeros((-(-entries // 16), 16), dtype=np.int64))
            if entries <= 16:
                return

    def holds(self, rows: IndexArray) -> NDArray[np.bool_]:
        """Whether each row holds a priority."""
        held: NDArray[np.bool_] = self.priority[rows] > 0
        return held

    def set(self, rows: IndexArray, values: FloatArray, *, used: int, count: int, bound: tuple[int, float]) -> None:
        """Store ``values`` in ``rows``, each once.

        Parameters
        ----------
        used, count : of the sampler, after it. bound : how many values were written, duplicates too, and the largest.
        """
        written, largest = bound
        growth = written * (largest * self._factor)
        if not self.uniform and growth + float(self.total) >= _TOTAL_LIMIT:
            self.priority[rows] = values
            self._rebuild(used)
            return
        delta = self._units(values) - self._units(self.priority[rows])
        self.priority[rows] = values
        self._add(rows, delta)
        if not self.uniform and count > 0 and self.total < _TOTAL_LEAST:
            self._rebuild(used)

    def find(self, rank: IndexArray) -> IndexArray:
        """The rows that hold the ranks, 0 to ``total`` - 1."""
        row = np.zeros_like(rank)
        for level in reversed(self._levels):
            nodes = level[row]
            child = (nodes <= rank[:, None]).sum(axis=1) - 1
            rank = rank - nodes[np.arange(rank.size), child]
            row = row * 16 + child
        sums = np.cumsum(self._units(self._padded.reshape(-1, 16)[row]), axis=1)
        result: IndexArray = row * 16 + (sums <= rank[:, None]).sum(axis=1)
        return result

    def draw(self, key: int, counter: int, batch: int) -> IndexArray:
        """``batch`` rows, each with its share of the total; takes as many words."""
        return self.find(random_words.below(random_words.words(key, counter, batch), self.total))

    def set_shift(self, shift: int, used: int) -> None:
        """That of a saved tree with the same priorities; chosen anew if it is not one that a tree could have had."""
        self.shift = shift
        if float((self.priority[:used].astype(np.float64) * self._factor).sum()) < _TOTAL_LIMIT:
            self._sum(used)
        else:
            self._rebuild(used)

    def memory(self) -> int:
        """Bytes."""
        return self._padded.nbytes + sum(level.nbytes for level in self._levels)

    @property
    def _factor(self) -> float:
        return math.ldexp(1.0, self.shift)

    def _units(self, values: FloatArray) -> IndexArray:
        held = values > 0
        if self.uniform:
            return held.astype(np.int64)
        units = (values.astype(np.float64) * self._factor).astype(np.int64)
        units += held & (units == 0)
        return units

    def _add(self, rows: IndexArray, delta: IndexArray) -> None:
        self.total += int(delta.sum())
        for level in self._levels:
            rows = rows >> 4
            np.add.at(level, rows >> 4, np.where(_AFTER[rows & 15], delta[:, None], 0))

    def _rebuild(self, used: int) -> None:
        held = self.priority[:used]
        largest = float(held.max(initial=0))
        if largest > 0:
            rows_log2 = max(0, used - 1).bit_length()
            self.shift = 62 - rows_log2 - math.frexp(largest)[1]
            total = int((held.astype(np.float64) * self._factor).astype(np.int64).sum())
            self.shift += _TOTAL_BITS - total.bit_length()
        self._sum(used)

    def _sum(self, used: int) -> None:
        sums = self._units(self._padded.reshape(-1, 16)).sum(axis=1)
        for level in self._levels:
            level[:] = 0
            level.reshape(-1)[: sums.size] = sums
            inclusive = np.cumsum(level, axis=1)
            sums = inclusive[:, -1].copy()
            level[:, 1:] = inclusive[:, :-1]
            level[:, 0] = 0
        self.total = int(sums.sum())
