"""A replay buffer saved and loaded goes on exactly; what is killed or damaged in between is never loaded."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from amper import LinearSchedule, NStep, ReplayBuffer, Sampler
from amper.replay import files as replay_files
from amper.sampler.options import MODES

COLUMNS = {
    "obs": ("float32", 3),
    "action": "int8",
    "reward": "float32",
    "next_obs": ("float32", 3),
    "terminated": "bool",
    "truncated": "bool",
}
ROWS = 60


def made(mode: str = "per", *, seed: int = 4, n_step: NStep | None = None, rows: int = ROWS, **options) -> ReplayBuffer:
    return ReplayBuffer(rows, COLUMNS, Sampler(rows, mode=mode, seed=seed), n_step=n_step, **options)


def operate(buffer: ReplayBuffer, rng: np.random.Generator, times: int) -> list[dict[str, np.ndarray]]:
    """Random operations; returns the batches."""
    batches = []
    for _ in range(times):
        size = 3 * int(rng.integers(1, 6))
        buffer.extend(
            obs=rng.normal(size=(size, 3)),
            action=rng.integers(5, size=size),
            reward=rng.normal(size=size),
            next_obs=rng.normal(size=(size, 3)),
            terminated=rng.random(size) < 0.1,
            truncated=rng.random(size) < 0.1,
        )
        batches.append(buffer.sample(40))
        buffer.update_errors(batches[-1]["indices"], rng.normal(size=40))
        if rng.random() < 0.2:
            buffer.remove(batches[-1]["indices"][:2])
    return batches


def assert_same(first: list[dict], second: list[dict]) -> None:
    for one, other in zip(first, second, strict=True):
        assert one.keys() == other.keys()
        for name, value in one.items():
            np.testing.assert_array_equal(value, other[name])


@pytest.mark.parametrize("times", [0, 3, 30])
@pytest.mark.parametrize("n_step", [None, NStep(4, envs=3)], ids=["one", "steps"])
@pytest.mark.parametrize("mode", MODES)
def test_it_goes_on_exactly(tmp_path, mode, n_step, times):
    """Empty, part full and overwritten; in memory, from and into a mapped file."""
    buffer = made(mode, n_step=n_step)
    operate(buffer, np.random.default_rng(1), times)
    buffer.save(tmp_path / "a.npz")
    again = made(mode, n_step=n_step, folder=tmp_path / "mapped")
    operate(again, np.random.default_rng(2), 5)
    again.load(tmp_path / "a.npz")
    assert len(again) == len(buffer)
    again.save(str(tmp_path / "b.npz"))
    third = made(mode, n_step=n_step)
    third.load(str(tmp_path / "b.npz"))
    batches = operate(buffer, np.random.default_rng(3), 20)
    assert_same(batches, operate(again, np.random.default_rng(3), 20))
    assert_same(batches, operate(third, np.random.default_rng(3), 20))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "b.npz", "mapped"]


@pytest.mark.parametrize(
    "options", [{"bit_exact": True, "mode": "amper-k"}, {"weights": "inclusion", "mode": "amper-k"}]
)
def test_other_samplers_go_on_exactly(tmp_path, options):
    """With a schedule of beta too."""
    buffer, again = (
        ReplayBuffer(ROWS, COLUMNS, Sampler(ROWS, beta=LinearSchedule(0.0, 1.0, steps=30), **options)) for _ in range(2)
    )
    operate(buffer, np.random.default_rng(1), 10)
    buffer.save(tmp_path / "a")
    again.load(tmp_path / "a")
    assert_same(operate(buffer, np.random.default_rng(3), 20), operate(again, np.random.default_rng(3), 20))


def test_rows_of_more_than_one_piece(tmp_path, monkeypatch):
    monkeypatch.setattr(replay_files, "_CHUNK", 100)
    buffer, again = made(), made()
    operate(buffer, np.random.default_rng(1), 30)
    buffer.save(tmp_path / "a")
    again.load(tmp_path / "a")
    assert_same([buffer.columns], [again.columns])


OTHERS = [
    (lambda: made(rows=61), "must be of a buffer with rows 61, not 60"),
    (
        lambda: ReplayBuffer(ROWS, {"obs": ("float32", 3)}, Sampler(ROWS, seed=4)),
        "must be of a buffer with columns {'obs': ['<f4', [3]]}, not {'obs': ['<f4', [3]], 'action': ['|i1', []], "
        "'reward': ['<f4', []], 'next_obs': ['<f4', [3]], 'terminated': ['|b1', []], 'truncated': ['|b1', []]}",
    ),
    (
        lambda: made(n_step=NStep(3, 0.5)),
        "must be of a buffer with n_step {'n': 3, 'gamma': 0.5, 'envs': 1, 'reward': 'reward', "
        "'terminated': 'terminated', 'truncated': 'truncated', 'following': ['next_obs']}, not None",
    ),
]


def assert_refuses(buffer: ReplayBuffer, path: Path, message: str) -> None:
    """``load`` raises, and the buffer is what it was."""
    before = buffer._storage.tobytes(), buffer.sampler.priorities().tobytes(), buffer._rows.added
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        buffer.load(path)
    assert (buffer._storage.tobytes(), buffer.sampler.priorities().tobytes(), buffer._rows.added) == before
    if len(buffer):
        buffer.sample(3)  # the lock is free


@pytest.mark.parametrize(("make", "message"), OTHERS, ids=["rows", "columns", "n_step"])
def test_a_buffer_of_another_kind(tmp_path, make, message):
    path = tmp_path / "a.npz"
    made().save(path)
    assert_refuses(make(), path, f"{path} {message}")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: made("uniform"), "state must be of a sampler with mode uniform, not per"),
        (lambda: made(seed=5), "state must be of a sampler with seed 5, not 4"),
    ],
)
def test_a_sampler_of_another_kind(tmp_path, make, message):
    operated, buffer = made(), make()
    operate(operated, np.random.default_rng(1), 3)
    operate(buffer, np.random.default_rng(2), 3)
    operated.save(tmp_path / "a.npz")
    assert_refuses(buffer, tmp_path / "a.npz", message)


def test_another_version(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    monkeypatch.setattr(replay_files, "VERSION", 7)
    made().save(path)
    monkeypatch.undo()
    assert_refuses(made(), path, f"{path} must be of version 1, not 7")


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        made().load(tmp_path / "none")


def test_a_file_that_is_cut_or_altered(tmp_path):
    """Wherever; and the whole file still loads."""
    buffer, path = made(), tmp_path / "a.npz"
    operate(buffer, np.random.default_rng(1), 2)
    buffer.save(path)
    whole = path.read_bytes()
    message = f"{path} must be a whole file that ReplayBuffer.save wrote, and its checksum is wrong"
    other = made()
    operate(other, np.random.default_rng(2), 2)
    for length in (*range(0, 100, 7), *range(100, len(whole), 497), *range(len(whole) - 70, len(whole))):
        path.write_bytes(whole[:length])
        assert_refuses(other, path, message)
    for place in (*range(0, len(whole), 41), *range(len(whole) - 70, len(whole))):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        assert_refuses(other, path, message)
    path.write_bytes(whole + b"\0")
    assert_refuses(other, path, message)
    path.write_bytes(whole)
    other.load(path)
    assert_same([buffer.sample(50)], [other.sample(50)])


@pytest.mark.parametrize("part", ["write", "fsync", "replace"])
def test_a_disk_that_fails(tmp_path, monkeypatch, part):
    """Wherever it does, the file from before is there and nothing else, and the buffer goes on."""
    buffer, path = made(), tmp_path / "a.npz"
    operate(buffer, np.random.default_rng(1), 3)
    buffer.save(path)
    before = path.read_bytes()
    operate(buffer, np.random.default_rng(2), 3)

    def fail(*arguments: object, **named: object) -> None:
        raise OSError(28, "No space left on device")

    where = {"write": (np, "savez"), "fsync": (os, "fsync"), "replace": (Path, "replace")}[part]
    monkeypatch.setattr(*where, fail)
    with pytest.raises(OSError, match="No space left on device"):
        buffer.save(path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["a.npz"]
    operate(buffer, np.random.default_rng(3), 1)


def test_it_is_on_the_disk_before_it_is_renamed_and_after(tmp_path, monkeypatch):
    """The whole file is flushed, then renamed, then its folder flushed: so a crash of the machine is harmless."""
    done, path = [], tmp_path / "a.npz"
    fsync, replace = os.fsync, Path.replace

    def flushed(descriptor: int) -> None:
        target = Path(f"/proc/self/fd/{descriptor}").readlink()
        done.append(("flush", target.name, target.stat().st_size if target.is_file() else None))
        fsync(descriptor)

    def renamed(self: Path, target: Path) -> Path:
        done.append(("rename", self.name, target.name))
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(Path, "replace", renamed)
    made().save(path)
    assert done == [
        ("flush", "a.npz.part", path.stat().st_size),
        ("rename", "a.npz.part", "a.npz"),
        ("flush", tmp_path.name, None),
    ]


CHILD = """
import sys
import numpy as np
from amper import ReplayBuffer, Sampler
rows = 200_000
buffer = ReplayBuffer(rows, {"x": "int64"}, Sampler(rows, mode="uniform"))
for turn in range(1, 1000):
    buffer.extend(x=np.full(rows, turn))
    buffer.save(sys.argv[1])
    print(turn, flush=True)
"""


def test_killed_while_saving(tmp_path):
    """At random moments: what loads is the latest save that was over, or the one being made, whole."""
    path, rng = tmp_path / "a.npz", np.random.default_rng(1)
    cut = 0
    for _ in range(10):
        for left in tmp_path.iterdir():
            left.unlink()
        child = subprocess.Popen([sys.executable, "-c", CHILD, path], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        assert child.stdout.readline() == "1\n"
        time.sleep(rng.uniform(0, 0.05))
        child.kill()
        told = child.stdout.read().split()
        child.stdout.close()
        child.wait()
        over = int(told[-1]) if told else 1
        buffer = ReplayBuffer(200_000, {"x": "int64"}, Sampler(200_000, mode="uniform"))
        buffer.load(path)
        turns = set(buffer.columns["x"].tolist())
        assert turns in ({over}, {over + 1})
        assert set(buffer.sample(100)["x"].tolist()) == turns
        cut += path.with_name("a.npz.part").exists()
        buffer.save(path)
        assert [each.name for each in tmp_path.iterdir()] == ["a.npz"]
    assert cut > 0  # of the saves that were killed some were not over
