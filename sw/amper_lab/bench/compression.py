"""What compressed columns save and cost: transitions of stacked frames of LunarLander-v3, by ``Compression``'s codecs.

    python -m amper_lab.bench.compression

Needs: pip install 'amper[train,compression]'
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amper import Compression, Frames, ReplayBuffer
from amper.replay.compression import CODECS
from amper.support.extras import require
from amper_report.environment import described, environment
from amper_report.tables import table

STEPS, STACK, SIDE, BATCH, CALLS = 1000, 4, 84, 64, 50


def frames() -> Iterator[tuple[NDArray[np.uint8], bool]]:
    """Grey pictures of a random policy, 84 x 84, and whether an episode begins."""
    env = require("gymnasium", "train").make("LunarLander-v3", render_mode="rgb_array")
    env.action_space.seed(1)
    env.reset(seed=1)
    begins = True
    while True:
        picture = env.render()
        rows, columns = (np.linspace(0, size - 1, SIDE).astype(int) for size in picture.shape[:2])
        yield picture[rows][:, columns].mean(axis=2).astype(np.uint8), begins
        begins = any(env.step(env.action_space.sample())[2:4])
        if begins:
            env.reset()


def transitions() -> list[dict[str, Any]]:
    """Stacks of the last frames, oldest first."""
    found: list[dict[str, Any]] = []
    stack = np.zeros((STACK, SIDE, SIDE), np.uint8)
    for frame, begins in frames():
        before, stack = stack, np.stack([frame] * STACK) if begins else np.concatenate([stack[1:], frame[None]])
        if not begins:
            found.append({"obs": before, "action": 0, "reward": 0.0, "next_obs": stack})
        if len(found) == STEPS:
            return found
    raise AssertionError("frames have no end")


def measure(steps: list[dict[str, Any]], **options: Any) -> list[str]:
    """Bytes a transition, and the median microseconds of ``add`` and of a batch."""
    stack = ("uint8", (STACK, SIDE, SIDE))
    columns = {"obs": stack, "action": "int64", "reward": "float32", "next_obs": stack}
    buffer = ReplayBuffer(STEPS, columns, **options)
    add = median([partial(buffer.add, **step) for step in steps])
    sample = median([partial(buffer.sample, BATCH)] * CALLS)
    kept = buffer.stored_bytes / STEPS + (buffer.memory_per_row - buffer.sampler.memory_per_row)
    return [f"{kept:,.0f}", f"{add:,.0f}", f"{sample:,.0f}"]


def median(calls: list[Callable[[], object]]) -> float:
    """Microseconds of processor time."""
    times = []
    for call in calls:
        start = time.process_time_ns()
        call()
        times.append((time.process_time_ns() - start) / 1e3)
    return float(np.median(times))


def main() -> None:
    """Print a line for each codec, without and with frames stored once."""
    steps = transitions()
    lines = []
    for name, once, columns in (("", None, ("obs", "next_obs")), ("frames once", Frames(STACK), ("obs",))):
        for codec in (None, *CODECS):
            compression = None if codec is None else Compression(columns, codec)
            lines.append([name, codec or "none", *measure(steps, frames=once, compression=compression)])
    print(described(environment()) + "\n")
    print(table(["", "codec", "bytes a transition", "add, microseconds", f"sample {BATCH}, microseconds"], lines))


if __name__ == "__main__":
    main()
