"""Rows in shared memory: what is drawn is what the shards would have sent, and never half of another transition."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from amper import NStep
from amper.distributed import ShardedReplay
from amper.distributed.shard import Shard, ShardSpec
from amper.distributed.shared import SharedRows

COLUMNS = {"x": "int64", "obs": {"image": ("uint8", (64, 64)), "place": ("float32", 2)}}
BLOCKS = Path("/dev/shm")


def transitions(numbers: np.ndarray) -> dict[str, object]:
    image = np.broadcast_to((numbers % 251).astype(np.uint8)[:, None, None], (numbers.size, 64, 64))
    return {"x": numbers, "obs": {"image": image, "place": np.repeat(numbers[:, None], 2, axis=1).astype("f")}}


def check(batch: dict) -> None:
    """Each row is one transition's."""
    x = batch["x"]
    np.testing.assert_array_equal(batch["obs"]["place"], np.repeat(x[:, None], 2, axis=1))
    assert (batch["obs"]["image"] == (x % 251).astype(np.uint8)[:, None, None]).all()


@pytest.mark.parametrize("engine", ["processes", "ray"])
def test_the_same_as_rows_that_are_sent(engine):
    drawn = []
    for shared in (True, False):
        with ShardedReplay(3, 60, COLUMNS, engine=engine, seed=5, shared_rows=shared) as replay:
            for start in (0, 7, 20, 50):
                replay.extend(**transitions(np.arange(start, start + 30)))
            assert all(part.is_shared is shared for _, part in replay._parts(50))
            batches = replay.sample_many(3, 40)
            replay.update(batches[0]["indices"], np.linspace(0.1, 3.0, 40))
            drawn.append([*batches, *replay.sample_many(2, 50, beta=0.7)])
    for first, second in zip(*drawn, strict=True):
        check(first)
        assert list(first) == ["x", "obs", "indices", "weights"]
        for name in ("x", "indices", "weights"):
            np.testing.assert_array_equal(first[name], second[name])
        for name in ("image", "place"):
            np.testing.assert_array_equal(first["obs"][name], second["obs"][name])


def test_what_was_overwritten_meanwhile_is_drawn_again(monkeypatch):
    with ShardedReplay(2, 20, COLUMNS, engine="processes", seed=1, shared_rows=True) as replay:
        writers = [replay.writer(shard) for shard in range(2)]
        for writer in writers:
            writer.extend(**transitions(np.arange(10)))
            writer.wait()
        read, late = replay._shared.read, [100, 200]

        def read_late(shards, numbers):
            """After the draw seven rows of shard 0 are overwritten, then all; and then the draws are left alone."""
            if late:
                writers[0].extend(**transitions(np.arange(late[0], late.pop(0) + (7 if len(late) else 10))))
                writers[0].wait()
            return read(shards, numbers)

        monkeypatch.setattr(replay._shared, "read", read_late)
        batch = replay.sample(400)
        assert not late
        check(batch)
        own = batch["indices"] % 2 == 0
        assert set(batch["x"][~own]) == set(range(10))
        assert set(batch["x"][own]) <= {7, 8, 9, *range(200, 210)}
        assert (batch["x"][own] >= 200).any()
        number = batch["indices"][own] // 2  # 0 to 9, then 100 to 106, then 200 to 209 were stored
        stored = np.concatenate([np.arange(10), np.arange(100, 107), np.arange(200, 210)])
        np.testing.assert_array_equal(stored[number], batch["x"][own])


@pytest.mark.parametrize("apart", [(), (0,)], ids=["all shared", "one sends"])
def test_rows_that_are_always_overwritten_are_sent_in_the_end(monkeypatch, apart):
    """With every read shard 1 gets new rows in place of all that it has."""
    part = SharedRows.part
    monkeypatch.setattr(SharedRows, "part", lambda self, number: None if number in apart else part(self, number))
    with ShardedReplay(2, 8, COLUMNS, engine="processes", shared_rows=True) as replay:
        writers = [replay.writer(shard) for shard in range(2)]
        read, reads = replay._shared.read, []

        def overwrite() -> None:
            writers[1].extend(**transitions(np.arange(4) + 4 * len(reads)))
            writers[1].wait()

        def read_late(shards, numbers):
            reads.append(numbers)
            overwrite()
            return read(shards, numbers)

        overwrite()
        writers[0].extend(**transitions(np.arange(4)))
        writers[0].wait()
        monkeypatch.setattr(replay._shared, "read", read_late)
        batch = replay.sample(100)
        check(batch)
        shard, number = batch["indices"] % 2, batch["indices"] // 2
        np.testing.assert_array_equal(batch["x"], number)
        assert set(number[shard == 1]) <= set(range(8, 12))  # those of after the second read
        assert len(reads) == 2


