"""Buffers for SB3: as its own where it has the same, else against the formulas of PER in NumPy."""

from __future__ import annotations

import pickle
import re

import numpy as np
import pytest
import torch
from gymnasium import spaces
from scipy import stats
from stable_baselines3.common.buffers import NStepReplayBuffer, ReplayBuffer
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecNormalize

from amper import NoValidRowError, Sampler
from amper.adapters.sb3 import AmperNStepReplayBuffer, AmperReplayBuffer, PrioritizedDQN
from amper.sampler.options import MODES

FALSE_ALARM = 1e-5
BOX, TWO = spaces.Box(-np.inf, np.inf, (2,)), spaces.Discrete(2)
SMALL = {"policy_kwargs": {"net_arch": [8]}, "learning_starts": 20, "train_freq": 1, "buffer_size": 120, "seed": 1}


def made(size: int = 12, n_envs: int = 1, **options) -> AmperReplayBuffer:
    return AmperReplayBuffer(size, BOX, TWO, device="cpu", n_envs=n_envs, **{"seed": 1, **options})


def add(buffer: ReplayBuffer, step: int, ends: tuple[int, ...] = (), late: tuple[int, ...] = ()) -> None:
    """Transition ``step`` of each environment e: observation (step, e), reward 100 e + step."""
    envs = np.arange(buffer.n_envs)
    obs, following = (np.stack([np.full(buffer.n_envs, at), envs], 1).astype(np.float32) for at in (step, step + 1))
    infos = [{"TimeLimit.truncated": step in late} for _ in envs]
    done = np.full(buffer.n_envs, step in ends or step in late)
    buffer.add(obs, following, envs % 2, 100.0 * envs + step, done, infos)


def fill(buffer: ReplayBuffer, count: int, **options) -> ReplayBuffer:
    for step in range(count):
        add(buffer, step, **options)
    return buffer


