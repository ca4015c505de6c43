"""The candidate sets of many batches at once: as ``amper.Sampler`` forms them, and, bit by bit, as the hardware does.

Every match set is an interval of the rows sorted by priority, so a batch's set is a union of m intervals: batches cost
O(m log n) each, and the rows' chances of a draw are prefix sums over the intervals' ends.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from amper import AmperConfig, streams

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.int64]
WordArray = NDArray[np.uint64]
Intervals = tuple[IndexArray, IndexArray]
"""The rows that each group matches: half-open ranges [first, last) of the sorted rows, both (batches, m)."""


def sampler_intervals(
    values: FloatArray, variant: str, groups: int, scales: FloatArray, rng: np.random.Generator
) -> Intervals:
    """Those of the software sampler (docs/software/sampler.md), in real numbers.

    Parameters
    ----------
    values : (n,) stored priorities, ascending, above 0. variant : fr, fr-prefix, fr-dithered or k.
    scales : (batches,) lambda' (for k lambda) of each batch.
    """
    place = (np.arange(groups) + rng.random((scales.size, groups))) / groups
    centre = place * values[-1]
    if variant == "k":
        borders = values[-1] * np.arange(1, groups) / groups
        members = np.diff(np.searchsorted(values, borders, side="left"), prepend=0, append=values.size)
        wanted = np.ceil(scales[:, None] * place * members).astype(np.int64)
        return _nearest(values, centre, np.clip(wanted, np.minimum(members, 1), values.size))
    radius = scales[:, None] / groups * centre
    if variant == "fr":
        return window_around(values, centre, radius)
    block = np.ldexp(1.0, np.frexp(radius)[1])  # 2^s, with 2^(s-1) <= radius < 2^s
    if variant == "fr-dithered":
        block *= 1 + (rng.random(radius.shape) < 2 * radius / block - 1)
    return block_around(values, centre, block)


def query_words(config: AmperConfig, batches: int) -> WordArray:
    """(batches, m) words of the query stream from its start, as ``batches`` consecutive batches take them."""
    return _query_stream(config.seed, batches * config.groups).reshape(batches, config.groups)


@functools.lru_cache(maxsize=8)  # the stream is plain Python, and many configurations use the same one
def _query_stream(seed: int, count: int) -> WordArray:
    query, _ = streams(seed)
    words = np.fromiter((query.next() for _ in range(count)), dtype=np.uint64, count=count)
    words.setflags(write=False)
    return words


def golden_intervals(config: AmperConfig, codes: IndexArray, words: WordArray) -> Intervals:
    """Those of docs/reference/algorithm.md, to the bit.

    Parameters
    ----------
    codes : (n,) priority codes, ascending; every row is valid. words : (batches, m) query words.

    Raises
    ------
    ValueError : priorities wider than 16 bits, with which products would not fit into 64.
    """
    if config.priority_width > 16:
        raise ValueError(
            f"priority_width must be at most 16, not {config.priority_width}: products would overflow 64 bits"
        )
    vmax, values = int(codes[-1]), codes.astype(np.float64)  # in which all that follows is exact
    u = (words >> np.uint64(64 - config.fraction_width)).astype(np.int64)
    value, _ = representatives(config, u, vmax)
    centre = value.astype(np.float64)
    if config.variant == "k":
        start = np.append(representatives(config, 0, vmax)[0], vmax + 1)
        members = np.diff(np.searchsorted(codes, start, side="left"))
        wanted = -((-config.neighbour_coefficient * value * members) // (max(vmax, 1) << 20))
        return _nearest(values, centre, np.clip(wanted, np.minimum(members, 1), codes.size * (members > 0)))
    radius = np.minimum(config.priority_max, (value * config.radius_coefficient) >> 20)
    if config.variant == "fr":
        return window_around(values, centre, radius.astype(np.float64))
    # frexp's exponent of a whole number is its bit length, exactly, below 2^53.
    ignored = np.frexp(radius.astype(np.float64))[1].astype(np.int64)
    if config.variant == "fr-dithered":
        leading_one = np.where(radius > 0, 1 << np.maximum(ignored - 1, 0), 1)
        dither = (words & (leading_one - 1).astype(np.uint64)).astype(np.int64)
        ignored += (radius > 0) & (dither < radius - leading_one)
    return block_around(values, centre, np.ldexp(1.0, np.minimum(ignored, config.priority_width)))


def draw_chances(intervals: Intervals, rows: int) -> tuple[FloatArray, IndexArray]:
    """The rows' chances of a draw, the mean over the batches of 1/|CSP| for rows of the CSP; and |CSP| of each.

    A batch without a match draws from all rows, and its |CSP| is 0.
    """
    first, last = intervals
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


def representatives(config: AmperConfig, u: IndexArray | int, vmax: int) -> tuple[IndexArray, FloatArray]:
    """V_i of all groups and the fraction that it leaves out, from the high bits of query words."""
    group = np.arange(config.groups)
    place = (((group << config.fraction_width) + u) * config.reciprocal) >> config.reciprocal_shift
    exact = place * (vmax + 1)
    value = exact >> config.fraction_width
    return value, (exact - (value << config.fraction_width)) / (1 << config.fraction_width)


def window_around(values: FloatArray, centre: FloatArray, radius: FloatArray) -> Intervals:
    first = np.searchsorted(values, centre - radius, side="left")
    return first, np.searchsorted(values, centre + radius, side="right")


def block_around(values: FloatArray, centre: FloatArray, block: FloatArray) -> Intervals:
    low = np.floor(centre / block) * block
    first = np.searchsorted(values, low, side="left")
    return first, np.searchsorted(values, low + block, side="left")


def _nearest(values: FloatArray, centre: FloatArray, wanted: IndexArray) -> Intervals:
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
