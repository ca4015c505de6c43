"""n-step transitions against episodes kept apart: at their ends, at the newest transition, at the end of the ring."""

from __future__ import annotations

import re

import numpy as np
import pytest

from amper import NStep, ReplayBuffer

COLUMNS = {
    "obs": "int64",
    "reward": "float64",
    "next_obs": "int64",
    "terminated": "bool",
    "truncated": "bool",
}
COMPILED = pytest.mark.parametrize("compiled", [True, False])


class Episodes:
    """Environments that are played at random; transition number i, of all, has ``obs`` i."""

    def __init__(self, rng: np.random.Generator, envs: int) -> None:
        self.rng = rng
        self.envs = envs
        self.made: list[dict] = []

    def step(self, env: int) -> dict:
        number = len(self.made)
        terminated, truncated = self.rng.random(2) < [0.15, 0.1]
        self.made.append(
            {
                "env": env,
                "obs": number,
                "reward": float(self.rng.normal()),
                "next_obs": -number,
                "terminated": bool(terminated),
                "truncated": bool(truncated),
            }
        )
        return self.made[-1]

    def expected(self, number: int, n: int, gamma: float) -> dict:
        """The n-step transition from ``number`` on, by its definition."""
        env = self.made[number]["env"]
        path = [one for one in self.made[number:] if one["env"] == env][:n]
        ends = [i for i, one in enumerate(path) if one["terminated"] or one["truncated"]]
        path = path[: ends[0] + 1] if ends else path
        last = path[-1]
        return {
            "obs": number,
            "reward": sum(gamma**k * one["reward"] for k, one in enumerate(path)),
            "next_obs": last["next_obs"],
            "terminated": last["terminated"],
            "truncated": last["truncated"],
            "discount": gamma ** len(path),
        }

    def check(self, buffer: ReplayBuffer, n: int, gamma: float) -> int:
        """Compare a batch of all rows; returns how many transitions were cut short by the newest."""
        batch = buffer.sample(4 * buffer.rows)
        short = 0
        for number, i in zip(*np.unique(batch["obs"], return_index=True), strict=True):
            expected = self.expected(int(number), n, gamma)
            for name, value in expected.items():
                exact = name not in ("reward", "discount")
                assert batch[name][i] == (value if exact else pytest.approx(value, rel=1e-6, abs=1e-9)), name
            ended = expected["terminated"] or expected["truncated"]
            short += not ended and expected["discount"] > gamma**n * 1.01
        return short


def plain(transition: dict) -> dict:
    return {name: value for name, value in transition.items() if name != "env"}


@COMPILED
@pytest.mark.parametrize("n", [1, 2, 3, 7, 40])
@pytest.mark.parametrize("rows", [1, 5, 33])
def test_one_environment(compiled, n, rows):
    """Before and after the ring is full, with ``add`` and ``extend`` mixed."""
    rng = np.random.default_rng([n, rows])
    episodes = Episodes(rng, 1)
    buffer = ReplayBuffer(rows, COLUMNS, n_step=NStep(n, 0.9), compiled=compiled)
    short = 0
    for _ in range(30):
        if rng.random() < 0.5:
            buffer.add(**plain(episodes.step(0)))
        else:
            steps = [plain(episodes.step(0)) for _ in range(rng.integers(1, rows + 1))]
            buffer.extend(**{name: [step[name] for step in steps] for name in COLUMNS})
        short += episodes.check(buffer, n, 0.9)
    assert (short > 0) == (n > 1)


