"""The operations that can be done to a sampler, and how they are written down."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from amper import AmperConfig


class Write(NamedTuple):
    """A priority code into a row, or the row made invalid."""

    row: int
    priority: int
    invalidate: int = 0


class Beat(NamedTuple):
    """A transfer of up to W writes, lane 0 first; None is a lane that holds none."""

    writes: tuple[Write | None, ...]


class Control(NamedTuple):
    """A change of a parameter, legal or not."""

    parameter: int
    value: int


class Sample(NamedTuple):
    """A request; the chances hold until the next one.

    ``ready_chance``, ``offer_chance``: of taking a result, and of offering the next operation, in a cycle.
    ``overtake_chance``: of offering an operation while the one before, on another stream, still waits.
    """

    batch: int
    ready_chance: float = 1.0
    offer_chance: float = 1.0
    overtake_chance: float = 0.0


class Settle(NamedTuple):
    """Everything before is awaited, then everything that can be read back is checked."""


class Reset(NamedTuple):
    """A reset, ``after`` so many cycles."""

    after: int


Operation = Beat | Control | Sample | Settle | Reset


def encoded(operations: Iterable[Operation]) -> list[list[Any]]:
    """Operations as what JSON can hold."""
    return [[type(operation).__name__, *operation] for operation in operations]


def decoded(lines: Iterable[Sequence[Any]]) -> list[Operation]:
    """The operations that ``encoded`` wrote, after JSON has made lists of all tuples."""
    kinds: dict[str, type[Operation]] = {kind.__name__: kind for kind in (Beat, Control, Sample, Settle, Reset)}
    operations: list[Operation] = []
    for name, *values in lines:
        if name == "Beat":
            operations.append(Beat(tuple(write if write is None else Write(*write) for write in values[0])))
        else:
            operations.append(kinds[name](*values))
    return operations


def beats(config: AmperConfig, writes: Iterable[Write]) -> list[Operation]:
    """Writes in as few transfers as they fit into."""
    ports = config.write_ports
    every = tuple(writes)
    return [Beat(every[begin : begin + ports]) for begin in range(0, len(every), ports)]
