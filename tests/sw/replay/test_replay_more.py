"""Batches without replacement and ahead of time, and buffers of other sizes."""

from __future__ import annotations

import gc
import itertools
import threading

import numpy as np
import pytest

from amper import AmperConfig, Device, NoValidRowError, NStep, ReplayBuffer, Sampler, Sequences

COMPILED = pytest.mark.parametrize("compiled", [True, False])
STEPS = {"x": "int64", "reward": "float64", "next_obs": "int64", "terminated": "bool", "truncated": "bool"}


def step(number: int) -> dict[str, object]:
    over = number % 11 == 10
    return {"x": number, "reward": 1.0, "next_obs": number + 1, "terminated": over, "truncated": False}


def successive(priorities: list[float], batch: int) -> dict[tuple[int, ...], float]:
    """The chance of each order of rows, by the definition: one after the other among those that are left."""
    chances = {}
    for order in itertools.permutations(range(len(priorities)), batch):
        left, chance = sum(priorities), 1.0
        for row in order:
            chance *= priorities[row] / left
            left -= priorities[row]
        chances[order] = chance
    return chances


@COMPILED
@pytest.mark.parametrize("priorities", [[1.0, 2.0, 3.0, 4.0], [1e6, 1.0, 2.0, 1.0]], ids=["even", "one-giant"])
def test_without_replacement(priorities, compiled):
    """Chi-square over all orders of 3 of 4 rows, with and without rows that are put aside meanwhile."""
    sampler = Sampler(4, seed=7, compiled=compiled)
    sampler.extend(priorities)
    times = 3000
    counts: dict[tuple[int, ...], int] = {}
    for _ in range(times):
        rows, weights = sampler.sample_distinct(3)
        counts[tuple(rows.tolist())] = counts.get(tuple(rows.tolist()), 0) + 1
        chosen = np.array(priorities)[rows]
        np.testing.assert_allclose(weights, (chosen.min() / chosen) ** 0.4, rtol=1e-5)
    assert sampler.priorities().tolist() == priorities
    assert sampler.max_priority == max(priorities)
    expected = {order: times * chance for order, chance in successive(priorities, 3).items()}
    statistic = sum((counts.get(order, 0) - n) ** 2 / n for order, n in expected.items() if n > 5)
    freedom = sum(n > 5 for n in expected.values()) - 1
    assert statistic < freedom + 5 * np.sqrt(2 * freedom)


@COMPILED
@pytest.mark.parametrize("mode", ["per", "uniform"])
def test_each_transition_once(mode, compiled):
    buffer = ReplayBuffer(50, STEPS, Sampler(50, mode=mode, seed=1), compiled=compiled)
    for number in range(70):
        buffer.add(**step(number), priority=float(1 + number % 5))
    batch = buffer.sample(50, replace=False)
    assert sorted(batch["x"].tolist()) == list(range(20, 70))
    np.testing.assert_array_equal(batch["indices"], batch["x"])
    tensors = buffer.sample(20, replace=False, tensors=True)
    assert len(set(tensors["x"].tolist())) == 20
    with pytest.raises(
        ValueError, match=r"^batch must be at most the 50 rows with a priority, not 51: each comes once$"
    ):
        buffer.sample(51, replace=False)


@pytest.mark.parametrize("sampler", [Sampler(9, mode="amper-fr"), Device(AmperConfig(rows=9))], ids=["amper", "device"])
def test_modes_that_have_no_chances(sampler):
    sampler.add()
    with pytest.raises(ValueError, match=r"^total needs mode per or uniform, not bit-exact"):
        sampler.sample_distinct(1)


@COMPILED
def test_ahead_of_time(compiled):
    """As many batches as asked for and those ahead, the same ones, in their order."""
    first, second = (ReplayBuffer(50, STEPS, Sampler(50, seed=1), compiled=compiled) for _ in range(2))
    for number in range(50):
        first.add(**step(number))
        second.add(**step(number))
    with first.prefetch(8, ahead=3) as batches:
        for _, batch in zip(range(10), batches, strict=False):
            for name, value in second.sample(8).items():
                np.testing.assert_array_equal(batch[name], value)
    assert [each.name for each in threading.enumerate() if each.name == "amper prefetch"] == []
    with pytest.raises(StopIteration):
        next(batches)
    assert 10 <= first.sampler.core.batches <= 14


def test_what_goes_wrong_ahead_of_time():
    buffer = ReplayBuffer(5, STEPS)
    with buffer.prefetch(2) as batches:
        with pytest.raises(NoValidRowError):
            next(batches)
        with pytest.raises(StopIteration):
            next(batches)
    with pytest.raises(ValueError, match=r"^ahead must be 1 to 1024, not 0$"):
        buffer.prefetch(2, ahead=0)


