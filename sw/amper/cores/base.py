"""What a core is, and what those in Python share: operations on rows, checked and under one lock."""

from __future__ import annotations

import math
import threading
from abc import abstractmethod
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from amper.cores.initial import Initial
from amper.cores.weights import exponentiated, normalised_weights
from amper.support.forks import SAMPLERS, guard

IndexArray = NDArray[np.int64]
WeightArray = NDArray[np.float32]
WeightsFunction = Callable[[NDArray[np.float64], float], WeightArray]

# Statuses and flags of sw/amper/cores/c.
DONE, NOT_PLAIN, ILLEGAL = range(3)
MUST_HOLD, ERRORS = 1, 2

_SMALLEST, _LARGEST = 2.0**-126, 2.0**127


class Core(Protocol):
    """Draws rows from float priorities; takes plain arrays and numbers, and says what is wrong only by a status.

    Members
    -------
    count, used, cursor : rows that hold a priority; those below which all of these lie; the row of the next ``add``.
    maximum : the largest priority so far, 0 before the first. key, counter : of the random words; of the bit-exact
    core the states of the query stream and of the draw stream, 128 bits each. batches : drawn so far.
    scale, share : lambda' or, for k, lambda; |CSP|/n of the latest batch.
    """

    count: int
    used: int
    cursor: int
    maximum: float
    key: int
    counter: int
    batches: int
    scale: float
    share: float

    @property
    def shift(self) -> int:
        """Of the sum tree; 0 where there is none."""

    def write(self, indices: object, values: object, flags: int, /) -> int:
        """Store ``values``, TD errors with the flag ERRORS, in rows, in this order; a status.

        NOT_PLAIN: not contiguous arrays of int64 and of float64 or float32, of one dimension and length. ILLEGAL: a row
        out of range, or with the flag MUST_HOLD one that holds nothing; a value that is not finite or below 0.
        """

    @property
    def initial(self) -> float:
        """The priority that a new row gets now."""

    def add(self, priority: object, /) -> int | None:
        """The row that the priority (None: ``initial``) was stored in; None if it is no legal float."""

    def remove(self, indices: object, /) -> int:
        """Let go of rows, which must hold a priority; a status."""

    def sample(self, batch: object, beta: object, /) -> tuple[IndexArray, WeightArray] | None:
        """(indices, weights); None if the arguments are not an int above 0 and a float, or nothing is held."""

    def priorities(self) -> NDArray[np.float32]:
        """(rows,): what is stored, 0 where nothing is held; of the bit-exact core as given."""

    def priorities_of(self, indices: object, /) -> NDArray[np.float32] | None:
        """(b,): what is stored in these rows; None unless they are a plain array of rows."""

    @property
    def total(self) -> float:
        """The sum of the priorities that rows are drawn by; of uniform draws, their number; 0 where there is none."""

    def extra(self) -> NDArray[np.uint32]:
        """(rows,): the codes of the bit-exact core, 0 where nothing is held; (0,) of others, which need no more."""

    def cover(self) -> NDArray[np.float64]:
        """What the weights of k are estimated from: weight, total and sums over bins; (0,) where that is not done."""

    def set_cover(self, cover: NDArray[np.float64], /) -> int:
        """Put back what ``cover`` gave; a status."""

    def set_shift(self, shift: int, /) -> None:
        """Another shift of the sum tree, if there is one."""

    def memory(self) -> int:
        """Bytes that are kept for the rows, about."""


