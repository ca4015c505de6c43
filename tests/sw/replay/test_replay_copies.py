"""Copies of a buffer go on exactly: pickled, deep-copied, and in a process that was forked while a thread drew."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest

from amper import AmperConfig, Device, LinearSchedule, NStep, ReplayBuffer, Sampler

ROWS = 30
COLUMNS = {
    "obs": ("float32", 3),
    "reward": "float32",
    "next_obs": ("float32", 3),
    "terminated": "bool",
    "truncated": "bool",
    "name": "U3",
}
SAMPLERS = {
    "per": lambda: Sampler(ROWS, seed=1, beta=LinearSchedule(0.4, 1.0, steps=10)),
    "numpy": lambda: Sampler(ROWS, seed=1, compiled=False),
    "amper-fr": lambda: Sampler(ROWS, mode="amper-fr", seed=1),
    "bit-exact": lambda: Sampler(ROWS, mode="amper-k", bit_exact=True, seed=1),
    "device": lambda: Device(AmperConfig(rows=ROWS, variant="fr", seed=1)),
}
WAYS = {"pickle": lambda buffer: pickle.loads(pickle.dumps(buffer)), "deepcopy": copy.deepcopy, "copy": copy.copy}


def operate(buffer: ReplayBuffer, rng: np.random.Generator, times: int) -> list[dict[str, np.ndarray]]:
    batches = []
    for _ in range(times):
        count = int(rng.integers(1, 12))
        buffer.extend(
            obs=rng.normal(size=(count, 3)).astype("float32"),
            reward=rng.normal(size=count),
            next_obs=rng.normal(size=(count, 3)).astype("float32"),
            terminated=rng.random(count) < 0.1,
            truncated=rng.random(count) < 0.1,
            name=rng.choice(["a", "bcd"], count),
        )
        batches.append(buffer.sample(16))
        buffer.update_errors(batches[-1]["indices"], rng.normal(size=16))
    return batches


def assert_same(first: list[dict], second: list[dict]) -> None:
    for one, other in zip(first, second, strict=True):
        assert list(one) == list(other)
        for name, value in one.items():
            np.testing.assert_array_equal(value, other[name])


@pytest.mark.parametrize("times", [0, 2, 20])
@pytest.mark.parametrize("n_step", [None, NStep(3)], ids=["one", "steps"])
@pytest.mark.parametrize("kind", SAMPLERS)
@pytest.mark.parametrize("way", WAYS)
def test_a_copy_goes_on_exactly_and_apart(way, kind, n_step, times):
    buffer = ReplayBuffer(ROWS, COLUMNS, SAMPLERS[kind](), n_step=n_step)
    operate(buffer, np.random.default_rng(1), times)
    again = WAYS[way](buffer)
    assert (len(again), again.n_step, type(again.sampler)) == (len(buffer), n_step, type(buffer.sampler))
    first = operate(again, np.random.default_rng(2), 5)
    assert_same(operate(buffer, np.random.default_rng(2), 5), first)
    for name, column in again.columns.items():
        assert not np.shares_memory(column, buffer.columns[name])


def test_a_copy_of_a_mapped_buffer_is_in_memory(tmp_path):
    buffer = ReplayBuffer(ROWS, COLUMNS, SAMPLERS["per"](), folder=tmp_path)
    operate(buffer, np.random.default_rng(1), 9)
    before = (tmp_path / "rows.bin").read_bytes()
    again = pickle.loads(pickle.dumps(buffer))
    (tmp_path / "rows.bin").unlink()
    assert again._storage.tobytes() == before
    assert_same(operate(buffer, np.random.default_rng(2), 5), operate(again, np.random.default_rng(2), 5))


def test_only_what_is_stored_is_pickled():
    columns = {"image": ("uint8", 1000)}
    buffer = ReplayBuffer(10_000, columns, "uniform")
    buffer.add(image=np.ones(1000, np.uint8))
    assert len(pickle.dumps(buffer)) < 100_000


FORKS = """
import os, sys, threading
import numpy as np
from amper import AmperConfig, Device, ReplayBuffer, Sampler

kind, compiled = sys.argv[1], sys.argv[2] == "True"
rows, size = 20_000, 4096
options = {"bit_exact": True, "mode": "amper-k"} if kind == "bit-exact" else {}
sampler = Sampler(rows, compiled=compiled, **options)
if kind == "sampler":
    sampler.extend(count=rows)
    draw, write = lambda: sampler.sample(size), lambda: sampler.update(np.arange(size), np.ones(size))
else:
    buffer = ReplayBuffer(rows, {"x": ("uint8", 500)}, sampler, compiled=compiled)
    buffer.extend(x=np.zeros((rows, 500), np.uint8))
    draw, write = lambda: buffer.sample(size), lambda: buffer.update(np.arange(size), np.ones(size))
stop = False


def work(call):
    while not stop:
        call()


threads = [threading.Thread(target=work, args=[call], daemon=True) for call in (draw, draw, write)]
for thread in threads:
    thread.start()
for _ in range(10):
    child = os.fork()
    if child == 0:
        draw(), write()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    draw(), write()  # the parent goes on too
stop = True
for thread in threads:
    thread.join()
print("done")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("kind", ["buffer", "sampler", "bit-exact"])
def test_a_fork_while_threads_draw(kind, compiled):
    """The child finds no lock that nobody will give back; the timeout is for one that does."""
    program = [sys.executable, "-W", "ignore", "-c", FORKS, kind, str(compiled)]
    run = subprocess.run(program, capture_output=True, text=True, check=True, timeout=120)
    assert run.stdout == "done\n"
