"""The ratio of draws to inserts of a sharded replay is kept, whichever process inserts."""

from __future__ import annotations

import multiprocessing
import threading
import time

import numpy as np
import pytest

from amper import NoValidRowError, RateLimiter
from amper.distributed import ShardedReplay
from amper.distributed.shard import ShardLostError

COLUMNS = {"x": "int64"}
CHUNK, IN_FLIGHT = 10, 2


def _write(writer, count: int) -> None:
    with writer:
        for number in range(count):
            writer.add(x=number)


def settled(replay: ShardedReplay) -> int:
    """Transitions that the shards have, when writers have stopped."""
    last, since = -1, time.monotonic()
    while time.monotonic() - since < 0.5:
        replay._shards.look()
        if replay._shards.added != last:
            last, since = replay._shards.added, time.monotonic()
        time.sleep(0.02)
    return last


@pytest.mark.parametrize(("engine", "writers"), [("processes", 2), ("ray", 1), ("threads", 2)])
def test_writers_wait_for_draws_and_draws_for_inserts(engine, writers):
    limiter = RateLimiter(samples_per_insert=4, min_size=100, tolerance=200)
    beyond = writers * 2 * CHUNK * (IN_FLIGHT + 1)  # chunks of each writer in flight, to each shard
    with ShardedReplay(2, 1000, COLUMNS, engine=engine, limiter=limiter) as replay:
        sent = [replay.writer(chunk=CHUNK, in_flight=IN_FLIGHT) for _ in range(writers)]
        if engine != "processes":  # and a writer on Ray is used by who has joined its cluster
            started = [threading.Thread(target=_write, args=(writer, 400)) for writer in sent]
        else:
            context = multiprocessing.get_context("spawn")
            started = [context.Process(target=_write, args=(writer, 400)) for writer in sent]
        for each in started:
            each.start()
        drawn = 0
        while drawn < 4 * (writers * 400 - 100) - 200:
            assert replay.sample(50)["x"].size == 50
            drawn += 50
            assert 4 * (limiter.inserted - 100) - drawn >= -200 - 50  # as it was known before the draw
            if drawn in (50, 1000):
                inserted = settled(replay)
                assert 100 + (drawn + 200) / 4 - 2 * CHUNK <= inserted <= 100 + (drawn + 200) / 4 + beyond
        for each in started:
            each.join()
        assert settled(replay) == writers * 400


def test_what_the_learner_stores_does_not_wait():
    with ShardedReplay(2, 1000, COLUMNS, limiter=RateLimiter(1, min_size=10, tolerance=20)) as replay:
        for _ in range(10):
            replay.extend(x=np.arange(50))
        assert len(replay) == 500
        for _ in range(25):
            replay.sample(20)
        with pytest.raises(ValueError, match="tolerance must be at least 21 for batches of 21, not 20"):
            replay.sample(21)


def test_a_shard_that_is_lost_had_its_inserts():
    """They count: else draws would wait for ever."""
    limiter = RateLimiter(1, min_size=10, tolerance=100)
    with ShardedReplay(2, 1000, COLUMNS, engine="processes", limiter=limiter) as replay:
        replay.extend(x=np.arange(200))
        replay.extend(x=np.arange(200))
        replay.sample(10)
        replay._shards._shards[0][0].kill()
        for _ in range(4):
            assert replay.sample(90)["x"].size == 90
        assert (limiter.inserted, limiter.drawn, replay.metrics()["lost_shards"]) == (400, 370, 1)


def test_what_a_file_had_was_not_inserted(tmp_path):
    """Else draws wait for ever after an older file was read, and writers after a larger one."""
    limiter = RateLimiter(1, min_size=10, tolerance=50)
    limiter.inserted, limiter.drawn = 5, 5000  # of another replay
    with ShardedReplay(2, 1000, COLUMNS, limiter=limiter) as replay:
        replay.extend(x=np.arange(200))
        replay.save(tmp_path / "older")
        replay.extend(x=np.arange(400))
        for _ in range(11):
            replay.sample(50)
        replay.save(tmp_path / "larger")
        replay.load(tmp_path / "older")
        assert replay.sample(50)["x"].size == 50
        assert (limiter.inserted, limiter.drawn, len(replay)) == (600, 600, 200)
    limiter = RateLimiter(1, min_size=10, tolerance=50)
    with ShardedReplay(2, 1000, COLUMNS, limiter=limiter) as replay:
        replay.load(tmp_path / "larger")
        assert len(replay) == 600
        with replay.writer(chunk=10) as writer:  # waits for no draw
            for number in range(50):
                writer.add(x=number)
        replay.sample(50)
        assert (limiter.inserted, limiter.drawn) == (50, 50)


def test_a_draw_that_fails_does_not_count():
    limiter = RateLimiter(1, min_size=10, tolerance=50)
    with ShardedReplay(1, 100, COLUMNS, engine="processes", limiter=limiter, restart=True) as replay:
        replay.extend(x=np.arange(20))
        assert len(replay) == 20
        replay._shards._shards[0][0].kill()
        with pytest.raises(NoValidRowError):
            replay.sample(30)
        assert (limiter.inserted, limiter.drawn) == (20, 0)


def test_a_writer_that_waits_when_the_replay_is_closed():
    with ShardedReplay(2, 100, COLUMNS, limiter=RateLimiter(1, min_size=1, tolerance=1)) as replay:
        writer = replay.writer(chunk=1)
        refused = []

        def write() -> None:
            try:
                for number in range(50):
                    writer.add(x=number)
            except ShardLostError as error:
                refused.append(error)

        started = threading.Thread(target=write)
        started.start()
        settled(replay)
    started.join(60)
    assert len(refused) == 1


def test_no_limiter():
    with pytest.raises(TypeError, match="limiter must be a RateLimiter or None, not 8"):
        ShardedReplay(2, 1000, COLUMNS, limiter=8)
