"""Threads share a buffer: a batch is of one moment whatever others store meanwhile, and long ones let others in."""

from __future__ import annotations

import copy
import sys
import threading
from collections.abc import Callable

import numpy as np
import pytest

from amper import NStep, ReplayBuffer, Sampler
from amper.cores.compiled import compiled_core

COMPILED = pytest.mark.parametrize("compiled", [True, False])
PIXELS = 4096  # 32 rows of which are read without the lock


def transition(number: int, pixels: int) -> dict[str, object]:
    """All of it says which it is."""
    return {
        "number": number,
        "image": np.full(pixels, number % 251, np.uint8),
        "reward": 1.0,
        "next_obs": np.full(pixels, (number + 1) % 251, np.uint8),
        "terminated": False,
        "truncated": False,
    }


def new_buffer(rows: int, n_step: NStep | None, compiled: bool, pixels: int = PIXELS) -> ReplayBuffer:
    image = ("uint8", pixels)
    columns = {
        "number": "int64", "image": image, "reward": "float64", "next_obs": image, "terminated": "bool",
        "truncated": "bool",
    }  # fmt: skip
    buffer = ReplayBuffer(rows, columns, Sampler(rows, seed=1, compiled=compiled), n_step=n_step, compiled=compiled)
    for number in range(rows):
        buffer.add(**transition(number, pixels))
    return buffer


def check(batch: dict[str, np.ndarray], n: int) -> None:
    """No row is half of one transition and half of another, or under the number of another."""
    numbers = batch["number"]
    np.testing.assert_array_equal(batch["indices"], numbers)
    np.testing.assert_array_equal(batch["image"], np.repeat(numbers[:, None] % 251, batch["image"].shape[1], 1))
    steps = np.ones(numbers.size, int) if n == 1 else batch["reward"].astype(int)
    assert ((steps >= 1) & (steps <= n)).all()
    following = (numbers + steps) % 251
    np.testing.assert_array_equal(batch["next_obs"], np.repeat(following[:, None], batch["image"].shape[1], 1))


def together(work: Callable[[], None], times: int, *others: Callable[[], None]) -> None:
    """Do ``work`` so often in two threads, while ``others`` are done over and over; raise what any of them raised."""
    failed: list[BaseException] = []
    ended = threading.Event()

    def run(call: Callable[[], None], last: int | None) -> None:
        done = 0
        try:
            while done != last and not ended.is_set():
                call()
                done += 1
        except BaseException as error:
            failed.append(error)
            ended.set()

    workers = [threading.Thread(target=run, args=(work, times)) for _ in range(2)]
    beside = [threading.Thread(target=run, args=(other, None)) for other in others]
    for thread in (*workers, *beside):
        thread.start()
    for thread in workers:
        thread.join()
    ended.set()
    for thread in beside:
        thread.join()
    if failed:
        raise failed[0]


class Adder:
    """Adds the next transition, or several."""

    def __init__(self, buffer: ReplayBuffer, several: int = 1) -> None:
        self.buffer, self.several, self.number = buffer, several, buffer.rows

    def __call__(self) -> None:
        pixels = self.buffer.columns["image"].shape[1]
        given = [transition(self.number + i, pixels) for i in range(self.several)]
        if self.several == 1:
            self.buffer.add(**given[0])
        else:
            types = {name: column.dtype for name, column in self.buffer.columns.items()}
            values = {name: np.array([each[name] for each in given], types[name]) for name in given[0]}
            self.buffer.extend(**values)
        self.number += self.several


@COMPILED
@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("several", [1, 5, 40], ids=["add", "extend", "more-than-fits"])
def test_images_are_whole(compiled, n, several):
    buffer = new_buffer(32, None if n == 1 else NStep(n, gamma=1.0), compiled)
    together(lambda: check(buffer.sample(64), n), 25, Adder(buffer, several))


@COMPILED
@pytest.mark.parametrize("n", [1, 3])
def test_a_long_batch_of_short_rows(compiled, n):
    """It is drawn in pieces, between which rows are overwritten."""
    buffer = new_buffer(300, None if n == 1 else NStep(n, gamma=1.0), compiled, pixels=1)
    together(lambda: check(buffer.sample(9000), n), 10, Adder(buffer))


@COMPILED
def test_all_that_needs_the_buffer_alone(compiled, tmp_path):
    """Saving, loading, clearing and copying wait for batches under way, and the other way round."""
    buffer = new_buffer(32, None, compiled)
    adder = Adder(buffer)
    buffer.save(tmp_path / "saved")
    number = adder.number

    def alone() -> None:
        buffer.save(tmp_path / "other")
        buffer.load(tmp_path / "saved")
        adder.number = number
        for _ in range(3):
            adder()
        check(copy.deepcopy(buffer).sample(40), 1)

    together(lambda: check(buffer.sample(64), 1), 30, alone)
    held = len(buffer)
    buffer.clear()
    assert (held, len(buffer)) == (32, 0)


@COMPILED
def test_late_updates_by_another_thread(compiled):
    buffer = new_buffer(32, None, compiled)
    old = buffer.sample(64)["indices"]
    for _ in range(10):
        buffer.add(**transition(0, PIXELS))
    gone = int((old < 10).sum())
    assert 0 < gone < 64
    together(lambda: buffer.update(old, np.full(64, 2.0)), 20, lambda: check_weights(buffer.sample(64)))
    assert buffer.dropped == 40 * gone
    with pytest.raises(ValueError, match=r"^errors must be finite, not nan$"):
        buffer.update_errors(old, np.where(old < 10, np.nan, 1.0))
    with pytest.raises(ValueError, match=r"^indices must be 0 to 41, those of transitions that were added, not 42$"):
        buffer.update_errors(np.append(old, 42), np.ones(65))
    assert buffer.dropped == 40 * gone


def check_weights(batch: dict[str, np.ndarray]) -> None:
    assert batch["weights"].max() == 1


@pytest.mark.parametrize("mode", ["per", "uniform", "amper-fr"])
def test_a_batch_in_pieces_is_the_same(mode):
    """With nobody else, pieces change nothing: the fallback, which has none, draws the same rows."""
    batches = []
    for compiled in (True, False):
        sampler = Sampler(5000, mode=mode, seed=3, compiled=compiled)
        sampler.extend(np.linspace(0.1, 2.0, 5000))
        buffer = ReplayBuffer(5000, {"x": "float32"}, Sampler(5000, mode=mode, seed=3), compiled=compiled)
        buffer.extend(x=np.arange(5000, dtype=np.float32), priority=np.linspace(0.1, 2.0, 5000))
        drawn = buffer.sample(7001)
        batches.append([*sampler.sample(7001), *sampler.sample(10), drawn["indices"], drawn["weights"], drawn["x"]])
    for first, second in zip(*batches, strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.skipif(not hasattr(sys, "_is_gil_enabled") or sys._is_gil_enabled(), reason="Python has its lock")
def test_the_module_needs_no_global_lock():
    """Importing a module that does not say so switches the lock on again."""
    assert compiled_core() is not None
    assert not sys._is_gil_enabled()
