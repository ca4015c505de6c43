"""Dictionaries and tuples of observations, against flat columns of the same values."""

from __future__ import annotations

import copy

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from amper import NStep, ReplayBuffer, Sampler, Sequences

OBS = {"image": ("uint8", (2, 3)), "pair": ("float32", ("int64", ())), "deep": {"x": "float32"}}
COLUMNS = {"obs": OBS, "reward": "float32", "next_obs": OBS, "terminated": "bool", "truncated": "bool"}
FLAT = ["image", "pair/0", "pair/1", "deep/x"]
COMPILED = pytest.mark.parametrize("compiled", [True, False])


def observation(number: int) -> dict[str, object]:
    image = np.full((2, 3), number % 251, np.uint8)
    return {"image": image, "pair": (number / 2, number), "deep": {"x": float(number)}}


def transition(number: int) -> dict[str, object]:
    over = number % 7 == 6
    return {
        "obs": observation(number), "reward": number, "next_obs": observation(number + 1), "terminated": over,
        "truncated": False,
    }  # fmt: skip


def stacked(transitions: list[dict[str, object]]) -> object:
    first = transitions[0]
    if isinstance(first, dict):
        return {name: stacked([each[name] for each in transitions]) for name in first}
    if isinstance(first, tuple):
        return tuple(stacked([each[i] for each in transitions]) for i in range(len(first)))
    return np.array(transitions)


def check(obs: dict[str, object], numbers: np.ndarray) -> None:
    assert list(obs) == ["image", "pair", "deep"]
    assert isinstance(obs["pair"], tuple)
    np.testing.assert_array_equal(obs["pair"][1], numbers)
    np.testing.assert_array_equal(obs["pair"][0], numbers / 2)
    np.testing.assert_array_equal(obs["deep"]["x"], numbers)
    assert obs["image"].shape == (numbers.size, 2, 3)
    np.testing.assert_array_equal(obs["image"][:, 1, 2], numbers % 251)


@COMPILED
def test_they_come_as_they_went(compiled):
    buffer = ReplayBuffer(20, COLUMNS, Sampler(20, seed=1), compiled=compiled)
    for number in range(9):
        buffer.add(**transition(number))
    buffer.extend(**stacked([transition(number) for number in range(9, 33)]))
    batch = buffer.sample(40)
    check(batch["obs"], batch["indices"])
    check(batch["next_obs"], batch["indices"] + 1)
    kept = batch["obs"]["deep"]["x"]
    assert buffer.sample(40, out=batch) is batch
    assert batch["obs"]["deep"]["x"] is kept
    check(batch["obs"], batch["indices"])
    tensors = buffer.sample(5, tensors=True)
    check({**tensors["obs"], "image": tensors["obs"]["image"].numpy()}, tensors["indices"].numpy())
    assert list(buffer.columns)[:4] == [f"obs/{name}" for name in FLAT]
    assert buffer.names == tuple(COLUMNS)


@COMPILED
def test_n_steps(compiled):
    """All of ``next_obs`` comes from the last step."""
    buffer = ReplayBuffer(20, COLUMNS, n_step=NStep(3), compiled=compiled)
    for number in range(20):
        buffer.add(**transition(number))
    batch = buffer.sample(60)
    check(batch["obs"], batch["indices"])
    steps = np.minimum(np.minimum(3, 20 - batch["indices"]), 7 - batch["indices"] % 7)
    check(batch["next_obs"], batch["indices"] + steps)


def test_sequences_and_their_first_step():
    columns = {**COLUMNS, "state": {"h": "float32", "c": "float32"}}
    buffer = ReplayBuffer(20, columns, sequences=Sequences(2, first=("state",)))
    for number in range(7):
        buffer.add(**transition(number), state={"h": number, "c": -number})
    batch = buffer.sample(9)
    np.testing.assert_array_equal(batch["state"]["c"], -batch["indices"])
    np.testing.assert_array_equal(batch["obs"]["pair"][1][:, 0], batch["indices"])


def test_copies_and_files(tmp_path):
    buffer = ReplayBuffer(20, COLUMNS)
    buffer.add(**transition(3))
    buffer.save(tmp_path / "saved")
    again = ReplayBuffer(20, COLUMNS)
    again.load(tmp_path / "saved")
    for other in (again, copy.deepcopy(buffer)):
        check(other.sample(2)["obs"], np.array([3, 3]))


