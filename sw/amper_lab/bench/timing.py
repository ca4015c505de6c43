"""Interleaved timing: in each repeat every contestant runs a block of calls an operation, in an order that rotates.

So whatever else the machine does falls on all of them, and ratios are taken within a repeat. Within a block each call
of ``sample`` is followed by an ``update`` of the rows that it drew, as in training, and each is timed on its own; the
median call counts, which one that the system interrupted is not. A clock's own cost is taken off.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amper_lab.bench.contestant import Contestant

OPERATIONS = ("sample", "update", "add", "extend")
CHUNK = 32  # calls that are timed together, where a call is shorter than
SHORT = 10_000  # nanoseconds: the clock would disturb it; longer chunks would be interrupted
WARM_CALLS = 32  # before a block, not timed: the contestant before has used the caches

FloatArray = NDArray[np.float64]
Clock = Callable[[], int]
Between = Callable[[], object]
Found = dict[tuple[str, str], tuple[float, float]]
"""(wall, process-CPU) nanoseconds a call, by (contestant, operation)."""


@dataclass(frozen=True)
class Times:
    """Nanoseconds a call of one contestant's operation, one entry a repeat: wall and process-CPU time."""

    contestant: str
    operation: str
    wall: FloatArray
    cpu: FloatArray


def quartiles(values: FloatArray) -> tuple[float, float, float]:
    """First quartile, median, third quartile."""
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75))
    return float(low), float(middle), float(high)


def measure(
    contestants: Sequence[Contestant],
    probes: dict[str, Callable[[], object]],
    *,
    batch: int,
    calls: int,
    repeats: int,
    seed: int,
    touched: int = 0,
) -> Iterator[Found]:
    """One repeat at a time.

    Parameters
    ----------
    touched : bytes of other memory that are read before each call, as a learner's are; 0: none, and caches are hot.
    probes : functions that are timed as well, by name; their operation is "probe".
    calls : of each operation, with each of the two clocks.
    """
    rng = np.random.default_rng([seed, 2])
    between = _toucher(touched)
    for repeat in range(repeats):
        found: Found = {}
        errors = rng.standard_exponential((calls, batch), np.float32)
        shift = repeat % len(contestants)
        for contestant in [*contestants[shift:], *contestants[:shift]]:
            wall, cpu = (
                _measured(contestant, errors, clock, between) for clock in (time.perf_counter_ns, time.process_time_ns)
            )
            found.update({(contestant.name, name): (wall[name], cpu[name]) for name in wall})
        for name, probe in probes.items():
            found[name, "probe"] = (
                _median_call(probe, calls, time.perf_counter_ns),
                _median_call(probe, calls, time.process_time_ns),
            )
        yield found


def _nothing() -> None:
    """Caches stay as the call before left them."""


def _toucher(touched: int) -> Between:
    """What reads so many bytes, and so takes the caches away from whoever is timed."""
    if touched == 0:
        return _nothing
    others = np.ones(touched // 8, np.int64)
    return others.sum


def collect(repeats: Sequence[Found]) -> list[Times]:
    """The repeats of each contestant and operation in one place."""
    return [
        Times(name, operation, *np.array([found[name, operation] for found in repeats]).T)
        for name, operation in repeats[0]
    ]


def _measured(contestant: Contestant, errors: NDArray[np.float32], clock: Clock, between: Between) -> dict[str, float]:
    """Nanoseconds of the median call by operation."""
    prepared = [contestant.errors(each) for each in errors]
    collecting = gc.isenabled()
    gc.disable()  # as timeit does
    try:
        sample, update = _median_step(contestant, prepared, clock, between)
        found = {"sample": sample, "update": update}
        for name in ("add", "extend"):
            function = getattr(contestant, name)
            if function is not None:
                found[name] = _median_call(function, len(errors), clock, between)
        return found
    finally:
        if collecting:
            gc.enable()


def _median_step(contestant: Contestant, errors: Sequence[Any], clock: Clock, between: Between) -> tuple[float, float]:
    """Nanoseconds of the median ``sample`` and of the median ``update`` of its rows."""
    sample, update, indices = contestant.sample, contestant.update, contestant.indices
    for new in errors[:WARM_CALLS]:
        update(indices(sample()), new)
    sampling, updating = np.empty((2, len(errors)))
    for at, new in enumerate(errors):
        between()
        start = clock()
        batch = sample()
        sampling[at] = clock() - start
        rows = indices(batch)
        between()
        start = clock()
        update(rows, new)
        updating[at] = clock() - start
    own = _cost(clock)
    return max(0.0, float(np.median(sampling)) - own), max(0.0, float(np.median(updating)) - own)


def _median_call(function: Callable[[], object], calls: int, clock: Clock, between: Between = _nothing) -> float:
    """Nanoseconds of a call, of the median chunk of them."""
    warm = np.empty(WARM_CALLS)
    for at in range(warm.size):
        start = clock()
        function()
        warm[at] = clock() - start
    chunk = CHUNK if np.median(warm) < SHORT and between is _nothing else 1
    chunks = np.empty(-(-calls // chunk))
    for at in range(chunks.size):
        between()
        start = clock()
        for _ in range(chunk):
            function()
        chunks[at] = clock() - start
    return max(0.0, float(np.median(chunks)) - _cost(clock)) / chunk


def _cost(clock: Clock) -> float:
    """Nanoseconds that reading the clock takes."""
    own = np.empty(101)
    for at in range(own.size):
        start = clock()
        own[at] = clock() - start
    return float(np.median(own))
