"""What the cores in Python share: operations on rows, checked and under one lock; a core says how rows are stored."""

from __future__ import annotations

import math
import threading
from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from amper.cores.weights import exponentiated

IndexArray = NDArray[np.int64]

# Statuses and flags of sw/amper/cores/c/module.c.
DONE, NOT_PLAIN, ILLEGAL = range(3)
MUST_HOLD, ERRORS = 1, 2

_SMALLEST, _LARGEST = 2.0**-126, 2.0**127


class CoreBase(ABC):
    """``write``, ``add`` and ``remove`` of ``amper.cores._core.Core``.

    Parameters
    ----------
    rows : those from 0 to ``rows`` - 1 may be written. alpha, eps : errors are stored as (|error| + eps)^alpha.
    """

    def __init__(self, rows: int, *, alpha: float, eps: float) -> None:
        self._rows, self._alpha, self._eps = rows, alpha, eps
        self._lock = threading.Lock()
        self.count = self.used = self.cursor = self.batches = 0
        self.maximum = self.share = 0.0

    @abstractmethod
    def _store(self, rows: IndexArray, values: NDArray[np.float64]) -> None:
        """Store legal priorities in legal rows, in this order, and keep ``count``, ``used`` and ``maximum`` right."""

    @abstractmethod
    def _let_go(self, rows: IndexArray) -> None:
        """Make rows that hold a priority, some perhaps more than once, hold none, and keep ``count`` right."""

    @abstractmethod
    def _holds(self, rows: IndexArray) -> NDArray[np.bool_]:
        """Whether each of the legal rows holds a priority."""

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
            if wide.size:
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
            self.cursor = (row + 1) % self._rows
        return row

    def remove(self, indices: object) -> int:
        """Let go of rows; a status."""
        if not is_plain(indices, np.int64):
            return NOT_PLAIN
        assert isinstance(indices, np.ndarray)
        with self._lock:
            if not self._legal_rows(indices, True):
                return ILLEGAL
            if indices.size:
                self._let_go(indices)
        return DONE

    def _legal_rows(self, rows: IndexArray, must_hold: bool) -> bool:
        if not ((rows >= 0) & (rows < self._rows)).all():
            return False
        return not must_hold or bool(self._holds(rows).all())


def stored(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """What is kept of priorities: float32 in [2^-126, 2^127]."""
    return np.minimum(np.maximum(values, _SMALLEST), _LARGEST).astype(np.float32)


def is_plain(array: object, dtype: type) -> bool:
    """Whether it is a one-dimensional, contiguous array of the type."""
    return isinstance(array, np.ndarray) and array.ndim == 1 and array.dtype == dtype and array.flags.c_contiguous


def is_batch(batch: object, beta: object) -> bool:
    """Whether they are an int above 0 and a float of at least 0, as ``sample`` takes them."""
    return type(batch) is int and type(beta) is float and 1 <= batch < 1 << 31 and 0 <= beta < math.inf