@COMPILED
@pytest.mark.parametrize("n", [2, 5])
@pytest.mark.parametrize("envs", [2, 4, 9])
@pytest.mark.parametrize("rows", [10, 47])
def test_interleaved_environments(compiled, n, envs, rows):
    """In whole steps, and in any order; one of them rests until its newest transition was overwritten."""
    rng = np.random.default_rng([n, envs, rows])
    episodes = Episodes(rng, envs)
    buffer = ReplayBuffer(rows, COLUMNS, n_step=NStep(n, 0.9, envs=envs), compiled=compiled)
    for turn in range(60):
        kind = rng.integers(3)
        playing = envs if turn % 20 > 15 or envs < 3 else envs - 1
        if kind == 0:
            env = int(rng.integers(playing))
            buffer.add(env=env, **plain(episodes.step(env)))
            episodes.check(buffer, n, 0.9)
            continue
        if kind == 1 and playing == envs:
            env_of = np.tile(np.arange(envs), rows // envs)
        else:
            env_of = rng.integers(playing, size=int(rng.integers(1, rows + 1)))
        steps = [plain(episodes.step(int(env))) for env in env_of]
        named = {} if kind == 1 and playing == envs else {"env": env_of}
        buffer.extend(**named, **{name: [step[name] for step in steps] for name in COLUMNS})
        episodes.check(buffer, n, 0.9)


@COMPILED
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_other_names_and_no_truncated(compiled, dtype):
    columns = {"s": "int64", "r": dtype, "s2": "int64", "hidden": ("float32", 2), "done": "bool"}
    step = NStep(2, 0.5, reward="r", terminated="done", truncated=None, following=["s2", "hidden"])
    buffer = ReplayBuffer(10, columns, n_step=step, compiled=compiled)
    for i in range(4):
        buffer.add(s=i, r=10.0**i, s2=i + 1, hidden=np.full(2, i, np.float32), done=i == 2)
    batch = buffer.sample(100)
    assert batch["r"].dtype == dtype
    rows = [np.flatnonzero(batch["indices"] == row)[0] for row in range(4)]
    assert batch["r"][rows].tolist() == [6.0, 60.0, 100.0, 1000.0]
    assert batch["s2"][rows].tolist() == [2, 3, 3, 4]
    assert batch["hidden"][rows, 1].tolist() == [1.0, 2.0, 2.0, 3.0]
    assert batch["done"][rows].tolist() == [False, True, True, False]
    assert batch["discount"][rows].tolist() == [0.25, 0.25, 0.5, 0.5]


@pytest.mark.parametrize("gamma", [0.0, 1.0])
def test_the_ends_of_gamma(gamma):
    buffer = ReplayBuffer(10, COLUMNS, n_step=NStep(3, gamma))
    for i in range(3):
        buffer.add(obs=i, reward=1.0, next_obs=i + 1, terminated=False, truncated=False)
    batch = buffer.sample(50)
    first = np.flatnonzero(batch["indices"] == 0)[0]
    assert batch["reward"][first] == 1.0 + 2 * gamma
    assert batch["discount"][first] == gamma


def test_compiled_or_not_the_same():
    """Bit for bit, however the sums are rounded."""
    rng = np.random.default_rng(5)
    buffers = [ReplayBuffer(200, COLUMNS, n_step=NStep(9, 0.97, envs=3), compiled=which) for which in (True, False)]
    for _ in range(20):
        size = 3 * int(rng.integers(1, 60))
        values = {
            "obs": np.arange(size),
            "reward": rng.normal(size=size),
            "next_obs": np.arange(size),
            "terminated": rng.random(size) < 0.02,
            "truncated": rng.random(size) < 0.02,
        }
        for buffer in buffers:
            buffer.extend(**values)
        first, second = (buffer.sample(3000) for buffer in buffers)
        for name, value in first.items():
            np.testing.assert_array_equal(value, second[name])


def test_a_removed_row_is_led_over():
    buffer = ReplayBuffer(10, COLUMNS, n_step=NStep(3, 1.0))
    for i in range(4):
        buffer.add(obs=i, reward=10.0**i, next_obs=i + 1, terminated=False, truncated=False)
    buffer.remove([1])
    batch = buffer.sample(100)
    assert set(batch["indices"].tolist()) == {0, 2, 3}
    assert batch["reward"][batch["indices"] == 0][0] == 111.0


STEPS = [
    ({"n": 0}, ValueError, "n must be 1 to 1024, not 0"),
    ({"n": 2.0}, TypeError, "n must be an integer, not 2.0"),
    ({"n": 1, "envs": 0}, ValueError, "envs must be 1 to 1048576, not 0"),
    ({"n": 1, "gamma": 1.5}, ValueError, "gamma must be 0 to 1, not 1.5"),
    ({"n": 1, "gamma": "x"}, TypeError, "gamma must be a number, not 'x'"),
    ({"n": 1, "following": "next_obs"}, TypeError, "following must be a sequence of names, not 'next_obs'"),
]


@pytest.mark.parametrize(("options", "error", "message"), STEPS)
def test_refused_steps(options, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        NStep(**options)


def without(name: str, **other: object) -> dict:
    return {key: spec for key, spec in COLUMNS.items() if key != name} | other


BUFFERS = [
    (
        without("reward"),
        ValueError,
        "n_step needs the column 'reward', and the columns are obs, next_obs, terminated, truncated",
    ),
    (
        without("truncated"),
        ValueError,
        "n_step needs the column 'truncated', and the columns are obs, reward, next_obs, terminated",
    ),
    (
        without("next_obs"),
        ValueError,
        "n_step needs the column 'next_obs', and the columns are obs, reward, terminated, truncated",
    ),
    (
        without("reward", reward="int64"),
        TypeError,
        "n_step needs float32 or float64 of the shape () in the column 'reward', not int64 of the shape ()",
    ),
    (
        without("reward", reward=("float32", 1)),
        TypeError,
        "n_step needs float32 or float64 of the shape () in the column 'reward', not float32 of the shape (1,)",
    ),
    (
        without("terminated", terminated="float32"),
        TypeError,
        "n_step needs bool of the shape () in the column 'terminated', not float32 of the shape ()",
    ),
]


@pytest.mark.parametrize(("columns", "error", "message"), BUFFERS)
def test_refused_columns(columns, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        ReplayBuffer(5, columns, n_step=NStep(2))


def test_refused_kind_of_steps():
    with pytest.raises(TypeError, match=r"^n_step must be an NStep or None, not 3$"):
        ReplayBuffer(5, COLUMNS, n_step=3)


ENVS = [
    (lambda b, one: b.add(**one), TypeError, "env must be given where there are 3 environments"),
    (lambda b, one: b.add(env=3, **one), ValueError, "env must be 0 to 2, not 3"),
    (lambda b, one: b.add(env=-1, **one), ValueError, "env must be 0 to 2, not -1"),
    (lambda b, one: b.add(env=1.0, **one), TypeError, "env must be an integer, not 1.0"),
    (
        lambda b, one: b.extend(**{name: [value] * 4 for name, value in one.items()}),
        ValueError,
        "the number of transitions must be a multiple of 3 without env, not 4",
    ),
    (
        lambda b, one: b.extend(env=[0, 3], **{name: [value] * 2 for name, value in one.items()}),
        ValueError,
        "env must be 0 to 2, not 3",
    ),
    (
        lambda b, one: b.extend(env=[0], **{name: [value] * 2 for name, value in one.items()}),
        ValueError,
        "env must have the shape (2,), not (1,)",
    ),
    (
        lambda b, one: b.extend(env=[0.5], **{name: [value] for name, value in one.items()}),
        TypeError,
        "env must be int64, not float64",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), ENVS)
def test_refused_environments(call, error, message):
    buffer = ReplayBuffer(9, COLUMNS, n_step=NStep(2, envs=3))
    one = {"obs": 1, "reward": 1.0, "next_obs": 2, "terminated": False, "truncated": False}
    for env in range(3):
        buffer.add(env=env, **one)
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        call(buffer, one)
    assert len(buffer) == 3
    assert buffer.add(env=0, **one) == 3
    batch = buffer.sample(100)
    assert set(batch["discount"][batch["indices"] == 0]) == {np.float32(0.99**2)}
    assert set(batch["discount"][batch["indices"] != 0]) == {np.float32(0.99)}
