"""``add``, which the compiled core does from the arguments themselves: as the same buffer in NumPy does it."""

from __future__ import annotations

import copy
import enum
import gc
import inspect
import pickle
import random
import sys
import weakref

import numpy as np
import pytest

from amper import NStep, ReplayBuffer, Sampler

COLUMNS = {"obs": ("float32", 2), "action": "int16", "reward": "float32", "done": "bool", "next_obs": ("float32", 2)}
LINKED = NStep(2, 0.9, envs=3, terminated="done", truncated=None, following=("next_obs",))


def transition(chance: random.Random) -> dict[str, object]:
    values = {
        "obs": np.float32([chance.random(), 1]),
        "action": chance.choice([chance.randrange(-100, 100), np.int16(7), np.array(3, np.int16)]),
        "reward": chance.choice([chance.random(), 1, np.float32(0.5)]),
        "done": chance.choice([chance.random() < 0.3, np.bool_(True)]),
        "next_obs": chance.choice([np.float32([2, chance.random()]), [1.0, 2.0], np.arange(4, dtype="f")[::2]]),
    }
    names = list(values)
    chance.shuffle(names)
    return {name: values[name] for name in names}


def spoilt(chance: random.Random, values: dict[str, object]) -> dict[str, object]:
    """Something that is refused."""
    name = chance.choice(list(COLUMNS))
    changes = [{name: "text"}, {"action": 1 << 20}, {"obs": np.zeros(3, "f")}, {"priority": -1.0}, {"priority": "x"}]
    changes += [{"env": 3}, {"env": "x"}, {"other": 1}, {"reward": 1e60}]
    if chance.random() < 0.2:
        return {other: value for other, value in values.items() if other != name}
    return values | chance.choice(changes)


def outcome(buffer: ReplayBuffer, values: dict[str, object]) -> object:
    try:
        return buffer.add(**values)
    except (TypeError, ValueError) as error:
        return type(error), str(error)


@pytest.mark.parametrize("n_step", [None, LINKED], ids=["one", "steps"])
@pytest.mark.parametrize("seed", range(5))
def test_the_same_as_in_numpy(n_step, seed):
    chance = random.Random(seed)
    ours, naive = (
        ReplayBuffer(7, COLUMNS, Sampler(7, seed=1, compiled=compiled), n_step=n_step, compiled=compiled)
        for compiled in (True, False)
    )
    refused = 0
    for _ in range(200):
        values = transition(chance)
        if chance.random() < 0.4:
            values["priority"] = chance.choice([chance.random(), 0.0, None, np.float64(2.5), 3])
        if n_step is not None and chance.random() < 0.9:
            values["env"] = chance.choice([0, 1, 2, np.int64(1)])
        if chance.random() < 0.3:
            values = spoilt(chance, values)
        results = [outcome(buffer, values) for buffer in (ours, naive)]
        assert results[0] == results[1]
        refused += isinstance(results[0], tuple)
    assert 30 < refused < 150
    np.testing.assert_array_equal(ours.sampler.priorities(), naive.sampler.priorities())
    for name, column in ours.columns.items():
        np.testing.assert_array_equal(column, naive.columns[name])
    first, second = (buffer.sample(50) for buffer in (ours, naive))
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name])


def test_it_is_a_method():
    class Counting(ReplayBuffer):
        added_here = 0

        def add(self, **values: object) -> int:
            self.added_here += 1
            return super().add(**values)

    buffer = Counting(4, {"x": "float32"})
    assert [buffer.add(x=1.0), ReplayBuffer.add(buffer, x=2.0)] == [0, 1]
    assert (buffer.added_here, len(buffer)) == (1, 2)
    assert list(inspect.signature(ReplayBuffer.add).parameters) == ["self", "env", "priority", "transition"]
    assert inspect.isroutine(ReplayBuffer.add)
    assert weakref.ref(ReplayBuffer.add)() is ReplayBuffer.add
    for copied in (pickle.loads(pickle.dumps(ReplayBuffer.add)), copy.deepcopy(ReplayBuffer.add)):
        assert copied is ReplayBuffer.add
    with pytest.raises(TypeError, match="positional"):
        ReplayBuffer(4, {"x": "float32"}).add(1.0)


class Names(enum.StrEnum):
    X = "x"
    PAIR = "pair"


def test_names_of_an_enum():
    buffer = ReplayBuffer(4, {Names.X: "float32", Names.PAIR: ("int8", 2)})
    buffer.add(x=1.0, pair=[1, 2])
    buffer.add(**{Names.X: 2.0, Names.PAIR: [1, 2]})
    buffer.add(**{"".join("x"): 3.0, "".join(["pa", "ir"]): [1, 2]})
    assert buffer.columns["x"].tolist() == [1.0, 2.0, 3.0, 0.0]


def test_a_sampler_that_was_restored_is_the_one_that_stores():
    buffer = ReplayBuffer(4, {"x": "float32"})
    buffer.add(x=1.0)
    buffer.sampler.restore(Sampler(4).state())
    assert len(buffer) == 0
    buffer.add(x=2.0)
    assert len(buffer) == 1


def test_nothing_of_a_call_is_kept():
    buffer = ReplayBuffer(4, COLUMNS)
    obs, after = np.zeros(2, "f"), np.ones(2, "f")
    held = (obs, after, buffer, buffer.sampler, buffer._rows, buffer.sampler.core)
    before = [sys.getrefcount(value) for value in held]
    for _ in range(100):
        buffer.add(obs=obs, action=1, reward=0.5, done=False, next_obs=after)
        with pytest.raises(ValueError, match="action"):
            buffer.add(obs=obs, next_obs=after, reward=0.5, done=False, action=1 << 20)
    gc.collect()
    assert [sys.getrefcount(value) for value in held] == before
