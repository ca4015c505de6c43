"""Nothing waits for ever for shards or writers that do not answer, and what was lost with a shard is known."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from amper import RateLimiter
from amper.distributed import ShardedReplay, ShardWriter
from amper.distributed.engines.engine import Channel
from amper.distributed.engines.ray import RayChannel
from amper.distributed.shard import ShardLostError

COLUMNS = {"x": "int64"}
WITHIN = 0.2  # seconds


def shard_process(replay: ShardedReplay, shard: int) -> int:
    made = replay._shards._shards[shard][0]
    if isinstance(made, subprocess.Popen):
        return made.pid
    import ray

    return ray.get(made.__ray_call__.remote(lambda _: os.getpid()))


def state(process: int) -> str:
    """As ``ps`` has it: T is stopped, Z waits for somebody to ask how it ended; nothing: it is not there."""
    path = Path(f"/proc/{process}/stat")
    return path.read_text().split(")")[-1].split()[0] if path.exists() else ""


def runs(process: int) -> bool:
    return state(process) not in ("", "Z")


def stop(process: int) -> None:
    os.kill(process, signal.SIGSTOP)
    while state(process) != "T":  # its threads stop one after the other
        time.sleep(0.001)


def bounded(replay: ShardedReplay, shard: int) -> Channel:
    """A new channel to a shard that is stopped; only its answers are not waited for, however slow the machine is."""
    shards = replay._shards
    return shards._engine.channel(shards._shards[shard], WITHIN)


@pytest.mark.parametrize("engine", ["processes", "ray", "ray alone"])
def test_a_shard_that_does_not_answer_is_lost(engine, monkeypatch):
    if engine == "ray alone":  # as on another machine
        monkeypatch.setattr(RayChannel, "_open", lambda channel: setattr(channel, "_is_open", True))
    with ShardedReplay(2, 1000, COLUMNS, engine=engine.removesuffix(" alone"), seed=3) as replay:
        for start in (0, 100):
            replay.extend(x=np.arange(start, start + 100))
        writer = replay.writer(chunk=1)
        assert set(replay.sample(200)["x"] < 100) == {True, False}
        process = shard_process(replay, 0)
        stop(process)
        writer._channels[1] = bounded(replay, 0)  # the second writer begins with the other shard
        replay._shards._channels[0] = bounded(replay, 0)
        try:
            assert set(replay.sample(200)["x"] < 100) == {False}
            assert replay.metrics()["lost_shards"] == 1
            for number in range(200, 210):
                writer.add(x=number)
            writer.wait()
            assert writer.lost <= 2
            assert len(replay) == 110 - writer.lost
            if engine == "processes":
                assert not runs(process)
        finally:
            if runs(process):
                os.kill(process, signal.SIGCONT)


def test_a_shard_that_is_stopped_when_the_replay_is_closed():
    with ShardedReplay(1, 10, COLUMNS, engine="processes") as replay:
        process = shard_process(replay, 0)
        stop(process)
    assert not runs(process)


def test_a_shard_that_is_stopped_before_a_writer_connects():
    with ShardedReplay(1, 10, COLUMNS, engine="processes") as replay:
        writer = replay.writer()
        stop(shard_process(replay, 0))
        writer._channels = [bounded(replay, 0)]
        with pytest.raises(ShardLostError):
            writer.extend(x=np.arange(5))
        assert writer.lost == 5


def test_more_than_a_socket_holds_for_a_shard_that_is_stopped():
    with ShardedReplay(1, 10, COLUMNS, engine="processes", answer_within=2) as replay:
        writer = replay.writer()
        writer.extend(x=np.arange(5))
        writer.wait()
        stop(shard_process(replay, 0))
        with pytest.raises(ShardLostError):
            writer.extend(x=np.arange(1 << 20))


def test_draws_and_inserts_that_wait_in_vain():
    limiter = RateLimiter(1, min_size=10, tolerance=20)
    with ShardedReplay(2, 1000, COLUMNS, limiter=limiter) as replay:
        with pytest.raises(TimeoutError, match=r"^waited 0.01 s to draw 5, after 0 inserts and 0 draws$"):
            replay.sample(5, timeout=0.01)
        writer = replay.writer(chunk=2, timeout=0.01)
        stored = _add_until_refused(writer)
        for _ in range(2):  # what was refused was not kept
            with pytest.raises(TimeoutError, match=r"^waited 0.01 s to insert, and every shard waits for more draws$"):
                writer.add(x=stored)
        assert replay.sample(20, timeout=0)["x"].size == 20
        for number in range(stored, stored + 10):
            writer.add(x=number)
        writer.close()
        assert len(replay) == stored + 10
    with pytest.raises(ValueError, match=r"^timeout must be at least 0, not -1$"):
        replay.sample(5, timeout=-1)
    with pytest.raises(ValueError, match=r"^answer_within must be above 0, or None$"):
        ShardedReplay(1, 10, COLUMNS, answer_within=0)


def _add_until_refused(writer: ShardWriter) -> int:
    for number in range(1000):
        try:
            writer.add(x=number)
        except TimeoutError:
            return number
    raise AssertionError("1000 transitions waited for nothing")


def test_what_a_shard_was_given_before_it_was_lost_is_counted():
    """Also what the learner had not heard of, where rows are shared."""
    limiter = RateLimiter(1, min_size=10, tolerance=1000)
    with ShardedReplay(2, 100, COLUMNS, engine="processes", limiter=limiter, shared_rows=True) as replay:
        replay.extend(x=np.arange(10))
        replay.extend(x=np.arange(10))
        replay.sample(10)
        for shard, count in ((0, 70), (1, 30)):
            with replay.writer(shard) as writer:
                writer.extend(x=np.arange(count))
        replay._shards._shards[0][0].kill()
        replay.sample(10)
        assert (limiter.inserted, replay.metrics()["lost_rows"]) == (20, 50)  # as it was known before the draw
        replay.sample(10)
        assert limiter.inserted == 120


def test_extend_loses_nothing_with_a_shard():
    with ShardedReplay(3, 600, COLUMNS, engine="processes", shared_rows=False) as replay:
        replay.extend(x=np.arange(10))
        for shard in (1, 2):
            replay._shards._shards[shard][0].kill()
        for start in range(10, 60, 10):
            replay.extend(x=np.arange(start, start + 10))
        assert len(replay) == 60
        replay._shards._shards[0][0].kill()
        with pytest.raises(ShardLostError):
            replay.extend(x=np.arange(10))


PROGRAM = """
import os, sys, time
from amper.distributed import ShardedReplay
replay = ShardedReplay(1, 5, {'x': 'int64'}, engine='processes')
if (child := os.fork()) == 0:  # has all that its parent has, and outlives it
    replay.close()
    time.sleep(600)
replay.extend(x=[1, 2])
time.sleep(0.2)
print(replay._shards._shards[0][0].pid, child, len(replay), flush=True)
input()
"""


def test_a_fork_of_the_learner_neither_ends_nor_keeps_shards_and_nothing_is_left_of_them(tmp_path):
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    learner = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    )
    shard, child, held = map(int, learner.stdout.readline().split())
    try:
        assert held == 2
        assert runs(shard)
        learner.kill()
        learner.wait()  # its output does not end: the child has it, too
        learner.stdin.close()
        learner.stdout.close()
        while runs(shard):  # or the test's time is over
            time.sleep(0.02)
        assert runs(child)
        assert list(tmp_path.iterdir()) == []
    finally:
        os.kill(child, signal.SIGKILL)
