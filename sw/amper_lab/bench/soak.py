"""A sharded replay at full rate for long: whether rows stay whole and memory what it was; it goes on where it was.

One process writes without pause, this one draws and updates. Every few seconds a line of JSON says what was done so far
and how much memory each process has. Started again, it adds to the file, with new processes.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amper.distributed import ShardedReplay
from amper.distributed.engines.processes import Processes
from amper.distributed.shard import ShardSpec
from amper.distributed.writer import ShardWriter
from amper_report import json_lines
from amper_report.tables import table

COLUMNS = {"number": "int64", "obs": ("float32", 16), "reward": "float32"}
SHARDS, ROWS = 2, 100_000
CHUNK = 1024  # transitions of a request
BATCHES, BATCH = 8, 512  # of a draw
GROWTH = 1.05  # how much more memory in the end than once it had settled is no growth yet
SETTLED = 0.25  # of a run


class Watched(Processes):
    """The engine, and the processes that it started: ``pids``."""

    def __init__(self) -> None:
        self.pids: list[int] = []

    def start(self, spec: ShardSpec) -> Any:
        shard = super().start(spec)
        self.pids.append(shard[0].pid)
        return shard


def soak(file: Path, *, seconds: float, every: float) -> None:
    """Go on until the lines of ``file`` tell of so many seconds in all, a line ``every`` so many.

    Raises RuntimeError : a row that was drawn is not as it was written.
    """
    left = seconds - sum(run[-1]["seconds"] for run in runs(file))
    if left <= 0:
        return
    engine = Watched()
    with (
        ShardedReplay(SHARDS, ROWS, COLUMNS, engine=engine, seed=1) as replay,
        _writing(replay.writer(chunk=CHUNK)) as writer,
    ):
        pids = {"learner": os.getpid(), "writer": writer}
        pids |= {f"shard {number}": pid for number, pid in enumerate(engine.pids)}
        while len(replay) == 0:
            time.sleep(0.01)
        run, start = round(time.time()), time.monotonic()
        elapsed, due, drawn = 0.0, every, 0
        while elapsed < left:
            drawn += _draw(replay)
            elapsed = time.monotonic() - start
            if elapsed >= min(due, left):
                due += every
                line: dict[str, Any] = {"run": run, "seconds": elapsed, "drawn": drawn}
                line["added"] = sum(shard["added"] for shard in replay.metrics()["shards"])
                line["dropped"] = replay.dropped
                line["bytes"] = {name: resident(pid) for name, pid in pids.items()}
                json_lines.append(file, line)


def runs(file: Path) -> list[list[dict[str, Any]]]:
    """The lines of each run in ``file``; a last line that is half there does not count."""
    found: dict[int, list[dict[str, Any]]] = {}
    for one in json_lines.read(file):
        found.setdefault(one["run"], []).append(one)
    return list(found.values())


def growth(lines: list[dict[str, Any]]) -> dict[str, float]:
    """Of each process, its memory in a run's last line over the largest of the time until it had settled."""
    first = [line for line in lines if line["seconds"] <= SETTLED * lines[-1]["seconds"]] or lines[:1]
    return {name: last / max(line["bytes"][name] for line in first) for name, last in lines[-1]["bytes"].items()}


def markdown(found: list[list[dict[str, Any]]]) -> str:
    """A line a run."""
    lines = []
    for run in found:
        last, memory = run[-1], run[-1]["bytes"]
        lines.append(
            [
                f"{last['seconds'] / 60:.1f}",
                *(f"{last[name] / 1e6:,.1f}" for name in ("drawn", "added", "dropped")),
                *(f"{memory[name] / 2**20:.1f}, {grown:.3f}" for name, grown in growth(run).items()),
            ]
        )
    heads = [f"{name}: MiB, growth" for name in found[0][-1]["bytes"]]
    return table(["minutes", "million drawn", "added", "late updates", *heads], lines)


def resident(pid: int) -> int:
    """Bytes of a process in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main(arguments: list[str] | None = None) -> int:
    """The command; returns 1 if a process's memory grew."""
    parser = argparse.ArgumentParser(prog="python -m amper_lab.bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60, metavar="M", help="in all (default %(default)s)")
    parser.add_argument("--every", type=float, default=10, metavar="S", help="seconds (default %(default)s)")
    parser.add_argument("-o", "--output", type=Path, default=Path("build/soak-shards.jsonl"), metavar="FILE")
    options = parser.parse_args(arguments)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    soak(options.output, seconds=60 * options.minutes, every=options.every)
    found = runs(options.output)
    print(markdown(found))
    return 1 if any(grown > GROWTH for run in found for grown in growth(run).values()) else 0


@contextmanager
def _writing(writer: ShardWriter) -> Iterator[int]:
    """A process that writes until the end; its number."""
    process = multiprocessing.get_context("spawn").Process(target=_write, args=(writer,), daemon=True)
    process.start()
    assert process.pid is not None
    try:
        yield process.pid
    finally:
        process.terminate()
        process.join()


def _write(writer: ShardWriter) -> None:
    number = 0
    while True:
        numbers = np.arange(number, number + CHUNK)
        writer.extend(number=numbers, obs=_obs(numbers), reward=np.zeros(CHUNK, np.float32))
        number += CHUNK


def _draw(replay: ShardedReplay) -> int:
    """Draw and update; how many rows."""
    for batch in replay.sample_many(BATCHES, BATCH):
        if not np.array_equal(batch["obs"], _obs(batch["number"])):
            raise RuntimeError("a row must have the values that it was written with, and one has others")
        replay.update_errors(batch["indices"], batch["weights"])
    return BATCHES * BATCH


def _obs(numbers: NDArray[np.int64]) -> NDArray[np.float32]:
    """What a row of each number has: exact in float32."""
    return ((numbers[:, None] + np.arange(16)) % (1 << 20)).astype(np.float32)


if __name__ == "__main__":
    sys.exit(main())
