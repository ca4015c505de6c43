"""What a call costs that computes nothing: the call itself, and the memory that it must touch; measured in one run.

``bound`` adds them up, without any arithmetic (random words, comparisons, powers). The loads are NumPy's, which overlap
as far as the CPU looks ahead; what fetches memory farther ahead can do better.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from amper_lab.bench.contestant import COLUMNS, Workload

CALL, ARRAYS = "an empty call", "a call with two result arrays"
LINES, RECORD_LINES = "1024 random lines of 8 n bytes", "1024 random lines of 45 n bytes"
LINE_PROBES = 1024  # lines in one call, so that the call itself does not count
RECORD_BYTES = sum(np.dtype(spec).itemsize for spec in COLUMNS.values())
RECORD_LINES_A_ROW = 1 + (RECORD_BYTES - 1) / 64  # on average, wherever the record begins

# Cache lines, of memory that grows with n, that one row touches. PER: two of the lowest sums and one of priorities.
# AMPER: to sample, n / |CSP| codes are tried; to update, the row's code. Whatever is a line for all rows (upper levels,
# counts by code) stays in the caches.
TRIES = 1 / 0.15
LINES_A_ROW = {"per": (3.0, 3.0), "uniform": (0.0, 1.0), "amper": (TRIES, 1.0)}


class _Empty:
    """A class of Python with the signatures of the sampler's methods, which do nothing."""

    def nothing(self, batch: int, beta: float | None = None) -> None:
        return None

    def arrays(self, batch: int, beta: float | None = None) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        return np.empty(batch, np.int64), np.empty(batch, np.float32)


def probes(workload: Workload) -> dict[str, Callable[[], object]]:
    """By name: the empty call, the allocation, random loads from as much memory as the sampler and the payload have."""
    empty = _Empty()
    return {
        CALL: partial(empty.nothing, workload.batch, 0.4),
        ARRAYS: partial(empty.arrays, workload.batch, 0.4),
        LINES: _loads(workload, 8),
        RECORD_LINES: _loads(workload, RECORD_BYTES),
    }


def _loads(workload: Workload, row_bytes: int) -> Callable[[], object]:
    """A call that loads `LINE_PROBES` random words of an array, other ones each time."""
    rng = np.random.default_rng([workload.seed, row_bytes])
    # Ones, since zeros would all be one page of memory until they are written to.
    words = np.ones(max(16, workload.rows * row_bytes // 8), np.int64)
    turns = itertools.cycle(rng.integers(0, words.size, (256, LINE_PROBES)))
    into = np.empty(LINE_PROBES, np.int64)

    def load() -> None:
        words.take(next(turns), out=into, mode="clip")

    return load


def bound(mode: str, operation: str, workload: Workload, probe: dict[str, float]) -> float | None:
    """Nanoseconds of a call that are spent even if nothing is computed; None of what stores.

    Parameters
    ----------
    mode : of the sampler. probe : median nanoseconds of the probes by name, of one call.
    """
    if operation in ("add", "extend"):
        return None
    touched = LINES_A_ROW["amper" if mode.startswith("amper-") else mode][operation == "update"]
    memory = workload.batch * touched * probe[LINES] / LINE_PROBES
    if operation == "update":
        return probe[CALL] + memory
    payload = workload.batch * RECORD_LINES_A_ROW * probe[RECORD_LINES] / LINE_PROBES if workload.payload else 0.0
    return probe[ARRAYS] + memory + payload
