"""Steps of vector environments, however they reset: every transition lies in one episode, and none is missing."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from amper import NStep, ReplayBuffer

COLUMNS = {
    "obs": ("int64", 1),
    "action": "int64",
    "reward": "float32",
    "next_obs": ("int64", 1),
    "terminated": "bool",
    "truncated": "bool",
}
MODES = pytest.mark.parametrize("mode", list(AutoresetMode), ids=lambda mode: mode.value)


class Counter(gymnasium.Env):
    """Episode k counts from 1000 k; it ends after ``length`` + k steps, terminated if k is even, else truncated."""

    observation_space = spaces.Box(-(2**40), 2**40, (1,), np.int64)
    action_space = spaces.Discrete(10**6)

    def __init__(self, length: int, first: int) -> None:
        self.length, self.episode, self.at = length, first - 1, 0

    def reset(self, *, seed=None, options=None):
        self.episode, self.at = self.episode + 1, 0
        return self._seen(), {}

    def step(self, action):
        assert action == 1000 * self.episode + self.at  # the action of the observation that was acted on
        self.at += 1
        over = self.at == self.length + self.episode % 3
        return self._seen(), float(self.at), over and self.episode % 2 == 0, over and self.episode % 2 == 1, {}

    def _seen(self):
        return np.array([1000 * self.episode + self.at])


def made(mode: AutoresetMode) -> SyncVectorEnv:
    return SyncVectorEnv([lambda e=e: Counter(2 + e, 100 * e) for e in range(3)], autoreset_mode=mode)


def stored(mode: AutoresetMode, steps: int, n_step: NStep | None = None) -> tuple[ReplayBuffer, int]:
    envs = made(mode)
    buffer = ReplayBuffer(1000, COLUMNS, "uniform", n_step=n_step)
    writer = buffer.writer(envs)
    obs, _ = envs.reset()
    writer.reset(obs)
    total = 0
    for _ in range(steps):
        action = obs[:, 0]
        result = envs.step(action)
        total += writer.add(action, *result).size
        obs = result[0]
        over = result[2] | result[3]
        if mode == AutoresetMode.DISABLED and over.any():
            obs, _ = envs.reset(options={"reset_mask": over})
            writer.reset(obs, over)
    return buffer, total


@MODES
def test_every_transition_lies_in_one_episode(mode):
    buffer, total = stored(mode, 60)
    assert total == len(buffer) == (180 if mode != AutoresetMode.NEXT_STEP else len(buffer))
    columns = {name: column[:total] for name, column in buffer.columns.items()}
    obs, following = columns["obs"][:, 0], columns["next_obs"][:, 0]
    np.testing.assert_array_equal(following, obs + 1)
    np.testing.assert_array_equal(columns["action"], obs)
    np.testing.assert_array_equal(columns["reward"], following % 1000)
    assert np.unique(obs).size == total  # none twice
    episode, length = obs // 1000, 2 + obs // 100_000 + obs // 1000 % 3
    last = following % 1000 == length
    np.testing.assert_array_equal(columns["terminated"], last & (episode % 2 == 0))
    np.testing.assert_array_equal(columns["truncated"], last & (episode % 2 == 1))
    for env in range(3):  # and none missing
        mine = np.sort(obs[obs // 100_000 == env])
        starts = mine[mine % 1000 == 0]
        assert np.diff(starts).tolist() == [1000] * (starts.size - 1)
        for start in starts[:-1]:
            want = 2 + env + start // 1000 % 3
            assert ((mine >= start) & (mine < start + 1000)).sum() == want


@MODES
def test_steps_are_added_up_in_their_episode(mode):
    buffer, _ = stored(mode, 60, NStep(3, gamma=1.0, envs=3))
    batch = buffer.sample(500)
    obs, following = batch["obs"][:, 0], batch["next_obs"][:, 0]
    assert (obs // 1000 == following // 1000).all()
    assert (following - obs == 3).any()
    for first, last, reward in zip(obs % 1000, following % 1000, batch["reward"], strict=True):
        assert reward == sum(range(first + 1, last + 1))


def test_a_reset_in_the_midst_cuts():
    envs = made(AutoresetMode.SAME_STEP)
    buffer = ReplayBuffer(100, COLUMNS, "uniform", n_step=NStep(3, gamma=1.0, envs=3))
    writer = buffer.writer(envs)
    for _ in range(2):
        obs, _ = envs.reset()
        writer.reset(obs)
        writer.add(obs[:, 0], *envs.step(obs[:, 0]))
    batch = buffer.sample(100)
    assert (batch["next_obs"] - batch["obs"] == 1).all()


def test_refused():
    buffer = ReplayBuffer(100, COLUMNS)
    envs = made(AutoresetMode.SAME_STEP)
    writer = buffer.writer(envs)
    zeros, ends = np.zeros(3, np.int64), np.array([False, True, False])
    with pytest.raises(RuntimeError, match=r"^add needs the first observations"):
        writer.add(zeros, zeros[:, None], zeros, ends, ends, {})
    writer.reset(zeros[:, None])
    with pytest.raises(ValueError, match=r"^infos must have final_obs of environment 1, whose episode ended"):
        writer.add(zeros, zeros[:, None], zeros, ends, ends, {})
    with pytest.raises(ValueError, match=r"^obs must have the 3 environments first, not the shape \(2, 1\)$"):
        writer.add(zeros, zeros[:2, None], zeros, ends, ends, {})
    with pytest.raises(ValueError, match=r"^n_step must be of the 3 environments, not 2$"):
        ReplayBuffer(100, COLUMNS, n_step=NStep(2, envs=2)).writer(envs)
    with pytest.raises(TypeError, match=r"^autoreset_mode must be a string, not None$"):
        buffer.writer(type("Old", (), {"num_envs": 3})())
    disabled = buffer.writer(made(AutoresetMode.DISABLED))
    disabled.reset(zeros[:, None])
    disabled.add(zeros, zeros[:, None], zeros, ends, ends & False, {})
    with pytest.raises(ValueError, match=r"^environment 1 must be reset after its end"):
        disabled.add(zeros, zeros[:, None], zeros, ends, ends, {})
    with pytest.raises(ValueError, match=r"^mask must have every environment that ended, and has not 1$"):
        disabled.reset(zeros[:, None], ~ends)
    assert len(buffer) == 3


def test_a_single_environment_is_none_of_vectors():
    with pytest.raises(TypeError, match=r"^envs must be a vector environment, not dict$"):
        ReplayBuffer(4, {"obs": "float32"}).writer({})