def test_batches_ahead_that_are_forgotten_end_by_themselves():
    buffer = ReplayBuffer(10, {"x": "int64"})
    buffer.add(x=1)
    next(buffer.prefetch(2))
    thread = next(each for each in threading.enumerate() if each.name == "amper prefetch")
    gc.collect()
    thread.join(timeout=60)
    assert not thread.is_alive()


def filled(rows: int, count: int, compiled: bool, seed: int = 1, **options) -> ReplayBuffer:
    buffer = ReplayBuffer(rows, STEPS, Sampler(rows, seed=seed, compiled=compiled), compiled=compiled, **options)
    for number in range(count):
        buffer.add(**step(number), env=number % 2 if options else None, priority=float(1 + number % 7))
    buffer.remove([count - 2])
    return buffer


@COMPILED
@pytest.mark.parametrize("count", [13, 20, 47])
@pytest.mark.parametrize("rows", [7, 20, 33])
@pytest.mark.parametrize("way", ["resized", "load"])
@pytest.mark.parametrize(
    "options",
    [{}, {"n_step": NStep(3, gamma=1.0, envs=2)}, {"sequences": Sequences(2, 2, envs=2)}],
    ids=["one", "n", "seq"],
)
def test_another_size(options, way, rows, count, compiled, tmp_path):
    """As if the newest transitions had been stored in a buffer of that size, one by one."""
    buffer = filled(20, count, compiled, **options)
    if way == "resized":
        other = buffer.resized(rows)
    else:
        buffer.save(tmp_path / "saved")
        sampler = Sampler(rows, seed=9, alpha=0.9, compiled=compiled)
        other = ReplayBuffer(rows, STEPS, sampler, compiled=compiled, **options)
        other.load(tmp_path / "saved", adapt=True)
    kept = min(count, 20, rows)
    for more in range(5):
        given = {**step(count + more), "env": (count + more) % 2 if options else None}
        assert other.add(**given) == count + more
        assert buffer.add(**given) == count + more
    kept = min(kept + 5, rows)
    batch = other.sample(3000)
    held = {number for number in range(count + 5 - kept, count + 5) if number != count - 2}
    assert set(batch["indices"].tolist()) == held
    assert other.rows == rows
    both = sorted(held & set(range(max(0, count + 5 - 20), count + 5)))
    oldest = max(count + 5 - kept, count + 5 - min(count + 5, 20))
    for t in both:
        one, two = (only(each, t) for each in (buffer, other))
        if "sequences" in options:  # one of them may have steps that the other has lost
            one = {name: value[..., 2:] if name in ("x", "mask") else value for name, value in one.items()}
            two = {name: value[..., 2:] if name in ("x", "mask") else value for name, value in two.items()}
            one.pop("steps"), two.pop("steps")
        for name in ("x", "next_obs", "reward", *([] if "sequences" not in options else ["mask"])):
            if not ("sequences" in options and name in ("next_obs", "reward")):
                np.testing.assert_array_equal(one[name], two[name], err_msg=f"{name} of {t}, oldest {oldest}")
    other.update_errors(batch["indices"], np.ones(3000))
    assert other.dropped == 0


def only(buffer: ReplayBuffer, t: int) -> dict[str, np.ndarray]:
    """The batch of transition t."""
    priorities = buffer.sampler.priorities()
    row = t % buffer.rows
    others = [other for other in np.flatnonzero(priorities) if other != row]
    buffer.sampler.remove(np.array(others, np.int64))
    batch = buffer.sample(1)
    buffer.sampler.write(np.array(others, np.int64), priorities[others].astype(float))
    return batch


def test_random_words_go_on_in_another_size():
    buffer = filled(20, 47, True)
    other = buffer.resized(20)
    assert other.sample(30)["indices"].tolist() == buffer.sample(30)["indices"].tolist()


def test_errors_of_other_sizes(tmp_path):
    buffer = filled(20, 13, True)
    with pytest.raises(ValueError, match=r"^rows must be 1 to 268435456, not 0$"):
        buffer.resized(0)
    with pytest.raises(ValueError, match=r"^a bit-exact sampler keeps its 5 rows, and cannot have 9$"):
        ReplayBuffer(5, STEPS, Sampler(5, bit_exact=True)).resized(9)
    with pytest.raises(TypeError, match=r"^resized needs a Sampler, not Device$"):
        ReplayBuffer(5, STEPS, Device(AmperConfig(rows=5))).resized(9)
    buffer.save(tmp_path / "saved")
    other = ReplayBuffer(20, {"x": "int64"})
    with pytest.raises(ValueError, match="must be of a buffer with columns"):
        other.load(tmp_path / "saved", adapt=True)
    with pytest.raises(ValueError, match="must be of a buffer with rows 9, not 20"):
        ReplayBuffer(9, STEPS).load(tmp_path / "saved")
