"""The core in NumPy, for where the compiled one (sw/amper/cores/c) is missing: the same results, slower."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from amper.cores.base import CoreBase, IndexArray, last_of_each, stored
from amper.cores.initial import Initial
from amper.cores.numpy.code_index import CodeIndex, codes_of, values_of
from amper.cores.numpy.query import Query
from amper.cores.numpy.sum_tree import SumTree
from amper.cores.weights import inclusion_probability
from amper_spec.config import AMPER_VARIANTS

# Modes: uniform, per, and from there on the variants in the order of AMPER_VARIANTS.
UNIFORM, PER, AMPER = range(3)

_COVER_BINS = 2048
_COVER_GROWTH = 256.0 / 255.0


class NumpyCore(CoreBase):
    """A ``Core``; the arguments are checked already."""

    def __init__(
        self,
        *,
        mode: int,
        rows: int,
        groups: int,
        scale: float,
        target: float,
        largest_scale: float,
        own_weights: int,
        key: int,
        alpha: float,
        eps: float,
        initial_kind: int,
        initial: float,
    ) -> None:
        super().__init__(rows, alpha=alpha, eps=eps)
        self._mode, self._own = mode, own_weights
        self._target, self._largest_scale = target, largest_scale
        self.scale, self.key, self.counter = scale, key, 0
        self._tree = SumTree(rows, uniform=mode == UNIFORM) if mode < AMPER else None
        self._index = CodeIndex(rows if mode >= AMPER else 1)
        stored_in = self._tree.priority if self._tree else None
        self._initial = Initial(initial_kind, initial, stored_in, None if self._tree else self._index)
        self._query = Query(AMPER_VARIANTS[mode - AMPER] if mode >= AMPER else "", groups)
        # The sums over bins of 32 codes: see c/inclusion.h. Weight and total come first.
        self._cover = np.zeros(_COVER_BINS + 2 if own_weights and self._query.variant == "k" else 0)
        self._cover[:1] = 1.0

    @property
    def shift(self) -> int:
        return self._tree.shift if self._tree else 0

    @property
    def total(self) -> float:
        with self._lock:
            return math.ldexp(self._tree.total, -self._tree.shift) if self._tree else 0.0

    def priorities(self) -> NDArray[np.float32]:
        if self._tree:
            return self._tree.priority.copy()
        codes = self._index.code.astype(np.int64)
        return np.where(codes > 0, values_of(codes), 0.0).astype(np.float32)

    def set_shift(self, shift: int) -> None:
        if self._tree and not self._tree.uniform:
            self._tree.set_shift(shift, self.used)

    def memory(self) -> int:
        kept = self._tree.memory() if self._tree else self._index.memory() + self._cover.nbytes
        return kept + self._initial.memory()

    def _let_go(self, rows: IndexArray) -> None:
        once = np.unique(rows)
        self.count -= once.size
        if self._tree:
            nothing = np.zeros(once.size, dtype=np.float32)
            self._tree.set(once, nothing, used=self.used, count=self.count, bound=(0, 0.0))
            self._initial.wrote(once, nothing)
        else:
            self._index.set(once, np.zeros(once.size, dtype=np.int64))

    def _holds(self, rows: IndexArray) -> NDArray[np.bool_]:
        return self._tree.holds(rows) if self._tree else self._index.holds(rows)

    def _store(self, rows: IndexArray, values: NDArray[np.float64]) -> None:
        kept = stored(values)
        largest = float(kept.max())
        once, last = last_of_each(rows)
        self._took(once)
        self.maximum = max(self.maximum, largest)
        final = kept[last]
        if self._tree:
            self._tree.set(once, final, used=self.used, count=self.count, bound=(rows.size, largest))
            self._initial.wrote(once, final)
        else:
            self._index.set(once, codes_of(final, self._query.variant in ("fr-dithered", "fr-prefix")))

    def _draw(self, batch: int) -> tuple[IndexArray, NDArray[np.float64]]:
        if self._tree is None:
            return self._draw_from_set(batch)
        rows = self._tree.draw(self.key, self.counter, batch)
        self.counter += batch
        return rows, np.ones(batch) if self._tree.uniform else self._tree.priority[rows].astype(np.float64)

    def _draw_from_set(self, batch: int) -> tuple[IndexArray, NDArray[np.float64]]:
        """Rows from the candidate set, and what their weights go by."""
        query, index = self._query, self._index
        query.scale = self.scale
        query.search(index, self.key, self.counter)
        self.counter += 2 * query.groups
        count = query.rows(index)
        empty = count == 0
        self.share = count / self.count
        if self._target > 0:
            self.scale = self._controlled()
        if empty:
            query.all()
            count = self.count
        if self._cover.size:
            self._add_cover()
        if query.scan_is_cheaper(index, batch, self.used, count):
            rows, taken = query.draw_by_scan(index, self.used, self.key, self.counter, batch)
        else:
            rows, taken = query.draw_by_rejection(index, self.used, self.key, self.counter, batch)
        self.counter += taken
        return rows, self._weighed(rows, empty)

    def _controlled(self) -> float:
        error = max(-16.0, (self._target - self.share) / self._target)
        return min(max(self.scale * (1.0 + 0.03125 * error), 2.0**-20), self._largest_scale)

    def _weighed(self, rows: IndexArray, empty: bool) -> NDArray[np.float64]:
        codes = self._index.code[rows].astype(np.int64)
        query = self._query
        if not self._own:
            return values_of(codes)
        if empty:
            return np.ones(rows.size)
        if query.variant == "k":
            cover: NDArray[np.float64] = self._cover[2 + (codes >> 5)] / self._cover[1]
            return cover
        return inclusion_probability(
            values_of(codes),
            variant=query.variant,  # type: ignore[arg-type]  # one of the three
            groups=query.groups,
            scale=query.scale,
            vmax=query.vmax,
        )

    def _add_cover(self) -> None:
        weight = self._cover[0]
        for low, high in self._query.intervals:
            bins = np.arange(low >> 5, (high >> 5) + 1)
            codes = np.minimum(bins * 32 + 31, high) - np.maximum(bins * 32, low) + 1
            self._cover[2 + bins] += codes * 0.03125 * weight
        self._cover[1] += weight
        self._cover[0] = weight * _COVER_GROWTH
        if self._cover[0] > 2.0**400:
            self._cover *= 2.0**-400
