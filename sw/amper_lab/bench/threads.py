"""``amper bench threads``: a replay buffer that threads share: what two gain over one, and how long `add` waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from amper import ReplayBuffer
from amper_lab.bench.timing import quartiles
from amper_report.tables import table

LONG = 65_536  # rows of a batch that `add` meets
PIXELS = (84, 84)
IMAGES = 10_000  # rows, 71 MB
ROWS = 1_000_000


@dataclass(frozen=True)
class Plan:
    """``seconds`` of each part of a repeat; ``batch`` images."""

    seconds: float
    repeats: int
    batch: int

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise ValueError(f"seconds must be above 0, not {self.seconds}")
        for name in ("repeats", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")


def run(plan: Plan, advance: Callable[[str], object]) -> dict[str, Any]:
    """Measure; ``advance`` is called before each repeat.

    Returns
    -------
    "scaling": batches a second of two threads over those of one, each the mean over a repeat's seconds, by repeat;
    "rate": of one thread; "alone", "beside": microseconds of each `add`, while nobody and while a thread draws.
    """
    images = ReplayBuffer(IMAGES, {"image": ("uint8", PIXELS)})
    for start in range(0, IMAGES, 1000):
        images.extend(image=np.full((1000, *PIXELS), start // 1000, np.uint8))
    numbers = ReplayBuffer(ROWS, {"x": "float32"})
    numbers.extend(x=np.zeros(ROWS, np.float32))
    found: dict[str, Any] = {"scaling": [], "rate": [], "alone": [], "beside": []}
    for repeat in range(plan.repeats):
        advance(f"repeat {repeat + 1}")
        one, two = (_rate(images, plan, count) for count in (1, 2))
        found["rate"].append(one)
        found["scaling"].append(two / one)
        found["alone"] += _waits(numbers, plan.seconds, drawing=False)
        found["beside"] += _waits(numbers, plan.seconds, drawing=True)
    return found


def markdown(plan: Plan, found: dict[str, Any]) -> str:
    """The results as tables."""
    low, middle, high = quartiles(np.array(found["scaling"]))
    rate = quartiles(np.array(found["rate"]))[1]
    lines = []
    for name in ("alone", "beside"):
        times = np.array(found[name])
        far = f"{np.quantile(times, 0.99):,.0f}", f"{times.max():,.0f}"
        lines.append([name, f"{np.median(times):,.1f}", *far, f"{times.size:,}"])
    return (
        f"Batches of {plan.batch} images of 84 x 84: {rate:,.0f} a second by one thread, {middle:.2f} times as many by "
        f"two ({low:.2f} to {high:.2f}, quartiles of {plan.repeats} repeats of {plan.seconds:g} seconds).\n\n"
        f"Microseconds of `add`, alone and beside a thread that draws {LONG:,} rows of {ROWS:,} again and again:\n\n"
        + table(["", "median", "99 %", "longest", "calls"], lines)
    )


def _rate(buffer: ReplayBuffer, plan: Plan, count: int) -> float:
    """Batches a second of so many threads together."""
    done = [0] * count
    end = time.perf_counter() + plan.seconds

    def work(which: int) -> None:
        while time.perf_counter() < end:
            buffer.sample(plan.batch)
            done[which] += 1

    threads = [threading.Thread(target=work, args=(which,)) for which in range(count)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.perf_counter() - start)


def _waits(buffer: ReplayBuffer, seconds: float, *, drawing: bool) -> list[float]:
    """Microseconds of calls of ``add``, a millisecond apart."""
    over = threading.Event()

    def draw() -> None:
        while not over.is_set():
            buffer.sample(LONG)

    thread = threading.Thread(target=draw)
    if drawing:
        thread.start()
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        buffer.add(x=1.0)
        times.append((time.perf_counter() - start) * 1e6)
        time.sleep(0.001)
    over.set()
    if drawing:
        thread.join()
    return times