@pytest.mark.parametrize("mode", ["NEXT_STEP", "SAME_STEP"])
@pytest.mark.parametrize("kind", ["dict", "tuple"])
def test_the_writer(kind, mode):
    """Observations are (episode, step), within whatever they lie in."""

    class Counting(gymnasium.Env):
        box = gymnasium.spaces.Box(0, 1000, (2,), np.float32)
        observation_space = (
            gymnasium.spaces.Dict(a=box, b=box) if kind == "dict" else gymnasium.spaces.Tuple((box, box))
        )
        action_space = gymnasium.spaces.Discrete(2)
        episode = -1

        def _obs(self):
            at = np.array([self.episode, self.step_of], np.float32)
            return {"a": at, "b": at + 1} if kind == "dict" else (at, at + 1)

        def reset(self, *, seed=None, options=None):
            self.episode, self.step_of = self.episode + 1, 0
            return self._obs(), {}

        def step(self, action):
            self.step_of += 1
            return self._obs(), 0.0, self.step_of == 3, False, {}

    autoreset = {"autoreset_mode": getattr(gymnasium.vector.AutoresetMode, mode)}
    envs = gymnasium.vector.SyncVectorEnv([Counting, Counting], **autoreset)
    obs = {"a": ("float32", 2), "b": ("float32", 2)} if kind == "dict" else (("float32", 2), ("float32", 2))
    buffer = ReplayBuffer(100, {"obs": obs, "next_obs": obs, "terminated": "bool"})
    writer = buffer.writer(envs)
    writer.reset(envs.reset()[0])
    for _ in range(9):
        writer.add(np.zeros(2, int), *envs.step(np.zeros(2, int)))
    batch = buffer.sample(300)
    for key in batch["obs"] if kind == "dict" else (0, 1):
        before, after = batch["obs"][key], batch["next_obs"][key]
        np.testing.assert_array_equal(after - before, np.tile([0, 1], (300, 1)))
    assert len(buffer) == (18 if mode == "SAME_STEP" else 14)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda b: b.add(**{**transition(1), "obs": 3}),
            TypeError,
            "obs must be a dictionary of image, pair, deep, not int",
        ),
        (
            lambda b: b.add(**{**transition(1), "obs": {"image": 1}}),
            TypeError,
            "obs must be a dictionary of image, pair, deep, not image",
        ),
        (
            lambda b: b.add(**{**transition(1), "next_obs": {**observation(1), "pair": (1.0,)}}),
            TypeError,
            "next_obs/pair must be a tuple of 2, not 1",
        ),
        (
            lambda b: b.add(**{**transition(1), "next_obs": {**observation(1), "pair": (1.0, 2.5)}}),
            TypeError,
            "next_obs/pair/1 must be int64, not float64",
        ),
        (
            lambda b: ReplayBuffer(3, {"a/b": "f4", "a": {"b": "f4"}}),
            ValueError,
            "columns must have different flat names, and two are 'a/b'",
        ),
        (
            lambda b: ReplayBuffer(3, {"weights": {"b": "f4"}}),
            ValueError,
            "columns must not be named discount, env, indices, priority, weights, and one is 'weights'",
        ),
    ],
)
def test_errors(call, error, message):
    buffer = ReplayBuffer(20, COLUMNS)
    with pytest.raises(error) as raised:
        call(buffer)
    assert str(raised.value) == message
    assert len(buffer) == 0


def test_columns_of_gymnasiums_spaces_and_of_arrays():
    """Whatever has a type and a shape; None and a space without either are none."""
    seen = spaces.Dict({"image": spaces.Box(0, 255, (2, 3), np.uint8), "step": spaces.Discrete(4)})
    buffer = ReplayBuffer(3, {"obs": seen, "action": spaces.MultiBinary(5), "state": np.zeros(2, np.float16)})
    found = {name: (column.dtype.name, column.shape[1:]) for name, column in buffer.columns.items()}
    assert found == {
        "obs/image": ("uint8", (2, 3)),
        "obs/step": ("int64", ()),
        "action": ("int8", (5,)),
        "state": ("float16", (2,)),
    }
    buffer.add(obs=seen.sample(), action=np.ones(5, np.int8), state=np.ones(2))
    for none in (None, spaces.Tuple([spaces.Discrete(2)])):
        with pytest.raises(TypeError, match=r"^columns\['x'\] must be a dtype or \(dtype, shape\), not "):
            ReplayBuffer(3, {"x": none})
