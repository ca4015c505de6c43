"""What the bench of the sampler does to it: random operations, or those of a recorded trace."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import Any, NamedTuple

from amper import AmperConfig, quantise
from amper_verif.trace import Draw, Trace


class Write(NamedTuple):
    """A priority code into a row, or the row made invalid."""

    row: int
    priority: int
    invalidate: int = 0


class Sample(NamedTuple):
    """A request; the chances say how often, until the next one, results are taken and operations offered."""

    batch: int
    ready_chance: float = 1.0
    offer_chance: float = 1.0


class Reset(NamedTuple):
    """A reset, ``after`` so many cycles."""

    after: int


Operation = Write | Sample | Reset


def workload(config: AmperConfig, choice: dict[str, Any], seed: int) -> list[Operation]:
    """The operations of ``choice``.

    {"kind": "random", "batches": N}, {"kind": "trace", "path": P, "operations": N or None} or {"kind": "ramp"}.
    """
    if choice["kind"] == "ramp":
        return ramp_operations(config)
    if choice["kind"] == "trace":
        return trace_operations(config, Trace.load(Path(choice["path"])), choice.get("operations"))
    return random_operations(config, choice["batches"], seed, resets=choice.get("resets", True))


def ramp_operations(config: AmperConfig) -> list[Operation]:
    """Ascending priorities, so that Vmax is always settled, then three undisturbed batches: for the latency of a
    batch."""
    step = config.priority_max / config.rows
    writes = [Write(row, int((row + 1) * step)) for row in range(config.rows)]
    return [*writes, *[Sample(config.batch)] * 3]


def random_operations(config: AmperConfig, batches: int, seed: int, *, resets: bool = True) -> list[Operation]:
    """``batches`` batches among random writes; every eighth stretch begins with another shape of priorities.

    Includes what a careful user never does: rows out of range, illegal batch sizes, sampling when empty, resets.
    """
    chance = random.Random(seed)
    operations: list[Operation] = [Sample(1), Sample(config.batch)]  # nothing is valid yet
    shape = "uniform"
    for index in range(batches - 2):
        if index % 8 == 0:
            shape = chance.choice(SHAPES)
            operations += _fill(config, chance, shape)
        for _ in range(chance.choice((0, 0, 1, 2, 5, 20))):
            operations.append(_write(config, chance, shape))
        operations.append(_sample(config, chance))
        if resets and chance.random() < 0.02:
            operations.append(Reset(chance.randrange(config.groups + config.batch + 40)))
            operations += _fill(config, chance, shape)
    return operations


SHAPES = ("uniform", "exponential", "ties", "equal", "low", "outlier", "sparse")


def _fill(config: AmperConfig, chance: random.Random, shape: str) -> list[Operation]:
    """Writes that give most rows a priority of the shape; in a large memory a sample of the rows."""
    rows = list(range(config.rows))
    chance.shuffle(rows)
    kept = rows[: max(1, min(600, config.rows))]
    writes: list[Operation] = [Write(row, _priority(config, chance, shape)) for row in kept]
    if shape == "sparse":
        writes += [Write(row, 0, 1) for row in rows[: -1 - config.rows // 16]]
    return writes


def _priority(config: AmperConfig, chance: random.Random, shape: str) -> int:
    top = config.priority_max
    if shape == "exponential":
        return min(top, int(chance.expovariate(1) * top / 12))
    if shape == "ties":
        return chance.randrange(4) * top // 3
    if shape == "equal":
        return top // 2
    if shape == "low":
        return chance.randrange(min(8, top))
    if shape == "outlier":
        return top if chance.random() < 0.02 else chance.randrange(max(2, top // 64))
    return chance.randrange(top + 1)


def _write(config: AmperConfig, chance: random.Random, shape: str) -> Write:
    beyond = 1 << config.row_width  # rows that have an address but do not exist
    row = chance.randrange(beyond) if chance.random() < 0.1 else chance.randrange(config.rows)
    if chance.random() < 0.15:
        return Write(row, 0, 1)
    return Write(row, _priority(config, chance, shape))


def _sample(config: AmperConfig, chance: random.Random) -> Sample:
    any_value = chance.randrange(1 << config.batch_width)  # of the field, so maybe 0 or above b
    size = chance.choices((config.batch, chance.randint(1, config.batch), any_value), (50, 40, 10))[0]
    if chance.random() < 0.4:
        return Sample(size)
    return Sample(size, ready_chance=chance.choice((0.05, 0.3, 0.7, 1.0)), offer_chance=chance.choice((0.2, 0.6, 1.0)))


def check_trace_fits(config: AmperConfig, trace: Trace) -> None:
    """ValueError unless the configuration has the rows and the batch size of the trace."""
    if trace.rows > config.rows:
        raise ValueError(f"rows must be at least the trace's {trace.rows}, not {config.rows}")
    if trace.batch > config.batch:
        raise ValueError(f"batch must be at least the trace's {trace.batch}, not {config.batch}")


def trace_operations(config: AmperConfig, trace: Trace, limit: int | None = None) -> list[Operation]:
    """The trace's writes and updates as priority codes, its draws as requests of the same size; the first ``limit``."""
    check_trace_fits(config, trace)
    operations: list[Operation] = []
    for operation in itertools.islice(trace.operations(), limit):
        if isinstance(operation, Draw):
            operations.append(Sample(len(operation.rows)))
        else:
            operations.append(Write(operation.row, int(quantise(operation.priority, config))))
    return operations
