"""The core of ``bit_exact=True``: docs/algorithm.md to the letter, so the indices of the golden model and of the RTL.

Vectorised over the rows: a batch costs O(n) like the hardware's searches, not O(n m) like the golden model.
"""

from __future__ import annotations

import math
import threading

import numpy as np
from numpy.typing import NDArray

from amper.config import RANDOM_WIDTH, SCALE_FRACTION_WIDTH, AmperConfig
from amper.fallback import DONE, ERRORS, ILLEGAL, MUST_HOLD, NOT_PLAIN, is_plain, stored
from amper.quantise import quantise
from amper.urng import WORD, Xoroshiro128PlusPlus, streams
from amper.weights import exponentiated, normalised_weights

IndexArray = NDArray[np.int64]

_TABLE_WIDTH = 16  # bits of a code up to which a table over all codes says what matches


class ExactCore:
    """Members and methods of ``amper._core.Core``, with codes of Q bits and the two streams of docs/algorithm.md.

    Members
    -------
    key, counter : states of the query stream and of the draw stream, 128 bits each. scale, share : lambda' or, for k,
        lambda; |CSP|/n of the latest batch.
    """

    shift = 0

    def __init__(self, config: AmperConfig, *, alpha: float, eps: float) -> None:
        self._config, self._alpha, self._eps = config, alpha, eps
        self._codes = np.full(config.rows, -1, dtype=np.int64)
        self._priorities = np.zeros(config.rows, dtype=np.float32)
        self._query, self._draw = streams(config.seed)
        self._lock = threading.Lock()
        self.count = self.used = self.cursor = self.batches = 0
        self.maximum = self.share = 0.0
        self.scale = config.neighbour_scale if config.variant == "k" else config.radius_scale

    @property
    def key(self) -> int:
        """State of the query stream."""
        return self._query.s0 | self._query.s1 << 64

    @key.setter
    def key(self, state: int) -> None:
        self._query = Xoroshiro128PlusPlus(state & WORD, state >> 64)

    @property
    def counter(self) -> int:
        """State of the draw stream."""
        return self._draw.s0 | self._draw.s1 << 64

    @counter.setter
    def counter(self, state: int) -> None:
        self._draw = Xoroshiro128PlusPlus(state & WORD, state >> 64)

    def write(self, indices: object, values: object, flags: int) -> int:
        """Store ``values`` in rows, in this order; a status."""
        if not is_plain(indices, np.int64) or not (is_plain(values, np.float64) or is_plain(values, np.float32)):
            return NOT_PLAIN
        assert isinstance(indices, np.ndarray)
        assert isinstance(values, np.ndarray)
        if indices.size != values.size:
            return NOT_PLAIN
        with self._lock:
            wide = values.astype(np.float64)
            legal = np.isfinite(wide) & ((wide >= 0) | bool(flags & ERRORS))
            if not legal.all() or not self._legal_rows(indices, bool(flags & MUST_HOLD)):
                return ILLEGAL
            self._store(indices, exponentiated(wide, self._eps, self._alpha) if flags & ERRORS else wide)
        return DONE

    def add(self, priority: object) -> int | None:
        """The row that the priority (None: the largest so far) was stored in; None if it is not legal."""
        if priority is None:
            value = self.maximum or 1.0
        elif type(priority) is float and 0 <= priority < math.inf:
            value = priority
        else:
            return None
        with self._lock:
            row = self.cursor
            self._store(np.array([row]), np.array([value]))
            self.cursor = (row + 1) % self._config.rows
        return row

    def remove(self, indices: object) -> int:
        """Let go of rows; a status."""
        if not is_plain(indices, np.int64):
            return NOT_PLAIN
        assert isinstance(indices, np.ndarray)
        with self._lock:
            if not self._legal_rows(indices, True):
                return ILLEGAL
            self._codes[indices] = -1
            self._priorities[indices] = 0.0
            self.count = int(np.count_nonzero(self._codes >= 0))
        return DONE

    def sample(self, batch: object, beta: object) -> tuple[IndexArray, NDArray[np.float32]] | None:
        """(indices, weights); None if the arguments are not an int above 0 and a float, or nothing is held."""
        if type(batch) is not int or type(beta) is not float or not 1 <= batch < 1 << 31 or not 0 <= beta < math.inf:
            return None
        with self._lock:
            if self.count == 0:
                return None
            rows = self._candidates()
            self.share = rows.size / self.count
            if rows.size == 0:
                rows = np.flatnonzero(self._codes >= 0)
            ranks = [((self._draw.next() >> 32) * rows.size) >> 32 for _ in range(batch)]
            self.batches += 1
            drawn = rows[ranks]
            # A code of 0 cannot come from the quantiser, so the logarithm is defined.
            return drawn, normalised_weights(self._codes[drawn].astype(np.float64), beta)

    def priorities(self) -> NDArray[np.float32]:
        """(rows,): the priorities as given, 0 where nothing is held."""
        return self._priorities.copy()

    def extra(self) -> NDArray[np.uint32]:
        """(rows,): the codes, 0 where nothing is held."""
        return np.maximum(self._codes, 0).astype(np.uint32)

    def load(self, priorities: NDArray[np.float32], codes: NDArray[np.uint32]) -> None:
        """Put back what ``priorities`` and ``extra`` gave."""
        self._priorities[:] = priorities
        self._codes[:] = np.where(codes > 0, codes.astype(np.int64), -1)
        self.count = int(np.count_nonzero(codes))

    def cover(self) -> NDArray[np.float64]:
        """Nothing: only estimated weights need it."""
        return np.zeros(0)

    def set_cover(self, cover: NDArray[np.float64]) -> int:
        """Put back what ``cover`` gave."""
        return DONE if is_plain(cover, np.float64) and cover.size == 0 else NOT_PLAIN

    def set_shift(self, shift: int) -> None:
        """There is no sum tree."""

    def memory(self) -> int:
        """Bytes."""
        return self._codes.nbytes + self._priorities.nbytes

    def _legal_rows(self, rows: IndexArray, must_hold: bool) -> bool:
        if not ((rows >= 0) & (rows < self._config.rows)).all():
            return False
        return not must_hold or bool((self._codes[rows] >= 0).all())

    def _store(self, rows: IndexArray, values: NDArray[np.float64]) -> None:
        if rows.size == 0:
            return
        # Of a row that comes more than once, the last value counts; NumPy leaves open which one assignment would take.
        once, last = np.unique(rows[::-1], return_index=True)
        final = values[::-1][last]
        self.maximum = max(self.maximum, float(values.max()))
        self.count += int(np.count_nonzero(self._codes[once] < 0))
        self._codes[once] = quantise(final, self._config)
        self._priorities[once] = stored(final)
        self.used = max(self.used, int(once[-1]) + 1)

    # --- docs/algorithm.md ---------------------------------------------------------------------------------------

    def _candidates(self) -> IndexArray:
        """The rows of the CSP, ascending."""
        config = self._config
        vmax = int(self._codes.max())
        words = [self._query.next() for _ in range(config.groups)]
        values = [
            self._representative(i, words[i] >> (RANDOM_WIDTH - config.fraction_width), vmax) for i in range(len(words))
        ]
        if config.variant == "k":
            intervals = self._nearest(values, vmax)
        else:
            intervals = [self._matched(value, word) for value, word in zip(values, words, strict=True)]
        if config.priority_width <= _TABLE_WIDTH:
            member = np.zeros(config.priority_max + 2, dtype=np.bool_)  # one more, which code -1 of no priority reads
            for low, high in intervals:
                member[max(low, 0) : high + 1] = True
            member[-1] = False
            return np.flatnonzero(member[self._codes])
        within = np.zeros(config.rows, dtype=np.bool_)
        for low, high in intervals:
            within |= (self._codes >= max(low, 0)) & (self._codes <= high)
        return np.flatnonzero(within)

    def _representative(self, group: int, u: int, vmax: int) -> int:
        width = self._config.fraction_width
        place = (((group << width) + u) * self._config.reciprocal) >> self._config.reciprocal_shift
        return (place * (vmax + 1)) >> width

    def _matched(self, value: int, word: int) -> tuple[int, int]:
        """Codes, both included, that a group of an fr variant matches."""
        config = self._config
        radius = min(config.priority_max, (value * config.radius_coefficient) >> SCALE_FRACTION_WIDTH)
        if config.variant == "fr":
            return value - radius, min(value + radius, config.priority_max)
        ignored = radius.bit_length()
        if config.variant == "fr-dithered" and radius > 0:
            half = 1 << (ignored - 1)
            ignored += word % half < radius - half
        block = 1 << min(ignored, config.priority_width)
        return value & -block, value | (block - 1)

    def _nearest(self, values: list[int], vmax: int) -> list[tuple[int, int]]:
        """Codes, both included, that the groups of k match."""
        config = self._config
        ordered = np.sort(self._codes[self._codes >= 0])
        bounds = [self._representative(i, 0, vmax) for i in range(config.groups)] + [vmax + 1]
        members = np.diff(np.searchsorted(ordered, bounds)).tolist()
        found = []
        for value, count in zip(values, members, strict=True):
            if count == 0:
                continue
            wanted = 1
            if vmax > 0:
                numerator = config.neighbour_coefficient * value * count
                wanted = min(ordered.size, max(1, -(-numerator // (vmax << SCALE_FRACTION_WIDTH))))
            radius = _nearest_radius(ordered, value, wanted)
            found.append((value - radius, min(value + radius, config.priority_max)))
        return found


def _nearest_radius(ordered: IndexArray, value: int, wanted: int) -> int:
    """Distance of the ``wanted``-th nearest of the ascending codes."""
    # The least start of ``wanted`` consecutive codes that moving on by one would not bring nearer.
    low, high = 0, ordered.size - wanted
    while low < high:
        middle = (low + high) // 2
        if value - int(ordered[middle]) > int(ordered[middle + wanted]) - value:
            low = middle + 1
        else:
            high = middle
    return max(value - int(ordered[low]), int(ordered[low + wanted - 1]) - value)
