"""``AmperHerReplayBuffer`` holds what SB3's own holds, draws it by priority, and relabels it likewise."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from gymnasium import spaces
from scipy import stats
from stable_baselines3 import HerReplayBuffer

from amper.sb3 import AmperHerReplayBuffer

ROWS, ENVS = 24, 2
BOX = spaces.Box(-1e6, 1e6, (1,))
SPACE = spaces.Dict({"observation": BOX, "achieved_goal": BOX, "desired_goal": BOX})


class Goals:
    """Enough of a vector environment: 0 where the goal was reached, else -1."""

    def env_method(self, name: str, achieved, desired, infos, indices):
        assert name == "compute_reward"
        return [-np.any(achieved != desired, axis=-1).astype(np.float32)]


def made(kind=AmperHerReplayBuffer, **options) -> HerReplayBuffer:
    return kind(ROWS * ENVS, SPACE, BOX, Goals(), device="cpu", n_envs=ENVS, **options)


def step(buffers: list[HerReplayBuffer], number: int, done: np.ndarray) -> None:
    """Transition ``number`` of each environment, whose goal is -1 and whose state counts on."""
    now = np.array([[number], [1000 + number]], np.float32)
    wanted = np.full((ENVS, 1), -1, np.float32)
    before, after = (
        {"observation": state, "achieved_goal": state, "desired_goal": wanted} for state in (now, now + 0.5)
    )
    for buffer in buffers:
        buffer.add(before, after, now, np.full(ENVS, -1.0), done, [{}] * ENVS)


def filled(steps: int = 67, **options) -> AmperHerReplayBuffer:
    rng = np.random.default_rng(1)
    buffer = made(seed=1, **options)
    for number in range(steps):
        step([buffer], number, rng.random(ENVS) < 0.2)
    return buffer


def drawable(buffer: HerReplayBuffer) -> np.ndarray:
    return np.flatnonzero(buffer.ep_length > 0)


def test_what_is_drawn_is_what_the_peer_would_draw():
    rng = np.random.default_rng(2)
    ours, theirs = made(seed=1), made(HerReplayBuffer)
    for number in range(120):
        step([ours, theirs], number, rng.random(ENVS) < 0.15)
        assert np.flatnonzero(ours.sampler.priorities()).tolist() == drawable(theirs).tolist()
    with pytest.warns(UserWarning, match="will be truncated"):
        ours.truncate_last_trajectory()
    with pytest.warns(UserWarning, match="will be truncated"):
        theirs.truncate_last_trajectory()
    assert np.flatnonzero(ours.sampler.priorities()).tolist() == drawable(theirs).tolist()
    ours.reset()
    assert len(ours.sampler) == 0
    with pytest.raises(RuntimeError, match="before the end of the first episode"):
        ours.sample(4)


def test_draws_are_proportional():
    buffer = filled(alpha=1.0, eps=0.0)
    rows = drawable(buffer)
    errors = np.linspace(0.1, 2.0, rows.size)
    buffer.update_priorities(buffer.sampler.rows * buffer._turns(rows // ENVS) + rows, errors)
    drawn = buffer.sample(20_000)
    counts = np.bincount(np.searchsorted(rows, drawn.indices % buffer.sampler.rows), minlength=rows.size)
    assert stats.chisquare(counts, 20_000 * errors / errors.sum()).pvalue > 1e-5


@pytest.mark.parametrize("strategy", ["future", "final", "episode"])
def test_goals_are_of_the_same_episode(strategy):
    """4 of 5 have a goal that was reached in their episode, and the reward of that goal; the rest are as stored."""
    buffer = filled(goal_selection_strategy=strategy)
    batch = buffer.sample(500)
    state, goal = (batch.observations[name].numpy()[:, 0] for name in ("observation", "desired_goal"))
    after = batch.next_observations["achieved_goal"].numpy()[:, 0]
    assert (after == state + 0.5).all()
    assert (batch.next_observations["desired_goal"].numpy()[:, 0] == goal).all()
    assert (goal[:100] == -1).all()
    assert (batch.rewards.numpy()[:, 0] == np.where(goal == after, 0.0, -1.0)).all()
    place, env = np.divmod(batch.indices % buffer.sampler.rows, ENVS)
    first = buffer.observations["observation"][buffer.ep_start[place, env], env, 0]
    last = first + buffer.ep_length[place, env] - 0.5  # what its last step reached
    goal, after, first, last = goal[100:], after[100:], first[100:], last[100:]
    assert (goal <= last).all()
    assert (goal >= {"future": after, "final": last, "episode": first + 0.5}[strategy]).all()
    assert strategy == "final" or (goal > after).any()


def test_updates_of_what_is_gone_are_passed_over():
    """Overwritten, or of an episode whose beginning was."""
    buffer = filled(30)
    batch = buffer.sample(200)
    held = set(drawable(buffer).tolist())
    for number in range(30, 34):
        step([buffer], number, np.zeros(ENVS, bool))
    left = set(drawable(buffer).tolist())
    assert left < held
    buffer.update_priorities(batch.indices, np.full(200, 5.0))
    assert buffer.dropped == sum(row not in left for row in (batch.indices % buffer.sampler.rows).tolist())
    assert set(np.flatnonzero(buffer.sampler.priorities()).tolist()) == left


def test_it_goes_on_from_a_pickle():
    buffer = filled()
    copy = pickle.loads(pickle.dumps(buffer))
    copy.set_env(Goals())
    assert copy.sample(50).indices.tolist() == buffer.sample(50).indices.tolist()


def test_n_steps_are_refused():
    with pytest.raises(ValueError, match="n_steps must be 1 with hindsight, not 3"):
        made(n_steps=3)
