"""``amper bench shards``: where a sharded replay stops scaling: a simulation, from costs that are measured first."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amper.distributed import ShardedReplay
from amper.distributed.shard import Shard, ShardSpec
from amper_report.figures import COLOURS, MARKERS, figure_file
from amper_report.tables import table

KINDS: dict[str, dict[str, Any]] = {
    "small": {"obs": ("float32", 4), "action": "int64", "reward": "float32", "next_obs": ("float32", 4)},
    "image": {"obs": ("uint8", (84, 84)), "action": "int64", "reward": "float32"},
}
SHARDS = (1, 2, 4, 8, 16, 32, 64)
REQUESTS = (64, 512, 4096)  # rows that one `sample_many` draws
ENGINE = "processes"
ROWS = 8192  # of a shard while costs are measured
CHUNK = 256  # transitions of a writer's request
BANDWIDTH = 1.25e9  # bytes a second, 10 Gbit/s, into the learner
LATENCY = 50e-6  # seconds, one way
SAMPLES_PER_INSERT = 8


@dataclass(frozen=True)
class Costs:
    """Seconds of processor time: ``learner`` a call, a shard, a row; ``shard`` a request, a row; ``insert`` a row.

    ``row_bytes``: of one row in an answer.
    """

    learner: tuple[float, float, float]
    shard: tuple[float, float]
    insert: float
    row_bytes: int


def measure(kind: str, repeats: int, progress: Callable[[], object]) -> Costs:
    """The costs of the engine "processes" here, with requests and rows pickled, as between machines."""
    columns = KINDS[kind]
    few, many = REQUESTS[0], REQUESTS[-1]
    found = {}
    for shards, rows in ((1, few), (1, many), (4, few)):
        with ShardedReplay(shards, ROWS * shards, columns, engine=ENGINE, shared_rows=False) as replay:
            for _ in range(shards):
                replay.extend(**zero_rows(columns, ROWS))
            found[shards, rows] = _median(repeats, partial(_learn, replay, rows))
        progress()
    a_row = (found[1, many] - found[1, few]) / (many - few)
    a_shard = max(found[4, few] - found[1, few], 0.0) / 3
    a_call = max(found[1, few] - a_shard - few * a_row, 0.0)
    shard = Shard(ShardSpec(ROWS, columns, "per", 1, None, {}))
    shard.request("extend", zero_rows(columns, ROWS))
    small, large = (_median(repeats, partial(_serve, shard, size)) for size in (few, many))
    of_row = (large - small) / (many - few)
    sent = pickle.dumps(("extend", zero_rows(columns, CHUNK)), -1)
    insert = _median(repeats, lambda: shard.request(*pickle.loads(sent))) / CHUNK
    progress()
    size = sum(np.dtype(spec).itemsize for spec in columns.values()) + 16  # with an index and a chance
    return Costs((a_call, a_shard, a_row), (max(small - few * of_row, 0.0), of_row), insert, size)


def rate(costs: Costs, shards: int, rows: int, random: np.random.Generator, calls: int = 200) -> float:
    """Rows a second that a learner draws, each shard and the learner on a core of its own.

    A call ends with its slowest shard, whose share of the rows is multinomial; a shard that takes in transitions
    meanwhile has so much less time for draws.
    """
    largest = random.multinomial(rows, np.full(shards, 1 / shards), calls).max(axis=1)
    a_call, a_shard, a_row = costs.learner
    own = a_call + a_shard * shards + a_row * rows + 2 * LATENCY + rows * costs.row_bytes / BANDWIDTH
    drawn = 0.0
    for _ in range(50):  # until draws and the inserts that go with them agree
        busy = min(drawn / SAMPLES_PER_INSERT / shards * costs.insert, 0.95)
        served = (costs.shard[0] + largest * costs.shard[1]) / (1 - busy)
        drawn = 0.5 * drawn + 0.5 * rows / float(np.mean(own + served))
    return drawn


def simulate(costs: Costs, seed: int = 1) -> dict[int, list[float]]:
    """By the rows of a request, the rates over `SHARDS`."""
    random = np.random.default_rng(seed)
    return {rows: [rate(costs, shards, rows, random) for shards in SHARDS] for rows in REQUESTS}


def markdown(costs: dict[str, Costs], rates: dict[str, dict[int, list[float]]]) -> str:
    """Costs and rates, as tables."""
    lines = [
        [kind, *(f"{1e6 * each:.2f}" for each in (*one.learner, *one.shard, one.insert)), str(one.row_bytes)]
        for kind, one in costs.items()
    ]
    head = ["microseconds", "learner: call", "shard", "row", "shard: request", "row", "insert", "bytes a row"]
    found = [
        [kind, f"{rows:,}", *(f"{each / 1e3:,.0f}" for each in of_rows)]
        for kind, by_rows in rates.items()
        for rows, of_rows in by_rows.items()
    ]
    heads = ["rows", "a request", *(f"{each} shards" if each > 1 else "1 shard" for each in SHARDS)]
    return f"{table(head, lines)}\n\nThousand rows a second:\n\n{table(heads, found)}"


def draw(costs: dict[str, Costs], rates: dict[str, dict[int, list[float]]], path: Path) -> None:
    """Rows a second over shards, a panel a kind of rows."""
    with figure_file(path, 9, 4) as figure:
        for panel, (kind, by_rows) in zip(figure.subplots(1, len(rates), squeeze=False)[0], rates.items(), strict=True):
            for (rows, found), colour, marker in zip(by_rows.items(), COLOURS, MARKERS, strict=False):
                panel.plot(SHARDS, found, label=f"{rows:,} rows a request", color=colour, marker=marker)
            link = BANDWIDTH / costs[kind].row_bytes
            panel.axhline(link, color="black", linestyle=":", label="10 Gbit/s")
            panel.set(title=f"{kind} rows, {costs[kind].row_bytes:,} bytes", xlabel="shards", ylabel="rows a second")
            panel.set_xscale("log", base=2)
            panel.set_yscale("log")
            panel.grid(alpha=0.3)
            panel.legend(fontsize=8)


def zero_rows(columns: dict[str, Any], count: int) -> dict[str, NDArray[Any]]:
    """``count`` transitions of zeros."""
    types = {name: np.dtype(spec) for name, spec in columns.items()}
    return {name: np.zeros((count, *each.shape), each.base) for name, each in types.items()}


def _learn(replay: ShardedReplay, rows: int) -> None:
    batch = replay.sample(rows)
    replay.update_errors(batch["indices"], np.ones(rows))


def _serve(shard: Shard, rows: int) -> None:
    """What a shard's process does with a request for ``rows`` rows that brings as many updates."""
    updates = [(np.arange(rows) % ROWS, np.ones(rows), True)]
    request = pickle.loads(pickle.dumps(("exchange", updates, rows, 0.0), -1))
    pickle.dumps(shard.request(*request), -1)


def _median(repeats: int, call: Callable[[], object]) -> float:
    call()
    return float(np.median(list(_times(repeats, call))))


def _times(repeats: int, call: Callable[[], object]) -> Iterator[float]:
    for _ in range(repeats):
        start = time.process_time()
        call()
        yield time.process_time() - start
