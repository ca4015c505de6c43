"""The candidate sets of many batches at once, as ``amper.Sampler`` forms them (sampler.md), in real numbers.

Every match set is an interval of the rows sorted by priority, so a batch's set is a union of m intervals: batches cost
O(m log n) each, and the rows' chances of a draw are prefix sums over the intervals' ends.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.int64]


def match_intervals(
    values: FloatArray, variant: str, groups: int, scales: FloatArray, rng: np.random.Generator
) -> tuple[IndexArray, IndexArray]:
    """The rows that each group matches: half-open ranges [first, last) of the sorted rows, both (batches, m).

    Parameters
    ----------
    values : (n,) stored priorities, ascending, above 0. variant : fr, fr-prefix, fr-dithered or k.
    scales : (batches,) lambda' (for k lambda) of each batch.
    """
    place = (np.arange(groups) + rng.random((scales.size, groups))) / groups
    centre = place * values[-1]
    if variant == "k":
        return _nearest(values, centre, _neighbours(values, place, scales))
    radius = scales[:, None] / groups * centre
    if variant == "fr":
        first = np.searchsorted(values, centre - radius, side="left")
        last = np.searchsorted(values, centre + radius, side="right")
    else:
        block = np.ldexp(1.0, np.frexp(radius)[1])  # 2^s, with 2^(s-1) <= radius < 2^s
        if variant == "fr-dithered":
            block *= 1 + (rng.random(radius.shape) < 2 * radius / block - 1)
        low = np.floor(centre / block) * block
        first = np.searchsorted(values, low, side="left")
        last = np.searchsorted(values, low + block, side="left")
    return first, np.maximum(first, last)


def draw_chances(first: IndexArray, last: IndexArray, rows: int) -> tuple[FloatArray, IndexArray]:
    """The rows' chances of a draw, the mean over the batches of 1/|CSP| for rows of the CSP; and |CSP| of each.

    Parameters
    ----------
    first, last : of ``match_intervals``. A batch without a match draws from all rows, and its |CSP| is 0.
    """
    order = np.argsort(first, axis=1)
    first, last = (np.take_along_axis(each, order, axis=1) for each in (first, last))
    # What a group adds to those before it begins where they end.
    reached = np.maximum.accumulate(last, axis=1)
    start = first.copy()
    np.maximum(start[:, 1:], reached[:, :-1], out=start[:, 1:])
    end = np.maximum(start, last)
    size = (end - start).sum(axis=1)
    empty = size == 0
    start[empty, 0], end[empty, 0] = 0, rows
    chance = np.repeat(1 / np.where(empty, rows, size), start.shape[1])
    steps = np.bincount(start.ravel(), chance, rows + 1) - np.bincount(end.ravel(), chance, rows + 1)
    return np.cumsum(steps)[:-1] / len(size), size


def _neighbours(values: FloatArray, place: FloatArray, scales: FloatArray) -> IndexArray:
    """N_i = ceil(lambda v_i C_i), at least 1 in a group with rows, 0 in one without, at most n; (batches, m)."""
    groups = place.shape[1]
    borders = np.searchsorted(values, values[-1] * np.arange(1, groups) / groups, side="left")
    members = np.diff(borders, prepend=0, append=values.size)
    wanted = np.ceil(scales[:, None] * place * members).astype(np.int64)
    clipped: IndexArray = np.clip(wanted, np.minimum(members, 1), values.size)
    return clipped


def _nearest(values: FloatArray, centre: FloatArray, wanted: IndexArray) -> tuple[IndexArray, IndexArray]:
    """The ``wanted`` rows nearest to ``centre``, and all that are as near as the last of them."""
    rows = values.size
    # The first window of that many rows that a step to the right would not bring nearer, by bisection.
    low, high = np.zeros_like(wanted), rows - wanted
    while np.any(low < high):
        middle = (low + high) // 2
        beyond = values[np.minimum(middle + wanted, rows - 1)] - centre
        right = (low < high) & (centre - values[np.minimum(middle, rows - 1)] > beyond)
        low, high = np.where(right, middle + 1, low), np.where(right, high, middle)
    left, end = values[np.minimum(low, rows - 1)], values[np.maximum(low + wanted - 1, 0)]
    reach = np.maximum(centre - left, end - centre)
    # Against rounding: the window's own ends are always in.
    first = np.searchsorted(values, np.minimum(left, centre - reach), side="left")
    last = np.searchsorted(values, np.maximum(end, centre + reach), side="right")
    return np.where(wanted > 0, first, 0), np.where(wanted > 0, last, 0)