@pytest.mark.parametrize("n_envs", [1, 3])
def test_a_sample_is_what_its_row_holds(n_envs):
    """Row = position * n_envs + environment, after the ring went round."""
    buffer = fill(made(12, n_envs), 17, ends=(15,), late=(16,))
    batch = buffer.sample(200)
    position, env = np.divmod(batch.indices % 12, n_envs)
    size = 12 // n_envs
    step = position + size * ((16 - position) // size)
    assert set(batch.indices % 12) == set(range(12))
    assert batch.observations.tolist() == np.stack([step, env], 1).tolist()
    assert batch.next_observations.tolist() == np.stack([step + 1, env], 1).tolist()
    assert batch.rewards[:, 0].tolist() == (100 * env + step).tolist()
    assert batch.actions[:, 0].tolist() == (env % 2).tolist()
    assert batch.dones[:, 0].tolist() == (step == 15).tolist()  # 16 ran out of time
    assert (batch.weights.shape, batch.weights.dtype, batch.discounts) == ((200, 1), torch.float32, None)


@pytest.mark.parametrize("n_envs", [1, 3])
def test_draws_and_weights(n_envs):
    """Proportional to (|error| + eps)^alpha; (least p of the batch / p)^beta."""
    buffer = fill(made(12, n_envs, alpha=0.7, beta=0.5, eps=0.01), 12)
    errors = np.linspace(-1, 2, 12)
    buffer.update_priorities(12 * (n_envs - 1) + np.arange(12), errors)  # the ring's latest turn: of 1, of 3
    p = (np.abs(errors) + 0.01) ** 0.7
    drawn = buffer.sample(30_000).indices % 12
    assert stats.chisquare(np.bincount(drawn, minlength=12), 30_000 * p / p.sum()).pvalue > FALSE_ALARM
    for beta, exponent in ((None, 0.5), (1.0, 1.0)):
        batch = buffer.sample(10, beta=beta)
        q = p[batch.indices % 12]
        np.testing.assert_allclose(batch.weights[:, 0], (q.min() / q) ** exponent, rtol=1e-5)


@pytest.mark.parametrize("mode", MODES)
def test_high_priorities_are_drawn_more_often(mode):
    """In every mode but uniform; the exact distributions are those of ``amper.Sampler``."""
    buffer = fill(made(500, mode=mode), 500)
    buffer.update_priorities(np.arange(500), np.linspace(0.1, 3.0, 500))
    drawn = np.concatenate([buffer.sample(64).indices for _ in range(300)])
    high, low = np.count_nonzero(drawn >= 450), np.count_nonzero(drawn < 50)
    assert (0.8 < high / low < 1.25) if mode == "uniform" else high > 2 * low


def test_a_new_transition_gets_the_largest_priority():
    buffer = fill(made(12, 3), 2)
    assert buffer.sampler.priorities()[:6].tolist() == [1.0] * 6
    buffer.update_priorities(np.array([2]), np.array([32.0 - 1e-6]))
    add(buffer, 2)
    np.testing.assert_allclose(buffer.sampler.priorities()[6:9], 8.0, rtol=1e-6)


def test_what_a_new_transition_gets_can_be_chosen():
    """By default no outlier of the past; a number; that of the sampler, if it comes with one."""
    for options, expected in (
        ({}, 0.25),
        ({"initial_priority": "max-ever"}, 1000.0),
        ({"initial_priority": 7}, 7.0),
        ({"sampler": Sampler(12, initial_priority=3.0), "seed": None}, 3.0),
    ):
        buffer = fill(made(12, alpha=1.0, eps=0.0, **options), 3)
        buffer.update_priorities(np.arange(3), np.array([0.25, 0.125, 1000.0]))
        buffer.update_priorities(np.array([2]), np.array([0.125]))
        add(buffer, 3)
        assert buffer.sampler.priorities()[3] == expected
    with pytest.raises(ValueError, match=r"^initial_priority must not be given beside sampler, "):
        made(12, seed=None, sampler=Sampler(12), initial_priority=1.0)


@pytest.mark.parametrize("count", [5, 9, 16])
def test_n_step_returns_are_sb3s(count):
    """Of every row, with ends, time limits, and the place where the ring is written."""
    ours, theirs = made(8, n_steps=3, gamma=0.9), NStepReplayBuffer(8, BOX, TWO, device="cpu", n_steps=3, gamma=0.9)
    for buffer in (ours, theirs):
        fill(buffer, count, ends=(3, 11), late=(6, 13))
    batch = ours.sample(100)
    assert set(batch.indices) == set(range(max(0, count - 8), count))
    expected = theirs._get_samples(batch.indices % 8)
    for name in expected._fields:
        torch.testing.assert_close(getattr(batch, name), getattr(expected, name))


def test_n_step_returns_of_several_environments():
    """Each in its own column; 100 e + step is a reward."""
    buffer = fill(made(15, 3, n_steps=2, gamma=0.5), 7, ends=(4,))
    batch = buffer.sample(100)
    step, env = batch.observations[:, 0].numpy(), batch.observations[:, 1].numpy()
    alone = (step == 4) | (step == 6)  # the end of an episode, and the newest
    np.testing.assert_allclose(batch.rewards[:, 0], 100 * env + step + ~alone * 0.5 * (100 * env + step + 1))
    assert batch.next_observations[:, 0].tolist() == (step + np.where(alone, 1, 2)).tolist()
    assert batch.discounts[:, 0].tolist() == np.where(alone, 0.5, 0.25).tolist()
    assert batch.dones[:, 0].tolist() == np.isin(step, [3, 4]).tolist()


@pytest.mark.parametrize("n_steps", [1, 2])
def test_memory_saving(n_steps):
    """The row whose observation was overwritten by the newest's next one is not drawn."""
    options = {"optimize_memory_usage": True, "handle_timeout_termination": False, "n_steps": n_steps}
    buffer = made(12, 2, **options)
    for step in range(15):
        add(buffer, step)
        if step:
            batch = buffer.sample(60)
            ahead = np.minimum(n_steps, step + 1 - batch.observations[:, 0].numpy())
            assert (batch.next_observations[:, 0].numpy() == batch.observations[:, 0].numpy() + ahead).all()
            assert batch.observations[:, 0].max() <= step
    assert sorted(set(batch.observations[:, 0].tolist())) == [10, 11, 12, 13, 14]
    buffer.reset()
    assert (len(buffer.sampler), buffer.size()) == (0, 0)


def test_reset():
    buffer = fill(made(12, 3), 2)
    before = buffer.sample(9)
    buffer.reset()
    assert len(buffer.sampler) == 0
    with pytest.raises(NoValidRowError):
        buffer.sample(1)
    add(buffer, 0)
    batch = buffer.sample(50)
    assert set(batch.indices % 12) == {0, 1, 2}
    buffer.update_priorities(before.indices, np.ones(9))
    assert buffer.dropped == 9
    buffer.update_priorities(batch.indices, np.full(50, 4.0 - 1e-6))
    np.testing.assert_allclose(buffer.sampler.priorities()[:3], 4.0**0.6)


def test_n_step_buffers_are_told_apart():
    """By SB3's own class, as its users and tests do; one step, and dictionaries, are no NStepReplayBuffer there."""
    for n_steps in (1, 3):
        model = PrioritizedDQN("MlpPolicy", "CartPole-v1", n_steps=n_steps, **SMALL)
        assert isinstance(model.replay_buffer, NStepReplayBuffer) == (n_steps > 1)
        assert isinstance(model.replay_buffer, AmperReplayBuffer)
        assert model.replay_buffer.n_steps == n_steps
    buffer = AmperNStepReplayBuffer(12, BOX, TWO, device="cpu", seed=1)
    assert (buffer.n_steps, buffer.gamma) == (3, 0.99)
    again = pickle.loads(pickle.dumps(fill(buffer, 9)))
    assert isinstance(again, NStepReplayBuffer)


@pytest.mark.parametrize("saves_memory", [False, True])
@pytest.mark.parametrize("n_envs", [1, 3])
def test_a_late_update_spares_the_successor(n_envs, saves_memory):
    """Over some turns of the ring: errors of transitions that were replaced are dropped and counted."""
    options = {"optimize_memory_usage": True, "handle_timeout_termination": False} if saves_memory else {}
    buffer = made(12, n_envs, alpha=1.0, eps=0.0, initial_priority=0.5, **options)
    size = buffer.buffer_size
    last = -1
    for until in (size - 1, 2 * size + 1, 4 * size):
        while last < until:
            last += 1
            add(buffer, last)
        batch = buffer.sample(60)
        drawn_step = batch.rewards[:, 0].numpy() % 100
        add(buffer, last + 1)
        add(buffer, last + 2)
        last += 2
        oldest = last - size + 1 + saves_memory
        dropped, before = buffer.dropped, buffer.sampler.priorities()
        buffer.update_priorities(batch.indices, np.full(60, 8.0))
        late = drawn_step < oldest
        assert buffer.dropped - dropped == late.sum() > 0
        rows = batch.indices % (size * n_envs)
        expected = before.copy()
        expected[rows[~late]] = 8.0
        assert buffer.sampler.priorities().tolist() == expected.tolist()


def test_normalised_observations_and_rewards():
    """By the environment that ``sample`` is given, as in SB3."""
    env = VecNormalize(make_vec_env("CartPole-v1", 2), clip_obs=5.0, clip_reward=2.0)
    space = env.observation_space
    buffer = AmperReplayBuffer(20, space, TWO, device="cpu", n_envs=2, seed=1)
    theirs = ReplayBuffer(20, space, TWO, device="cpu", n_envs=2)
    rng = np.random.default_rng(1)
    for _ in range(5):
        obs = rng.normal(size=(2, 4))
        for each in (buffer, theirs):
            each.add(obs, obs + 1, np.zeros(2), np.full(2, 9.0), np.zeros(2), [{}, {}])
    env.obs_rms.mean = np.full(4, 0.5)
    batch = buffer.sample(30, env=env)
    position, column = np.divmod(batch.indices, 2)
    np.testing.assert_allclose(batch.observations, env.normalize_obs(theirs.observations[position, column]), rtol=1e-5)
    assert set(batch.rewards[:, 0].tolist()) == {2.0}


def test_saving_a_buffer():
    """It goes on draw by draw."""
    buffer = fill(made(12, 3, mode="amper-k"), 5)
    buffer.update_priorities(np.array([3, 4]), np.array([0.5, 7.0]))
    buffer.sample(7)
    other = pickle.loads(pickle.dumps(buffer))
    for each in (buffer, other):
        add(each, 5)
    assert other.sample(50).indices.tolist() == buffer.sample(50).indices.tolist()


@pytest.mark.parametrize(
    ("rows", "errors", "text"),
    [
        ([1, 2], [1.0, np.nan], "errors must be finite, not nan"),
        ([1, 2], [1.0, -np.inf], "errors must be finite, not -inf"),
        ([1, 12], [1.0, 1.0], "indices must be of transitions that were added, not 12"),
        ([1, 11], [1.0, 1.0], "indices must be of transitions that were added, not 11"),
        ([-1, 1], [1.0, 1.0], "indices must be of transitions that were added, not -1"),
        ([1, 2], [1.0], "indices and errors must be of one length, not 2 and 1"),
    ],
    ids=str,
)
def test_a_bad_update_changes_nothing(rows, errors, text):
    buffer = fill(made(12), 5)
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        buffer.update_priorities(np.array(rows), np.array(errors))
    assert buffer.sampler.priorities()[:6].tolist() == [1.0] * 5 + [0.0]


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"alpha": -1.0}, ValueError, "alpha must be at least 0, not -1.0"),
        ({"beta": np.nan}, ValueError, "beta must be finite, not nan"),
        ({"gamma": "a"}, TypeError, "gamma must be a number, not 'a'"),
        ({"n_steps": 0}, ValueError, "n_steps must be 1 to 12, not 0"),
        ({"csp_share": 2.0, "mode": "amper-fr"}, ValueError, "csp_share must be above 0 and at most 1, not 2.0"),
    ],
    ids=str,
)
def test_bad_parameters(options, error, text):
    with pytest.raises(error) as raised:
        made(**options)
    assert str(raised.value) == text
