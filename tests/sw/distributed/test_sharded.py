"""A sharded replay draws as one buffer would, whatever engine its shards are in, and outlives shards."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from amper import NoValidRowError, NStep
from amper.distributed import ShardedReplay
from amper.distributed.engines.ray import MeasuredShard
from amper.distributed.shard import Shard, ShardLostError, ShardSpec

COLUMNS = {"x": "int64", "obs": {"a": ("float32", 2)}}
SIZES = (10, 200, 37, 1)  # rows of the four shards


def transitions(numbers: np.ndarray) -> dict[str, object]:
    return {"x": numbers, "obs": {"a": np.repeat(numbers[:, None], 2, axis=1).astype(np.float32)}}


def unequal(replay: ShardedReplay) -> np.ndarray:
    """Fill the shards unequally; the priorities by x."""
    priorities = np.random.default_rng(5).lognormal(0, 1.5, sum(SIZES))
    start = 0
    for shard, size in enumerate(SIZES):
        with replay.writer(shard) as writer:
            numbers = np.arange(start, start + size)
            writer.extend(**transitions(numbers), priority=priorities[numbers])
        start += size
    return priorities


@pytest.fixture(params=["threads", "processes", "ray"])
def engine(request) -> str:
    return request.param


@pytest.fixture
def replay(engine) -> Iterator[ShardedReplay]:
    with ShardedReplay(4, 1000, COLUMNS, engine=engine, seed=3) as made:
        yield made


def test_exact_over_unequal_shards(replay):
    """Chi-square over all rows; the shards hold 4, 81, 15 and 0.4 percent of them."""
    priorities = unequal(replay)
    wanted = priorities / priorities.sum()
    size = 100_000
    drawn = replay.sample_many(10, size // 10)
    counts = np.bincount(np.concatenate([batch["x"] for batch in drawn]), minlength=wanted.size)
    expected = size * wanted
    common = expected >= 5
    statistic = ((counts[common] - expected[common]) ** 2 / expected[common]).sum()
    freedom = int(common.sum()) - 1
    assert freedom > 200
    assert abs(statistic - freedom) < 5 * np.sqrt(2 * freedom)  # fails once in a million
    for batch in drawn:
        chance = wanted[batch["x"]]
        np.testing.assert_allclose(batch["weights"], (chance.min() / chance) ** 0.4, rtol=1e-5)
        np.testing.assert_array_equal(batch["obs"]["a"][:, 1], batch["x"])


def test_updates_go_with_the_next_draw(replay):
    unequal(replay)
    batch = replay.sample(64)
    everything = np.concatenate([replay.sample(5000)["indices"] for _ in range(3)])
    replay.update(np.unique(everything), np.full(np.unique(everything).size, 1e-6))
    chosen = batch["indices"][:1]
    replay.update_errors(chosen, [1e6])
    replay.flush()
    after = replay.sample(300)
    assert set(after["indices"].tolist()) == set(chosen.tolist())
    assert set(after["x"].tolist()) == set(batch["x"][:1].tolist())


def test_many_updates_are_few_arrays_in_their_order(monkeypatch):
    """Each array costs a request something, however short it is."""
    sent = []

    def exchange(shard, updates, *rest, original=Shard._exchange):
        sent.append([(*(column.tolist() for column in update[:2]), update[2]) for update in updates])
        return original(shard, updates, *rest)

    monkeypatch.setattr(Shard, "_exchange", exchange)
    with ShardedReplay(1, 20, COLUMNS, alpha=1.0, eps=1.0) as replay:
        replay.extend(**transitions(np.arange(10)))
        replay.flush()
        for index in range(10):
            replay.update([index], [index / 4])
        replay.update([3, 5], [7.0, 0.0])
        replay.update_errors([5], [-2.0])
        replay.update_errors([6, 7], [0.0, 1.0])
        replay.update([7], [9.0])
        replay.flush()
        first = [*range(10), 3, 5], [*(index / 4 for index in range(10)), 7.0, 0.0], False
        assert sent == [[], [first, ([5, 6, 7], [-2.0, 0.0, 1.0], True), ([7], [9.0], False)]]
        priorities = np.array([0, 0.25, 0.5, 7, 1, 3, 1, 9, 2, 2.25])
        batch = replay.sample(1000, beta=1.0)
        np.testing.assert_allclose(batch["weights"], priorities[batch["x"]].min() / priorities[batch["x"]], rtol=1e-5)
        assert set(batch["x"].tolist()) == set(range(1, 10))


def test_late_updates_are_dropped():
    with ShardedReplay(2, 20, COLUMNS) as replay:
        replay.extend(**transitions(np.arange(10)))
        old = replay.sample(40)["indices"]
        for start in (10, 20, 30):
            replay.extend(**transitions(np.arange(start, start + 10)))
        replay.update_errors(old, np.ones(40))
        replay.flush()
        assert replay.dropped == 40
        assert len(replay) == 20
        with pytest.raises(ValueError, match=r"^indices must be such as sample gave, not -1$"):
            replay.update([-1], [1.0])
        with pytest.raises(ValueError, match=r"^indices and new values must be of one length, not 1 and 2$"):
            replay.update([1], [1.0, 2.0])


def test_weights_know_the_chance_that_was_used():
    """Masses that are out of date change how often a shard is asked, and the weights with it."""
    with ShardedReplay(2, 20, COLUMNS, seed=1) as replay:
        for shard, priority in enumerate([1.0, 3.0]):
            with replay.writer(shard) as writer:
                numbers = np.arange(shard * 4, shard * 4 + 4)
                writer.extend(**transitions(numbers), priority=np.full(4, priority))
        assert len(replay) == 8  # which asks for the masses: 4 and 12
        with replay.writer(0) as writer:
            writer.extend(**transitions(np.arange(100, 104)), priority=np.full(4, 9.0))
        batch = replay.sample(20_000, beta=1.0)
        chance = np.where(batch["x"] >= 100, 0.25 * 9 / 40, np.where(batch["x"] < 4, 0.25 / 40, 0.75 / 4))
        np.testing.assert_allclose(batch["weights"], chance.min() / chance, rtol=1e-5)
        assert np.mean(batch["x"] // 4 == 1) == pytest.approx(0.75, abs=0.02)
        assert np.mean(replay.sample(20_000)["x"] // 4 == 1) == pytest.approx(12 / 52, abs=0.02)  # known by now


def _write(writer, first: int, count: int) -> None:
    with writer:
        for number in range(first, first + count):
            writer.add(**{"x": number, "obs": {"a": [number, number]}})


def test_writers_in_other_processes():
    with ShardedReplay(2, 4000, COLUMNS, engine="processes") as replay:
        context = multiprocessing.get_context("spawn")
        writers = [context.Process(target=_write, args=(replay.writer(chunk=50), i * 1000, 730)) for i in range(2)]
        for process in writers:
            process.start()
        for process in writers:
            process.join()
            assert process.exitcode == 0
        assert len(replay) == 1460
        seen = {number for batch in replay.sample_many(10, 2000) for number in batch["x"].tolist()}
        assert seen == {*range(730), *range(1000, 1730)}


def test_a_chunk_that_cannot_be_sent_costs_no_shard_and_processes_end_with_the_last_reference():
    replay = ShardedReplay(1, 100, COLUMNS, engine="processes")
    writer = replay.writer()
    with pytest.raises((AttributeError, TypeError, pickle.PicklingError)):
        writer.extend(**transitions(np.arange(1)) | {"x": [lambda: 0]})
    writer.extend(**transitions(np.arange(5)))
    writer.close()
    assert len(replay) == 5
    number = replay._shards._shards[0][0].pid
    held = [replay]
    del replay
    with pytest.warns(ResourceWarning, match=f"subprocess {number} is still running"):
        held.clear()
    with suppress(ChildProcessError):  # another test's process was started meanwhile, and this one waited for
        os.waitpid(number, 0)  # would wait for ever


def test_a_writer_of_a_closed_replay():
    with ShardedReplay(1, 100, COLUMNS) as replay:
        writer = replay.writer()
    with pytest.raises(ShardLostError, match="all of its shards are gone"):
        writer.extend(**transitions(np.arange(5)))


def _write_for_ever(writer) -> None:
    number = 0
    while True:
        writer.add(**{"x": number, "obs": {"a": [number, number]}})
        number += 1


def test_a_writer_that_is_killed_costs_only_its_latest_chunks():
    with ShardedReplay(1, 100_000, COLUMNS, engine="processes") as replay:
        writer = multiprocessing.get_context("spawn").Process(
            target=_write_for_ever, args=(replay.writer(chunk=10),), daemon=True
        )
        writer.start()
        while len(replay) < 200:
            time.sleep(0.01)
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        replay.extend(**transitions(np.full(5, -1)))
        seen = replay.sample(20_000)["x"]
        assert len(replay) % 10 == 5  # whole chunks of the writer's, some of them still under way
        assert set(seen.tolist()) <= {-1, *range(len(replay))}


@pytest.mark.parametrize("restart", [False, True])
def test_a_shard_that_is_killed(restart):
    with ShardedReplay(4, 1000, COLUMNS, engine="processes", seed=3, restart=restart) as replay:
        priorities = unequal(replay)
        writer = replay.writer(chunk=1)
        before = replay.sample(500)
        process = replay._shards._shards[1][0]
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        replay.update_errors(before["indices"], np.ones(500))  # 200 rows of them are gone
        after = replay.sample(2000)
        lost = (before["x"] >= 10) & (before["x"] < 210)
        assert not ((after["x"] >= 10) & (after["x"] < 210)).any()
        metrics = replay.metrics()
        assert (metrics["lost_shards"], metrics["lost_rows"]) == (1, 200)
        assert metrics["living"] == (4 if restart else 3)
        assert metrics["lost_updates"] == lost.sum()
        for number in range(1000, 1012):
            writer.add(**{"x": number, "obs": {"a": [0, 0]}})
        writer.close()
        assert writer.lost <= 2
        assert len(replay) == 48 + 12 - writer.lost
        replay.extend(**transitions(np.arange(5)))
        assert len(replay) == 48 + 17 - writer.lost
        if restart:  # the new shard's rows have other indices than the old one's had
            with replay.writer(1) as own:
                own.extend(**transitions(np.arange(3000, 3300)))
            numbers = replay.sample_many(4, 1000)
            again = np.concatenate([batch["indices"][batch["x"] >= 3000] for batch in numbers])
            assert again.size > 0
            assert not set(again.tolist()) & set(before["indices"].tolist())
            replay.update_errors(before["indices"], np.ones(500))
            assert replay.metrics()["lost_updates"] == 2 * lost.sum()
        assert priorities.size == 248


def test_shards_end_with_their_process():
    """Also where it is killed."""
    program = (
        "from amper.distributed import ShardedReplay\n"
        "replay = ShardedReplay(1, 5, {'x': 'int64'}, engine='processes')\n"
        "print(replay._shards._shards[0][0].pid, flush=True)\n"
        "input()"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    shard = int(process.stdout.readline())
    assert _runs(shard)
    process.kill()
    process.communicate()
    while _runs(shard):  # or the test's time is over
        time.sleep(0.01)


def _runs(process: int) -> bool:
    """Whether it is there, and not only waits for somebody to ask how it ended."""
    state = Path(f"/proc/{process}/stat")
    return state.exists() and state.read_text().split(")")[-1].split()[0] != "Z"


def test_no_shard_is_left():
    with ShardedReplay(1, 10, COLUMNS, engine="processes") as replay:
        with pytest.raises(NoValidRowError, match=r"^sample needs at least one transition, and no shard has one"):
            replay.sample(1)
        replay.extend(**transitions(np.arange(5)))
        process = replay._shards._shards[0][0]
        process.kill()
        process.wait()
        with pytest.raises(ShardLostError, match=r" needs a shard, and all 1 are gone$"):
            replay.sample(1)


def test_saved_and_loaded(replay, tmp_path, engine):
    unequal(replay)
    replay.sample(5)
    replay.save(tmp_path)
    with ShardedReplay(4, 1000, COLUMNS, engine=engine, seed=3) as again:
        again.load(tmp_path)
        first, second = replay.sample(100), again.sample(100)
        for name in ("x", "indices", "weights"):
            np.testing.assert_array_equal(first[name], second[name])
    with ShardedReplay(3, 1000, COLUMNS) as other, pytest.raises(ValueError, match=r"must be of 3 shards, not 4$"):
        other.load(tmp_path)


def test_n_steps_stay_in_a_shard():
    columns = {"reward": "float64", "next_obs": "int64", "terminated": "bool", "truncated": "bool"}
    with ShardedReplay(2, 400, columns, n_step=NStep(3, gamma=1.0)) as replay:
        for start in (0, 1000):
            with replay.writer(chunk=7) as writer:
                for number in range(start, start + 100):
                    writer.add(reward=1.0, next_obs=number, terminated=False, truncated=False)
        batch = replay.sample(500)
        ends = batch["next_obs"] % 1000
        assert ((batch["reward"] == 3) | (ends == 99)).all()


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((0, 10, COLUMNS), {}, ValueError, "shards must be 1 to 1024, not 0"),
        ((4, 3, COLUMNS), {}, ValueError, "rows must be 4 to 274877906944, not 3"),
        ((1, 3, COLUMNS, "amper-fr"), {}, ValueError, "mode must be one of per, uniform, not 'amper-fr'"),
        ((1, 3, COLUMNS), {"engine": "mpi"}, ValueError, "engine must be one of threads, processes, ray, not 'mpi'"),
        ((1, 3, {"x": "object"}), {"engine": "processes"}, TypeError, None),
        ((1, 3, COLUMNS), {"alpha": -1.0}, ValueError, "alpha must be at least 0, not -1.0"),
    ],
)
def test_errors(arguments, options, error, message):
    with pytest.raises(error) as raised:
        ShardedReplay(*arguments, **options)
    assert message is None or str(raised.value) == message


def test_a_shard_on_ray_has_gauges(monkeypatch):
    """Its numbers, once a second at most; Ray exports them where it has what that needs."""
    seen: list[tuple[str, float, dict[str, str]]] = []

    class Gauge:
        def __init__(self, name: str, description: str, tag_keys: tuple[str, ...]) -> None:
            assert description
            self._name, self._keys = name, tag_keys

        def set(self, value: float, tags: dict[str, str]) -> None:
            assert tuple(tags) == self._keys
            seen.append((self._name, value, tags))

    clock = [100.0]
    monkeypatch.setattr("ray.util.metrics.Gauge", Gauge)
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    shard = MeasuredShard(ShardSpec(8, COLUMNS, "per", 7, None, {}))
    shard.request("extend", transitions(np.arange(10)))
    tags = {"seed": "7"}
    assert seen == [
        ("amper_shard_total", 8.0, tags),
        ("amper_shard_held", 8, tags),
        ("amper_shard_added", 10, tags),
        ("amper_shard_dropped", 0, tags),
    ]
    shard.request("look")
    assert len(seen) == 4
    clock[0] += 1
    shard.request("exchange", [(np.array([0, 9]), np.ones(2), False)], 0, np.inf)
    assert seen[4:] == [(name, value + (name == "amper_shard_dropped"), tags) for name, value, _ in seen[:4]]
