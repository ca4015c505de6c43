"""``amper bench shards --split``: the same rows in one shard and in two, in turns: what two lose beside the calls.

What a call costs whatever its rows are is the same in calls of few and of many: the difference is of rows alone. Costs
are the processor time of this process and its shards, and the time that passes.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from amper_lab.bench.rivals import Call, ours, processor_time
from amper_report.tables import table

ENGINE = "processes"
SHARDS = (1, 2)
REQUESTS = (64, 4096, 16_384)  # rows of a call
CALLS = 16  # of a turn
Times = NDArray[np.float64]  # (repeats, shards, requests, 2) microseconds a call: of processors, of the clock


def measure(kind: str, repeats: int, progress: Callable[[], object]) -> Times:
    """Draws with updates of all that was drawn, by the number of shards, which take turns."""
    found = np.empty((repeats + 1, len(SHARDS), len(REQUESTS), 2))
    with ExitStack() as stack:
        calls = [stack.enter_context(ours(ENGINE, None, kind, shards)) for shards in SHARDS]
        for turn in found:
            for each, rows in enumerate(REQUESTS):
                for number, call in enumerate(calls):
                    turn[number, each] = _turn(call, rows)
            progress()
    return found[1:]  # the first does not count


def beyond_calls(times: Times) -> NDArray[np.float64]:
    """(repeats, shards, 2) microseconds a row, without what calls cost."""
    rows: NDArray[np.float64] = (times[:, :, -1] - times[:, :, 0]) / (REQUESTS[-1] - REQUESTS[0])
    return rows


def markdown(found: dict[str, Times]) -> str:
    """Medians over the turns; of the ratios of each turn also the quartiles."""
    lines = []
    for kind, times in found.items():
        for clock, name in enumerate(("processors", "clock")):
            columns = [*np.moveaxis(times[..., clock], 2, 0), beyond_calls(times)[..., clock]]
            for shards, number in enumerate(SHARDS):
                middle = [float(np.median(column[:, shards])) for column in columns]
                values = [*(f"{each:,.0f}" for each in middle[:-1]), f"{middle[-1]:.3f}"]
                lines.append([kind, name, f"{number} shard{'s'[: number - 1]}", *values])
            lines.append([kind, name, "two over one", *(_ratio(column) for column in columns)])
    heads = [f"a call of {rows:,} rows" for rows in REQUESTS]
    return table(["microseconds", "of", "", *heads, "a row beyond the call"], lines)


def _turn(call: Call, rows: int) -> tuple[float, float]:
    clock, processors = perf_counter(), processor_time()
    for _ in range(CALLS):
        call(rows)
    of_processors, of_clock = processor_time() - processors, perf_counter() - clock
    return of_processors / CALLS * 1e6, of_clock / CALLS * 1e6


def _ratio(column: NDArray[np.float64]) -> str:
    low, middle, high = np.percentile(column[:, 1] / column[:, 0], (25, 50, 75))
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"
