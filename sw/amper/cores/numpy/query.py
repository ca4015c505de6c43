"""The candidate set of a batch (docs/theory/software.md); sw/amper/cores/c/query.c and draws.c in NumPy and Python."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from amper.cores.numpy import random_words
from amper.cores.numpy.code_index import (
    CODE_FIRST,
    CODE_LAST,
    CODES,
    CodeIndex,
    IndexArray,
    code_ceiling,
    code_floor,
    code_value,
)

Interval = tuple[int, int]  # codes, both included

_TRIES = 16  # random rows tried at a time
_BLOCKS = 64  # of them computed at once


class Query:
    """One search of all groups.

    Members
    -------
    variant : "fr-dithered", "fr-prefix", "fr" or "k". groups : m. scale : lambda' or, for k, lambda. vmax : the largest
    priority. intervals : what matched, disjoint and ascending.
    """

    def __init__(self, variant: str, groups: int) -> None:
        self.variant = variant
        self.groups = groups
        self.scale = 0.0
        self.vmax = 0.0
        self.intervals: list[Interval] = []

    def search(self, index: CodeIndex, key: int, counter: int) -> None:
        """Take two words a group, from ``counter`` on."""
        top = index.largest
        inverse = 1.0 / self.groups
        coefficient = self.scale * inverse
        self.vmax = code_value(top)
        random = random_words.units(random_words.words(key, counter, 2 * self.groups)).tolist()
        found = []
        for group in range(self.groups):
            place = (group + random[2 * group]) * inverse
            value = place * self.vmax
            if self.variant == "k":
                wanted = self._neighbours(index, group, place, top)
                low, high = _nearest(index, value, wanted, top) if wanted else (1, 0)
            else:
                low, high = self._matched(value, coefficient * value, random[2 * group + 1])
            if low <= min(high, top):
                found.append((low, min(high, top)))
        self.intervals = _merged(found)

    def rows(self, index: CodeIndex) -> int:
        """|CSP|."""
        return sum(index.between(low, high) for low, high in self.intervals)

    def all(self) -> None:
        """Match every row instead."""
        self.intervals = [(CODE_FIRST, CODE_LAST)]

    def draw_by_rejection(
        self, index: CodeIndex, used: int, key: int, counter: int, batch: int
    ) -> tuple[IndexArray, int]:
        """Random rows until ``batch`` of them match; also the words taken."""
        member = self._members()
        taken, count = 0, 0
        kept = []
        while True:
            rows = random_words.below(random_words.words(key, counter + taken, _TRIES * _BLOCKS), used)
            hits = np.flatnonzero(member[index.code[rows]])
            if count + hits.size >= batch:
                last = int(hits[batch - count - 1])
                kept.append(rows[hits[: batch - count]])
                return np.concatenate(kept), taken + (last // _TRIES + 1) * _TRIES
            kept.append(rows[hits])
            count += hits.size
            taken += rows.size

    def scan_is_cheaper(self, index: CodeIndex, batch: int, used: int, rows: int) -> bool:
        """Whether, compiled, going through all rows for the |CSP| = ``rows`` that match costs less than tries.

        In units of a row gone through a try costs 16 and a row found 64; blocks of 256 without a row at or above the
        set are passed over.
        """
        tries, found = 16.0 * batch * used, 64.0 * rows
        if tries <= rows * found:
            return False
        lowest = next(low for low, high in self.intervals if index.between(low, high))
        return tries > rows * (min(used, 256.0 * index.between(lowest, CODE_LAST)) + found)

    def draw_by_scan(self, index: CodeIndex, used: int, key: int, counter: int, batch: int) -> tuple[IndexArray, int]:
        """Draws from the list of all rows that match, ascending; also the words taken."""
        rows = np.flatnonzero(self._members()[index.code[:used]])
        return rows[random_words.below(random_words.words(key, counter, batch), rows.size)], batch

    def _members(self) -> NDArray[np.bool_]:
        """(65536,): whether each code matches."""
        member = np.zeros(CODES, dtype=np.bool_)
        for low, high in self.intervals:
            member[low : high + 1] = True
        return member

    def _matched(self, value: float, radius: float, dither: float) -> Interval:
        if self.variant == "fr":
            return code_ceiling(value - radius), code_floor(value + radius)
        if radius <= 0:
            return 1, 0
        half = math.ldexp(0.5, math.frexp(radius)[1])
        block = 2.0 * half
        if self.variant == "fr-dithered" and dither < radius / half - 1.0:
            block = 2.0 * block
        low = math.floor(value / block) * block
        return code_ceiling(low), code_ceiling(low + block) - 1

    def _neighbours(self, index: CodeIndex, group: int, place: float, top: int) -> int:
        low = code_ceiling(self.vmax * group / self.groups)
        high = top if group + 1 == self.groups else code_ceiling(self.vmax * (group + 1) / self.groups) - 1
        members = index.between(low, high)
        if members == 0:
            return 0
        rows = index.below(CODE_LAST + 1)
        product = self.scale * place * members
        return max(1, rows if product >= rows else math.ceil(product))


def _merged(found: list[Interval]) -> list[Interval]:
    merged: list[Interval] = []
    for low, high in sorted(found):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return merged


def _within(value: float, distance: float, base: int, top: int) -> Interval:
    """Codes within ``distance`` of the value; ``base`` is code_floor(value)."""
    low = min(code_ceiling(value - distance), base + 1)
    high = max(base, min(code_floor(value + distance), top))
    # The sums were rounded; the distance itself decides.
    while low > CODE_FIRST and value - code_value(low - 1) <= distance:
        low -= 1
    while low <= base and value - code_value(low) > distance:
        low += 1
    while high < top and code_value(high + 1) - value <= distance:
        high += 1
    while high > base and code_value(high) - value > distance:
        high -= 1
    return low, high


def _nearest(index: CodeIndex, value: float, wanted: int, top: int) -> Interval:
    """The codes of the ``wanted`` rows nearest to the value and of all as far as the last of them."""
    base = min(code_floor(value), top)
    distances = []
    for sign, limit in ((-1, base - CODE_FIRST + 1), (1, top - base)):
        # The first code on this side whose distance takes in enough rows; low: not enough, high: enough or too far.
        low, high = 0, limit + 1
        while high - low > 1:
            middle = (low + high) // 2
            distance = _distance(value, base, sign, middle)
            if index.between(*_within(value, distance, base, top)) >= wanted:
                high = middle
            else:
                low = middle
        if high <= limit:
            distances.append(_distance(value, base, sign, high))
    return _within(value, min(distances), base, top)


def _distance(value: float, base: int, sign: int, steps: int) -> float:
    """From the value to the code that lies ``steps`` below it, or above."""
    return value - code_value(base + 1 - steps) if sign < 0 else code_value(base + steps) - value