class CoreBase(Core):
    """A ``Core`` but for how priorities are stored and rows are drawn.

    Parameters
    ----------
    rows : those from 0 to ``rows`` - 1 may be written. alpha, eps : errors are stored as (|error| + eps)^alpha.
    weights : the normalised weights of float64 values above 0.
    """

    def __init__(
        self,
        rows: int,
        *,
        alpha: float,
        eps: float,
        weights: WeightsFunction = normalised_weights,
    ) -> None:
        self._rows, self._alpha, self._eps = rows, float(alpha), float(eps)
        self._weights = weights
        self._lock = threading.Lock()
        guard(self._lock, SAMPLERS)
        self._cover = np.zeros(0)
        self.count = self.used = self.cursor = self.batches = 0
        self.maximum = self.share = 0.0
        self._initial: Initial  # of a subclass, which tells it of every write

    @abstractmethod
    def _store(self, rows: IndexArray, values: NDArray[np.float64]) -> None:
        """Store legal priorities in legal rows, in this order, and keep ``count``, ``used`` and ``maximum`` right."""

    @abstractmethod
    def _let_go(self, rows: IndexArray) -> None:
        """Make rows that hold a priority, some perhaps more than once, hold none, and keep ``count`` right."""

    @abstractmethod
    def _holds(self, rows: IndexArray) -> NDArray[np.bool_]:
        """Whether each of the legal rows holds a priority."""

    @abstractmethod
    def _draw(self, batch: int) -> tuple[IndexArray, NDArray[np.float64]]:
        """Rows, and the values that their weights go by; at least one row holds a priority."""

    def _can_draw(self) -> bool:
        return self.count > 0

    @property
    def shift(self) -> int:
        return 0

    @property
    def initial(self) -> float:
        with self._lock:
            return self._initial.priority(self.count, self.maximum)

    def write(self, indices: object, values: object, flags: int) -> int:
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
            if wide.size:
                self._store(indices, exponentiated(wide, self._eps, self._alpha) if flags & ERRORS else wide)
        return DONE

    def add(self, priority: object) -> int | None:
        if priority is not None and not (type(priority) is float and 0 <= priority < math.inf):
            return None
        with self._lock:
            value = self._initial.priority(self.count, self.maximum) if priority is None else priority
            row = self.cursor
            self._store(np.array([row]), np.array([value]))
            self.cursor = (row + 1) % self._rows
        return row

    def remove(self, indices: object) -> int:
        if not is_plain(indices, np.int64):
            return NOT_PLAIN
        assert isinstance(indices, np.ndarray)
        with self._lock:
            if not self._legal_rows(indices, True):
                return ILLEGAL
            if indices.size:
                self._let_go(indices)
        return DONE

    def sample(self, batch: object, beta: object) -> tuple[IndexArray, WeightArray] | None:
        if not (type(batch) is int and type(beta) is float and 1 <= batch < 1 << 31 and 0 <= beta < math.inf):
            return None
        with self._lock:
            if not self._can_draw():
                return None
            rows, values = self._draw(batch)
            self.batches += 1
            return rows, self._weights(values, beta)

    def priorities_of(self, indices: object) -> NDArray[np.float32] | None:
        if not is_plain(indices, np.int64):
            return None
        assert isinstance(indices, np.ndarray)
        with self._lock:
            return self.priorities()[indices] if self._legal_rows(indices, False) else None

    @property
    def total(self) -> float:
        return 0.0

    def extra(self) -> NDArray[np.uint32]:
        return np.zeros(0, dtype=np.uint32)

    def cover(self) -> NDArray[np.float64]:
        return self._cover.copy()

    def set_cover(self, cover: NDArray[np.float64]) -> int:
        if not is_plain(cover, np.float64) or cover.size != self._cover.size:
            return NOT_PLAIN
        self._cover = cover.copy()
        return DONE

    def set_shift(self, shift: int) -> None:
        pass

    def _took(self, rows: IndexArray) -> None:
        """Keep ``count`` and ``used`` right: the ascending ``rows``, each once, will hold a priority."""
        self.count += int(np.count_nonzero(~self._holds(rows)))
        self.used = max(self.used, int(rows[-1]) + 1)

    def _legal_rows(self, rows: IndexArray, must_hold: bool) -> bool:
        if not ((rows >= 0) & (rows < self._rows)).all():
            return False
        return not must_hold or bool(self._holds(rows).all())


def last_of_each(rows: IndexArray) -> tuple[IndexArray, IndexArray]:
    """The rows, ascending and each once, and where each comes last: of a row's values only that one counts.

    NumPy leaves open which one an assignment would take.
    """
    once, last = np.unique(rows[::-1], return_index=True)
    return once, rows.size - 1 - last


def stored(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """What is kept of priorities: float32 in [2^-126, 2^127]."""
    return np.minimum(np.maximum(values, _SMALLEST), _LARGEST).astype(np.float32)


def is_plain(array: object, dtype: type) -> bool:
    """Whether it is a one-dimensional, contiguous array of the type."""
    return isinstance(array, np.ndarray) and array.ndim == 1 and array.dtype == dtype and array.flags.c_contiguous
