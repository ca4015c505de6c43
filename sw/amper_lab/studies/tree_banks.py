"""Cycles of a step of organisation tree in banks: ``python -m amper_lab.studies.tree_banks``.

S trees, each with a part of the rows, draw and store one operation a cycle each. A step is 64 draws and an update of
each drawn row. D draws and W = D updates are offered a cycle, and meet in the banks; docs/hardware/tree-banks.md says
what follows.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from amper import AmperConfig, quantise
from amper.model.places import stratified
from amper.operations.trace import Kind, Trace
from amper_report.tables import table

TRACE = Path("verif/traces/cartpole-2000.npz")
ROWS, BATCH, BATCHES = 65_536, 64, 300
CODE_MAX = (1 << 16) - 1
SHAPES = ((2, 2), (4, 2), (4, 4), (8, 4), (16, 4))  # S banks, D draws and W = D updates a cycle
LAYOUTS = ("high", "low")  # which bits of a row are its bank's: side by side, or in turn

Codes = NDArray[np.int64]


def pareto(shape: float) -> Callable[[np.random.Generator], Codes]:
    """Codes with a heavy tail; the largest is the largest that there is."""

    def make(chance: np.random.Generator) -> Codes:
        values = chance.pareto(shape, ROWS) + 1
        codes: Codes = np.maximum(1, values / values.max() * CODE_MAX).astype(np.int64)
        return codes

    return make


def fresh(chance: np.random.Generator) -> Codes:
    """A twentieth of the rows, side by side, are new and at the largest code; the rest is exponential."""
    codes = np.minimum(CODE_MAX, 1 + chance.exponential(CODE_MAX / 50, ROWS)).astype(np.int64)
    codes[: ROWS // 20] = CODE_MAX
    return codes


def one_row(_: np.random.Generator) -> Codes:
    """All of T in one row: the worst case."""
    codes = np.zeros(ROWS, dtype=np.int64)
    codes[7] = 9
    return codes


PRIORITIES: dict[str, Callable[[np.random.Generator], Codes]] = {
    "uniform": lambda chance: chance.integers(1, CODE_MAX + 1, ROWS),
    "Pareto 1.5": pareto(1.5),
    "Pareto 0.8": pareto(0.8),
    "5 % new": fresh,
    "one row": one_row,
}


def recorded() -> Iterator[Codes]:
    """Codes of the recorded run, 2,000 rows, before each of its draws from the 20th on."""
    trace = Trace.load(TRACE)
    config = AmperConfig(rows=trace.rows)
    codes = np.zeros(trace.rows, dtype=np.int64)
    for place, (kind, row, priority) in enumerate(zip(trace.kind, trace.row, trace.priority, strict=True)):
        if kind != Kind.DRAW:
            codes[row] = int(quantise(float(priority), config))
        elif np.count_nonzero(trace.kind[:place] == Kind.DRAW) >= 20:
            yield codes.copy()


def drawn_rows(codes: Codes, chance: np.random.Generator, draws: str) -> Codes:
    """A batch in its order."""
    ends = np.cumsum(codes)
    places = [int(place) for place in chance.integers(0, ends[-1], BATCH)]
    if draws == "stratified":
        places = stratified(places, int(ends[-1]))
    return np.searchsorted(ends, places, side="right")


def bank_of(rows: Codes, total: int, banks: int, layout: str) -> Codes:
    """The bank of each of ``rows`` of ``total`` rows."""
    bits = (total - 1).bit_length()
    return rows % banks if layout == "low" else rows >> bits - (banks.bit_length() - 1)


def together(banks: Codes, ports: int) -> int:
    """Cycles of operations in beats of ``ports``: each takes as many as meet in its fullest bank."""
    beats = [banks[begin : begin + ports] for begin in range(0, banks.size, ports)]
    return sum(int(np.bincount(beat).max()) for beat in beats)


def in_order(banks: Codes, ports: int) -> int:
    """The same where a lane waits for those before it, and for the next cycle if one of them has its bank."""
    cycles = 0
    for begin in range(0, banks.size, ports):
        taken: set[int] = set()
        cycles += 1
        for bank in banks[begin : begin + ports].tolist():
            if bank in taken:
                cycles += 1
                taken.clear()
            taken.add(bank)
    return cycles


def queued(banks: Codes, ports: int, depth: int) -> int:
    """The same with a queue of ``depth`` operations before each bank: a beat waits until all of it has room."""
    waiting, cycle, next_one = np.zeros(banks.max() + 1, dtype=np.int64), 0, 0
    while next_one < banks.size or waiting.any():
        beat = np.bincount(banks[next_one : next_one + ports], minlength=waiting.size)
        if (waiting + beat <= depth).all():
            waiting += beat
            next_one += ports
        waiting -= waiting > 0
        cycle += 1
    return cycle


def step_cycles(
    memories: Sequence[Codes], draws: str, layout: str, shape: tuple[int, int], depth: int
) -> list[list[int]]:
    """Cycles of draws and updates of each memory: as built, draws in order and updates in beats; and with queues."""
    chance, (banks, ports) = np.random.default_rng(1), shape
    steps: list[list[int]] = [[], []]
    for codes in memories:
        rows = drawn_rows(codes, chance, draws)
        met = bank_of(rows, codes.size, banks, layout)
        # Updates are of the same rows, in the same order.
        steps[0].append(in_order(met, ports) + together(met, ports))
        steps[1].append(2 * queued(met, ports, depth))
    return steps


def lines(names: Sequence[str], depth: int) -> Iterator[list[object]]:
    """Of each kind of priorities and draws: mean and 99th percentile for each shape, as built / with queues."""
    for name in names:
        chance = np.random.default_rng(2)
        memories = list(recorded()) if name == "recorded" else [PRIORITIES[name](chance)] * BATCHES
        for draws in ("independent", "stratified"):
            for layout in LAYOUTS:
                cells: list[object] = [name, draws, layout]
                for shape in SHAPES:
                    beats, queues = step_cycles(memories, draws, layout, shape, depth)
                    cells.append(
                        " / ".join(f"{np.mean(each):.0f} {np.percentile(each, 99):.0f}" for each in (beats, queues))
                    )
                yield cells


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m amper_lab.studies.tree_banks", description=__doc__)
    known = ["recorded", *PRIORITIES]
    parser.add_argument("--priorities", nargs="+", choices=known, default=known)
    parser.add_argument("--queue", type=int, default=4, metavar="N", help="operations before a bank (default 4)")
    options = parser.parse_args(arguments)
    if options.queue < 4:
        parser.error(f"queue must be at least 4, a beat that meets in one bank, not {options.queue}")
    titles = ["priorities", "draws", "bank", *(f"S = {banks}, D = W = {ports}" for banks, ports in SHAPES)]
    print(table(titles, lines(options.priorities, options.queue)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
