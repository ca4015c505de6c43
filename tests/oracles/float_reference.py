"""Independent floating-point Monte-Carlo reference of the AMPER candidate set.

Written from the statement of the algorithm alone (Li et al., arXiv 2207.07791, section III, plus what the
paper leaves open: dithered prefix, ceiling, ties, fallback), before the golden model's integers were looked
at. Representatives and radii are real numbers and the randomness is numpy's, so an agreement of the two says
something about the algorithm, not about a shared line of code.

Every match set is an interval of the rows sorted by priority. A union of intervals is a prefix sum over a
difference array, which makes tens of thousands of batches a matter of seconds.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

Variant = Literal["fr", "fr-prefix", "fr-dithered", "k"]
FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

CHUNK_CELLS = 4_000_000
"""Batches times rows evaluated at once: bounds the difference arrays to some tens of megabytes."""


class FloatReference:
    """AMPER on fixed priorities, in floating point; every row is valid.

    Parameters
    ----------
    priorities:
        (n,) non-negative priorities in units of one code; integers or reals.
    groups:
        m, the number of equal parts of [0, Vmax], at least 1.
    variant:
        "fr", "fr-prefix", "fr-dithered" or "k".
    radius_scale:
        lambda', dimensionless; the radius is D_i = (lambda' / m) V_i. Used by the fr variants.
    neighbour_scale:
        lambda, dimensionless; N_i = ceil(lambda (V_i / Vmax) C_i). Used by k.
    rng:
        Source of all randomness.
    stratified:
        False draws every V_i from the whole of [0, Vmax]. That is a deliberate error, there only so that a
        test can show that it would notice.

    Raises
    ------
    ValueError
        On an empty or negative or non-finite priority array, m < 1, a negative scale or an unknown variant.
    """

    def __init__(
        self,
        priorities: ArrayLike,
        groups: int,
        variant: Variant,
        radius_scale: float,
        neighbour_scale: float,
        rng: np.random.Generator,
        *,
        stratified: bool = True,
    ) -> None:
        values = np.asarray(priorities, dtype=np.float64)
        if values.ndim != 1 or values.size == 0:
            raise ValueError(f"priorities must be a non-empty vector, not of shape {values.shape}")
        if not np.all(np.isfinite(values)) or values.min() < 0:
            raise ValueError("priorities must be finite and at least 0")
        if groups < 1:
            raise ValueError(f"groups must be at least 1, not {groups}")
        if radius_scale < 0 or neighbour_scale < 0:
            raise ValueError(f"scales must be at least 0, not {radius_scale} and {neighbour_scale}")
        if variant not in get_args(Variant):
            raise ValueError(f"variant must be one of {', '.join(get_args(Variant))}, not {variant!r}")
        self._order = np.argsort(values, kind="stable")
        self._sorted = values[self._order]
        self._groups = groups
        self._variant = variant
        self._radius_scale = radius_scale
        self._neighbour_scale = neighbour_scale
        self._rng = rng
        self._stratified = stratified

    @property
    def rows(self) -> int:
        """n, the number of rows."""
        return int(self._sorted.size)

    @property
    def vmax(self) -> float:
        """The largest priority, in codes."""
        return float(self._sorted[-1])

    def candidate_set(self) -> BoolArray:
        """One batch's candidate set: (n,) bool, True for the rows in the union. May be all False."""
        candidates: BoolArray = self.candidate_sets(1)[0]
        return candidates

    def candidate_sets(self, count: int) -> BoolArray:
        """The candidate sets of `count` batches: (count, n) bool, columns in the caller's order."""
        out = np.empty((count, self.rows), dtype=np.bool_)
        step = max(1, CHUNK_CELLS // self.rows)
        for start in range(0, count, step):
            stop = min(count, start + step)
            out[start:stop, self._order] = self._sorted_sets(stop - start)
        return out

    def sample(self, batch: int) -> IndexArray:
        """One batch: (batch,) row indices, uniform with replacement from one candidate set."""
        draws: IndexArray = self.batches(1, batch)[0][0]
        return draws

    def batches(self, count: int, batch: int) -> tuple[IndexArray, BoolArray]:
        """`count` independent batches.

        Returns
        -------
        (count, batch) row indices, the draws; (count, n) bool, the rows they were drawn from.

        The draws of one line share a candidate set and so are correlated; different lines are independent.
        An empty candidate set is replaced by all the rows, in both results.
        """
        draws = np.empty((count, batch), dtype=np.int64)
        drawn_from = np.empty((count, self.rows), dtype=np.bool_)
        step = max(1, CHUNK_CELLS // self.rows)
        for start in range(0, count, step):
            stop = min(count, start + step)
            sets = self._sorted_sets(stop - start)
            sets[~sets.any(axis=1)] = True
            # np.nonzero walks line by line, so line t's members are one run of `columns`, from offset[t] on.
            columns = np.nonzero(sets)[1]
            sizes = sets.sum(axis=1)
            offset = np.cumsum(sizes) - sizes
            pick = self._rng.integers(0, sizes[:, None], size=(stop - start, batch))
            draws[start:stop] = self._order[columns[offset[:, None] + pick]]
            drawn_from[start:stop, self._order] = sets
        return draws, drawn_from

    def _sorted_sets(self, count: int) -> BoolArray:
        """(count, n) bool over the rows sorted by priority: the union of the m intervals of each batch."""
        first, last = self._intervals(self._representatives(count))
        # +1 where an interval starts and -1 behind its end; np.add.at because starts of one batch may
        # coincide.
        steps = np.zeros((count, self.rows + 1), dtype=np.int32)
        line = np.arange(count)[:, None]
        np.add.at(steps, (line, first), 1)
        np.add.at(steps, (line, last), -1)
        cover: BoolArray = np.cumsum(steps, axis=1)[:, :-1] > 0
        return cover

    def _representatives(self, count: int) -> FloatArray:
        """(count, m) reals: V_i uniform in [i, i + 1) Vmax / m."""
        uniform = self._rng.random((count, self._groups))
        if not self._stratified:
            return uniform * self.vmax
        return (np.arange(self._groups) + uniform) * (self.vmax / self._groups)

    def _intervals(self, centre: FloatArray) -> tuple[IndexArray, IndexArray]:
        """Half-open ranges [first, last) of sorted rows matched by each representative; all (count, m)."""
        if self._variant == "k":
            return self._nearest(centre)
        radius = self._radius_scale / self._groups * centre
        if self._variant == "fr":
            return self._between(centre - radius, centre + radius, closed=True)
        bits = self._ignored_bits(radius)
        block = np.exp2(bits)
        low = np.floor(centre / block) * block
        return self._between(low, low + block, closed=False)

    def _between(self, low: FloatArray, high: FloatArray, *, closed: bool) -> tuple[IndexArray, IndexArray]:
        first = np.searchsorted(self._sorted, low, side="left")
        last = np.searchsorted(self._sorted, high, side="right" if closed else "left")
        return first, np.maximum(first, last)

    def _ignored_bits(self, radius: FloatArray) -> IndexArray:
        """How many low bits of V_i are don't care, by radius (in codes): bitlength, plus the dither's one.

        A priority is a whole number of codes, so a radius below one code ignores nothing, like D_i = 0.
        """
        whole = radius >= 1.0
        safe = np.where(whole, radius, 1.0)
        bits = np.where(whole, np.floor(np.log2(safe)).astype(np.int64) + 1, 0)
        if self._variant == "fr-prefix":
            return bits
        # q being the chance of one bit more, the expected block 2^s (1 - q) + 2^(s+1) q = 2^s (1 + q) is 2 D.
        wider = self._rng.random(radius.shape) < 2.0 * radius / np.exp2(bits) - 1.0
        return bits + (wider & whole)

    def _nearest(self, centre: FloatArray) -> tuple[IndexArray, IndexArray]:
        """The N_i rows nearest to V_i, with every row as far away as the last of them."""
        values = self._sorted
        wanted = self._neighbours(centre)
        # Smallest start of a window of `wanted` consecutive rows that no shift to the right would improve.
        low = np.zeros(centre.shape, dtype=np.int64)
        high = self.rows - wanted
        while np.any(low < high):
            middle = (low + high) // 2
            beyond = values[np.minimum(middle + wanted, self.rows - 1)]
            better_right = (low < high) & (centre - values[middle.clip(max=self.rows - 1)] > beyond - centre)
            low, high = np.where(better_right, middle + 1, low), np.where(better_right, high, middle)
        left = values[np.minimum(low, self.rows - 1)]
        right = values[np.maximum(low + wanted - 1, 0)]
        reach = np.maximum(centre - left, right - centre)
        # min and max keep the window's own ends in when centre - reach is one rounding away from them.
        first, last = self._between(np.minimum(left, centre - reach), np.maximum(right, centre + reach), closed=True)
        none = wanted == 0
        return np.where(none, 0, first), np.where(none, 0, last)

    def _neighbours(self, centre: FloatArray) -> IndexArray:
        """N_i = ceil(lambda v_i C_i), at least 1 in a group with rows, at most n; (count, m)."""
        if self.vmax == 0.0:
            # Every group is the single point 0 and holds all rows: any one neighbour ties with the rest.
            return np.ones(centre.shape, dtype=np.int64)
        group = np.floor(self._sorted * self._groups / self.vmax).astype(np.int64)
        members = np.bincount(np.minimum(group, self._groups - 1), minlength=self._groups)
        wanted = np.ceil(self._neighbour_scale * (centre / self.vmax) * members).astype(np.int64)
        return np.clip(wanted, np.minimum(members, 1), self.rows)
