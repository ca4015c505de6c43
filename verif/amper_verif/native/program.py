"""A program of random calls, legal and not, of seed and configuration alone, so that it can be made again anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from amper import AmperConfig, Parameter
from amper_verif.native.calls import random_value

Integers = NDArray[np.int64]

PART = 4096  # calls of a program that are made at once
_STRETCH = 512  # calls whose codes have one shape
_CHANGES = (*Parameter, *[Parameter.VARIANT] * 4)


class Kind(IntEnum):
    """Of calls; native/model.cpp has the same numbers."""

    WRITE = 0
    CHANGE = 1
    SAMPLE = 2


@dataclass(frozen=True)
class Program:
    """Some calls, one behind the other.

    Members
    -------
    kinds, firsts, seconds : (calls,) a ``Kind`` each. WRITE: ``seconds`` rows, which lie from ``firsts`` on in ``rows``
        and ``codes``. CHANGE: of parameter ``firsts`` to ``seconds``. SAMPLE: of ``firsts`` rows, 0 for the parameter
        BATCH.
    rows, codes : of all writes; code 0 makes a row invalid, and a row need not be in use.
    """

    kinds: Integers
    firsts: Integers
    seconds: Integers
    rows: Integers
    codes: Integers

    def until(self, calls: int) -> Program:
        """The first calls alone."""
        return Program(self.kinds[:calls], self.firsts[:calls], self.seconds[:calls], self.rows, self.codes)

    def words(self, call: int) -> str:
        """What a call is, for people."""
        first, second = int(self.firsts[call]), int(self.seconds[call])
        if self.kinds[call] == Kind.SAMPLE:
            return f"sample {first}"
        if self.kinds[call] == Kind.CHANGE:
            return f"set {Parameter(first).name} to {second}"
        written = slice(first, first + second)
        pairs = zip(self.rows[written].tolist(), self.codes[written].tolist(), strict=True)
        return "write " + ", ".join(f"{code} to row {row}" for row, code in pairs)


def part(config: AmperConfig, seed: int, number: int) -> Program:
    """PART calls, the ``number``-th of the program of ``seed``.

    It begins with a clear, another number of rows in use and a write of them all; no other changes a bit of a part.
    """
    chance = np.random.default_rng((seed, number))
    in_use = config.rows if chance.random() < 0.5 else int(chance.integers(1, config.rows + 1))
    kinds = chance.choice(len(Kind), PART, p=[0.61, 0.02, 0.37]).astype(np.int64)
    kinds[:4] = (Kind.CHANGE, Kind.CHANGE, Kind.CHANGE, Kind.WRITE)
    firsts, seconds = np.zeros((2, PART), dtype=np.int64)
    writes, samples = (np.flatnonzero(kinds == kind) for kind in (Kind.WRITE, Kind.SAMPLE))
    firsts[samples] = _batches(chance, config, samples.size)
    sizes = chance.choice([1, 1, 1, 1, 2, 3, 8], writes.size)
    sizes[chance.random(writes.size) < 0.001] = 1000
    sizes[0] = in_use
    firsts[writes], seconds[writes] = np.cumsum(sizes) - sizes, sizes
    for place in np.flatnonzero(kinds == Kind.CHANGE).tolist():
        firsts[place], seconds[place] = _change(chance, config)
        if firsts[place] == Parameter.ENABLE and place + 8 < PART:  # not for long
            back = place + int(chance.integers(1, 8))
            kinds[back], firsts[back], seconds[back] = Kind.CHANGE, Parameter.ENABLE, 1
    kinds[:4] = (Kind.CHANGE, Kind.CHANGE, Kind.CHANGE, Kind.WRITE)
    firsts[:3], seconds[:3] = (Parameter.CLEAR, Parameter.ENABLE, Parameter.ROWS), (1, 1, in_use)
    firsts[3], seconds[3] = 0, in_use
    rows = chance.integers(0, in_use, sizes.sum())
    rows[:in_use] = np.arange(in_use)
    beyond = chance.random(rows.size) < 0.002  # the last row that there is, the first behind those in use, or any
    rows[beyond] = chance.choice([config.rows - 1, min(in_use, 2**config.row_width - 1)], beyond.sum())
    codes = _codes(chance, config, np.repeat(writes // _STRETCH, sizes))
    codes[np.repeat(chance.random(writes.size) < 0.15, sizes)] = 0
    return Program(kinds, firsts, seconds, rows, codes)


def _batches(chance: np.random.Generator, config: AmperConfig, count: int) -> Integers:
    """Most are short, some of any size, a few as the parameter says or, where the port can say so, too large."""
    most, how = (1 << config.batch_width) - 1, chance.random(count)
    sizes = chance.integers(1, min(config.batch, 4) + 1, count)
    for share, low, high in ((0.05, 1, config.batch), (0.02, config.batch, most), (0.01, 0, 0)):
        sizes = np.where(how < share, chance.integers(low, high + 1, count), sizes)
    return sizes


def _change(chance: np.random.Generator, config: AmperConfig) -> tuple[Parameter, int]:
    """Any parameter, seldom a clear, to a value that is legal, or nearly so."""
    parameter = _CHANGES[int(chance.integers(len(_CHANGES)))]
    if parameter == Parameter.CLEAR and chance.random() < 0.8:
        parameter = Parameter.ENABLE
    return parameter, 0 if parameter == Parameter.ENABLE else random_value(chance, config, parameter)


def _codes(chance: np.random.Generator, config: AmperConfig, stretches: Integers) -> Integers:
    """A code for each entry; those of a stretch have a shape of their own."""
    top, width, size = config.priority_max, config.priority_width, stretches.size
    even = chance.random(size)
    shapes = (
        np.ceil(even * top),  # anything but 0
        np.minimum(-np.log1p(-even) * (top / 12), top),
        np.floor(even * 4) * (top // 3),
        np.full(size, 1 + chance.integers(top)),  # all the same
        np.floor(even * 8),
        np.where(chance.random(size) < 0.02, top, even * (top / 64)),
        np.where(even < 0.5, top, top - 1),
        np.exp2(np.floor(even * width)),
    )
    chosen = chance.integers(0, len(shapes), PART // _STRETCH + 1)[stretches]
    codes: Integers = np.minimum(np.choose(chosen, shapes), top).astype(np.int64)
    return codes
