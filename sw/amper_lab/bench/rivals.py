"""``amper bench shards --rivals``: draws and updates of replays beyond one process, in processor time of all processes.

Each rival is filled, and then draws rows and gives all of them new priorities, again and again, in turns with the
others. What a call costs is the processor time of this process and all that it started, over the rows.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from amper.distributed import ShardedReplay
from amper_lab.bench.contestant import MissingError
from amper_lab.bench.shards import KINDS, ROWS, zero_rows
from amper_report.tables import table

REQUESTS = (64, 4096)
SHARDS = 2
TURN = 16_384  # rows of a rival's turn, which is long beside what else a processor does meanwhile
Call = Callable[[int], object]  # draw so many rows, and update them


@contextmanager
def memory(in_order: bool, kind: str) -> Iterator[Call]:
    """The bound: as many bytes copied, in one piece or as rows that lie anywhere."""
    source = np.ones((ROWS, _row_bytes(kind)), np.uint8)  # not zeros, which the system does not store
    random = np.random.default_rng(1)

    def call(rows: int) -> None:
        if in_order:
            source[:rows].copy()
        else:
            source[random.integers(0, ROWS, rows)]

    yield call


@contextmanager
def ours(engine: str, shared_rows: bool | None, kind: str, shards: int = SHARDS) -> Iterator[Call]:
    """``ShardedReplay``."""
    with ShardedReplay(shards, ROWS, KINDS[kind], engine=engine, shared_rows=shared_rows) as replay:
        for _ in range(shards):
            replay.extend(**zero_rows(KINDS[kind], ROWS // shards))

        def call(rows: int) -> None:
            batch = replay.sample(rows)
            replay.update_errors(batch["indices"], np.ones(rows))

        yield call


@contextmanager
def reverb(kind: str) -> Iterator[Call]:
    """A server of dm-reverb in a process of its own, one item a transition."""
    module = _imported("reverb", "dm-reverb[tensorflow]==0.14.0")
    context = multiprocessing.get_context("spawn")
    port, over = context.Queue(), context.Event()
    server = context.Process(target=_serve_reverb, args=(port, over), daemon=True)
    server.start()
    client = module.Client(f"localhost:{port.get(timeout=120)}")
    columns = zero_rows(KINDS[kind], 1)
    with client.writer(max_sequence_length=1) as writer:
        for _ in range(ROWS):
            writer.append([column[0] for column in columns.values()])
            writer.create_item("table", 1, 1.0)

    def call(rows: int) -> None:
        keys = [sample[0].info.key for sample in client.sample("table", rows)]
        client.mutate_priorities("table", dict.fromkeys(keys, 1.0))

    try:
        yield call
    finally:
        over.set()
        server.join()


def _serve_reverb(port: Any, over: Any) -> None:
    module = import_module("reverb")
    one = module.Table(
        "table",
        sampler=module.selectors.Prioritized(0.6),
        remover=module.selectors.Fifo(),
        max_size=ROWS,
        rate_limiter=module.rate_limiters.MinSize(1),
    )
    server = module.Server([one], port=None)
    port.put(server.port)
    over.wait()
    server.stop()


@contextmanager
def torchrl(kind: str) -> Iterator[Call]:
    """TorchRL's RayReplayBuffer, with its own sampler, or with ours where that does not load with this PyTorch."""
    data, torch = _imported("torchrl.data", "amper[torchrl,ray]"), _imported("torch", "amper[torchrl,ray]")
    tensordict = _imported("tensordict", "amper[torchrl,ray]")
    _imported("ray", "amper[torchrl,ray]")
    try:
        import_module("torchrl._torchrl")
        sampler = data.replay_buffers.PrioritizedSampler
    except ImportError:
        sampler = import_module("amper.torchrl").AmperSampler

    buffer = data.RayReplayBuffer(
        storage=partial(data.LazyTensorStorage, ROWS),
        sampler=partial(sampler, ROWS, 0.6, 0.4),
        replay_buffer_cls=data.TensorDictReplayBuffer,
        remote_config={"num_cpus": 1},
        batch_size=REQUESTS[0],
    )
    tensors = {name: torch.from_numpy(column) for name, column in zero_rows(KINDS[kind], ROWS).items()}
    buffer.extend(tensordict.TensorDict(tensors, [ROWS]))

    def call(rows: int) -> None:
        batch = buffer.sample(rows)
        buffer.update_priority(batch["index"], torch.ones(rows))

    try:
        yield call
    finally:
        buffer.close()


RIVALS: dict[str, Callable[[str], AbstractContextManager[Call]]] = {
    "bytes copied in one piece, no replay": partial(memory, True),
    "rows copied from anywhere, no replay": partial(memory, False),
    "amper, processes, rows shared": partial(ours, "processes", True),
    "amper, processes, rows sent": partial(ours, "processes", False),
    "amper, Ray, rows shared": partial(ours, "ray", True),
    "amper, Ray, rows sent": partial(ours, "ray", False),
    "dm-reverb": reverb,
    "TorchRL RayReplayBuffer": torchrl,
}


def measure(repeats: int, progress: Callable[[], object]) -> tuple[dict[str, list[list[float]]], dict[str, str]]:
    """By rival microseconds a row of each kind of rows and size of request, all repeats; and why others are missing."""
    found: dict[str, list[list[float]]] = {}
    missing: dict[str, str] = {}
    for kind in KINDS:
        with ExitStack() as stack:
            calls = {}
            for name, made in RIVALS.items():
                if name not in missing:
                    try:
                        calls[name] = stack.enter_context(made(kind))
                    except (MissingError, ImportError) as error:
                        missing[name] = str(error)
            for rows in REQUESTS:
                times: dict[str, list[float]] = {name: [] for name in calls}
                for repeat in range(repeats + 1):  # the first does not count
                    for name, call in calls.items():
                        calls_of_turn = max(32, TURN // rows)
                        start = processor_time()
                        for _ in range(calls_of_turn):
                            call(rows)
                        if repeat:
                            times[name].append((processor_time() - start) / calls_of_turn / rows * 1e6)
                    progress()
                for name, each in times.items():
                    found.setdefault(name, []).append(each)
    return found, missing


def markdown(found: dict[str, list[list[float]]], missing: dict[str, str]) -> str:
    """Median microseconds a row over the turns."""
    heads = [f"{kind}, {rows:,} rows" for kind in KINDS for rows in REQUESTS]
    lines = [[name, *(f"{np.median(times):.2f}" for times in of_all)] for name, of_all in found.items()]
    notes = "".join(f"\n\nNot measured: {name}: {why}" for name, why in missing.items())
    return table(["microseconds a row", *heads], lines) + notes


def processor_time() -> float:
    """Seconds of this process and all that it has started and are running; by Linux' own clocks, to the nanosecond."""
    parents: dict[int, int] = {}
    for state in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended
            fields = state.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            parents[int(state.parent.name)] = int(fields[1])

    def is_ours(pid: int) -> bool:
        while pid not in (0, 1):
            if pid == os.getpid():
                return True
            pid = parents.get(pid, 0)
        return False

    total = 0.0
    for pid in filter(is_ours, parents):
        with suppress(OSError):  # it has ended meanwhile
            total += time.clock_gettime(~pid << 3 | 2)  # the number that clock_getcpuclockid(3) gives
    return total


def _row_bytes(kind: str) -> int:
    return sum(column.nbytes for column in zero_rows(KINDS[kind], 1).values())


def _imported(module: str, package: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingError(f"{error}: pip install '{package}'") from error