def test_a_shard_says_first_what_it_stores_whatever_that_lies_in():
    torch = pytest.importorskip("torch")
    columns = {"x": ("float32", 2), "pair": ("int64", "int64")}
    shared = SharedRows(1, 8, columns)
    shard = Shard(ShardSpec(8, columns, "per", 0, None, {}, shared.part(0)))
    store, said = shard._buffer.extend, []
    shard._buffer.extend = lambda **given: said.append(int(shared._begun[0])) or store(**given)
    for x in (np.zeros((3, 2)), torch.zeros(3, 2), tuple(np.zeros((3, 2))), [[0.0, 0.0]] * 3):
        for pair in ((np.arange(3), range(3)), [torch.arange(3), [0, 1, 2]]):
            shard.request("extend", {"x": x, "pair": pair})
    assert said == list(range(3, 27, 3))
    for wrong in ({"x": 1.0, "pair": ([1], [1])}, {"y": [1]}):
        with pytest.raises((TypeError, ValueError), match=r"first dimension|must have the columns"):
            shard.request("extend", wrong)
        assert shared._begun[0] == 24


def _write(writer, rounds: int) -> None:
    for turn in range(rounds):
        writer.extend(**transitions(np.arange(turn * 16, turn * 16 + 16)))
    writer.close()


def test_no_row_is_half_overwritten():
    """A writer goes round a small ring as fast as it can, while all of it is drawn."""
    with ShardedReplay(1, 64, COLUMNS, engine="processes", shared_rows=True) as replay:
        replay.extend(**transitions(np.arange(64)))
        writer = multiprocessing.get_context("spawn").Process(target=_write, args=(replay.writer(), 400))
        writer.start()
        drawn = 0
        while writer.is_alive() or not drawn:
            check(replay.sample(64))
            drawn += 1
        writer.join()
        assert writer.exitcode == 0
        assert replay.metrics()["shards"][0]["added"] > 64


def test_a_shard_that_begins_again():
    with ShardedReplay(2, 40, COLUMNS, engine="processes", restart=True, shared_rows=True) as replay:
        for _ in range(2):
            replay.extend(**transitions(np.arange(20)))
        before = set(replay.sample(200)["indices"].tolist())
        os.kill(replay._shards._shards[0][0].pid, signal.SIGKILL)
        for _ in range(2):
            replay.extend(**transitions(np.arange(100, 120)))
        batch = replay.sample(200)
        check(batch)
        assert replay.metrics()["lost_shards"] == 1
        assert set(batch["x"]) == set(range(100, 120))
        assert not before & set(batch["indices"].tolist())


def test_nothing_stays_behind():
    with ShardedReplay(2, 100, COLUMNS, engine="processes", shared_rows=True) as replay:
        replay.extend(**transitions(np.arange(100)))
        block = BLOCKS / replay._shared.part(0).block
        assert block.exists()
        batch = replay.sample(8)
    assert not block.exists()
    check(batch)  # its own


def test_nothing_stays_behind_a_learner_that_is_killed():
    program = (
        "import time; from amper.distributed import ShardedReplay\n"
        "replay = ShardedReplay(2, 100, {'x': 'int64'}, engine='processes', shared_rows=True)\n"
        "print(replay._shared.part(0).block, flush=True); time.sleep(60)"
    )
    learner = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    block = BLOCKS / learner.stdout.readline().strip()
    assert block.is_file()
    learner.kill()
    learner.wait()
    learner.stdout.close()
    end = time.monotonic() + 60
    while block.exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not block.exists()


def test_where_there_is_no_room(monkeypatch):
    made = []

    def full(file, _first, _size):
        made.append(Path(f"/proc/self/fd/{file}").resolve())
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space"):
        ShardedReplay(2, 100, COLUMNS, engine="processes", shared_rows=True)
    with ShardedReplay(2, 100, COLUMNS, engine="processes") as replay:
        replay.extend(**transitions(np.arange(50)))
        check(replay.sample(64))
        assert not any(part.is_shared for _, part in replay._parts(5))
    assert [block.exists() for block in made] == [False, False]


def test_columns_that_are_none():
    with pytest.raises(TypeError, match="columns must be a dictionary of names and types, not 8"):
        ShardedReplay(1, 100, 8, engine="processes")


@pytest.mark.parametrize("options", [{"engine": "threads"}, {"engine": "processes", "n_step": NStep(2)}], ids=str)
def test_what_cannot_be_shared_is_refused(options):
    columns = {"reward": "float32", "terminated": "bool", "truncated": "bool", "next_obs": "float32"}
    with pytest.raises(ValueError, match='shared_rows must be None or False with the engine "threads" or with n_step'):
        ShardedReplay(2, 100, columns, shared_rows=True, **options)
    with pytest.raises(TypeError, match="shared_rows must be True, False or None, not 'yes'"):
        ShardedReplay(2, 100, columns, shared_rows="yes", **options)


def test_a_refused_chunk_changes_nothing():
    with ShardedReplay(1, 20, COLUMNS, engine="processes", shared_rows=True) as replay:
        replay.extend(**transitions(np.arange(20)))
        wrong = transitions(np.arange(20)) | {"obs": {"image": np.zeros((20, 3, 3)), "place": np.zeros((20, 2))}}
        with pytest.raises(ValueError, match="obs/image"):
            replay.extend(**wrong)
        batch = replay.sample(100)
        check(batch)
        assert set(batch["x"]) == set(range(20))
