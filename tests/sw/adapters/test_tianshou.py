"""The buffers do what users of Tianshou's prioritized buffers count on; numbers are compared with Tianshou's own."""

from __future__ import annotations

import pickle
import re

import gymnasium
import h5py
import numpy as np
import pytest
import torch
from scipy import stats
from tianshou.algorithm import DQN
from tianshou.algorithm.modelfree.dqn import DiscreteQLearningPolicy
from tianshou.algorithm.optim import AdamOptimizerFactory
from tianshou.data import (
    Batch,
    Collector,
    CollectStats,
    PrioritizedReplayBuffer,
    PrioritizedReplayBufferManager,
    ReplayBuffer,
)
from tianshou.env import DummyVectorEnv
from tianshou.utils.net.common import Net
from tianshou.utils.torch_utils import policy_within_training_step

from amper import NoValidRowError, Sampler
from amper.adapters.tianshou import EPS, AmperReplayBuffer, AmperReplayBufferManager, AmperVectorReplayBuffer
from amper.sampler.options import MODES

FALSE_ALARM = 1e-5


def made(size: int = 10, **options) -> AmperReplayBuffer:
    return AmperReplayBuffer(size, **{"alpha": 0.7, "beta": 0.5, "seed": 1, **options})


def vector(size: int = 12, number: int = 3, **options) -> AmperVectorReplayBuffer:
    return AmperVectorReplayBuffer(size, number, **{"alpha": 0.7, "beta": 0.5, "seed": 1, **options})


def transition(i: int, done: bool = False) -> Batch:
    return Batch(obs=[i, i], act=i, rew=float(i), terminated=done, truncated=False, obs_next=[i + 1, i + 1], info={})


def transitions(i: int, number: int) -> Batch:
    """One for each of ``number`` environments; every fifth ends an episode."""
    return Batch(
        obs=np.arange(number) + 10 * i,
        act=np.zeros(number, dtype=int),
        rew=np.ones(number),
        terminated=np.full(number, i % 5 == 4),
        truncated=np.zeros(number, dtype=bool),
        obs_next=np.arange(number) + 10 * i + 10,
        info=np.array([{}] * number),
    )


def fill(buffer: ReplayBuffer, count: int) -> ReplayBuffer:
    for i in range(count):
        buffer.add(transition(i, done=i % 5 == 4))
    return buffer


def tianshous(size: int, **options) -> PrioritizedReplayBuffer:
    return PrioritizedReplayBuffer(size, **{"alpha": 0.7, "beta": 0.5, **options})


ERRORS = np.array([0.5, -2.0, 0.0, 3.0, 0.1, -0.7, 1.0, 9.0, 0.3, 1.5])


@pytest.mark.parametrize("weight_norm", [True, False])
@pytest.mark.parametrize("beta", [0.0, 0.5])
def test_numbers_are_tianshous(weight_norm, beta):
    """Priorities, weights and episode statistics after the same calls."""
    ours, theirs = made(weight_norm=weight_norm), tianshous(10, weight_norm=weight_norm)
    for i in range(14):
        for mine, other in zip(ours.add(transition(i, i % 5 == 4)), theirs.add(transition(i, i % 5 == 4)), strict=True):
            assert mine.tolist() == other.tolist()
        if i % 3 == 2:
            rows = np.array([i % 10, 1, 1])
            for buffer in (ours, theirs):
                buffer.update_weight(rows, np.array([ERRORS[i % 10], 4.0, -0.25]))
    rows = np.arange(10)
    np.testing.assert_allclose(ours.weight[rows], theirs.weight[rows], rtol=1e-12)
    for buffer in (ours, theirs):
        buffer.set_beta(beta)
    np.testing.assert_allclose(ours.get_weight(rows), theirs.get_weight(rows), rtol=1e-12)
    np.testing.assert_allclose(ours[rows].weight, theirs[rows].weight, rtol=1e-12)
    np.testing.assert_allclose(ours[2:7].weight, theirs[2:7].weight, rtol=1e-12)
    assert ours.get_weight(3) == pytest.approx(theirs.get_weight(3))
    assert ours.weight.reduce() == pytest.approx(theirs.weight.reduce())
    assert ours.weight.reduce(2, 5) == pytest.approx(theirs.weight.reduce(2, 5))
    assert len(ours.weight) == len(theirs.weight) == 10
    assert ours.options.items() >= theirs.options.items()


def test_draws_are_proportional():
    buffer = fill(made(), 10)
    buffer.update_weight(np.arange(10), ERRORS)
    p = (np.abs(ERRORS) + EPS) ** 0.7
    drawn = buffer.sample_indices(50_000)
    assert stats.chisquare(np.bincount(drawn, minlength=10), 50_000 * p / p.sum()).pvalue > FALSE_ALARM
    batch, indices = buffer.sample(64)
    assert batch.obs[:, 0].tolist() == indices.tolist()
    np.testing.assert_allclose(batch.weight, (p[indices] / p[indices].min()) ** -0.5)


@pytest.mark.parametrize("mode", MODES)
def test_high_priorities_are_drawn_more_often(mode):
    """In every mode but uniform; the exact distributions are those of ``amper.Sampler``."""
    buffer = fill(made(1000, mode=mode), 1000)
    buffer.update_weight(np.arange(1000), np.linspace(0.1, 3.0, 1000))
    drawn = np.concatenate([buffer.sample_indices(64) for _ in range(300)])
    high, low = np.count_nonzero(drawn >= 900), np.count_nonzero(drawn < 100)
    assert (0.8 < high / low < 1.25) if mode == "uniform" else high > 4 * low


def test_sizes_of_a_batch():
    """0 gives all rows in their order, None as many as there are; below 0, nothing."""
    buffer = fill(made(), 13)
    assert buffer.sample_indices(0).tolist() == [3, 4, 5, 6, 7, 8, 9, 0, 1, 2]
    assert buffer.sample_indices(None).shape == (10,)
    assert buffer.sample_indices(-1).size == 0
    assert buffer.sample(0)[0].obs[:, 0].tolist() == list(range(3, 13))
    assert made().sample_indices(0).size == 0
    assert made(weights="inclusion", mode="amper-fr").sample_indices(0).size == 0


def test_weights_of_the_inclusion_probability():
    buffer = fill(made(mode="amper-fr", weights="inclusion"), 10)
    buffer.update_weight(np.arange(10), ERRORS)
    other = Sampler(10, mode="amper-fr", weights="inclusion", seed=1)
    other.write(np.arange(10), (np.abs(ERRORS) + EPS) ** 0.7)
    batch, indices = buffer.sample(8)
    expected, weights = other.sample(8, beta=0.5)
    assert indices.tolist() == expected.tolist()
    assert batch.weight.tolist() == weights.tolist()
    assert len(buffer.sample(0)[1]) == 10


def test_a_new_transition_gets_the_largest_priority():
    buffer = fill(made(), 3)
    buffer.update_weight(np.array([0, 1]), torch.tensor([-8.0, 2.0], requires_grad=True))
    buffer.update_weight(np.array([0]), np.array([1.0]))
    buffer.add(transition(3))
    assert buffer.weight[3] == pytest.approx((8.0 + EPS) ** 0.7)


def test_update_from_another_buffer():
    """Its transitions get the largest priority; an empty one brings nothing."""
    buffer = fill(made(), 8)
    buffer.update_weight(np.arange(8), np.full(8, 5.0))
    assert buffer.update(fill(ReplayBuffer(5), 4)).tolist() == [8, 9, 0, 1]
    np.testing.assert_allclose(buffer.weight[np.arange(10)], (5.0 + EPS) ** 0.7)
    assert buffer.update(ReplayBuffer(5)).size == 0
    assert len(buffer.weight.sampler) == 10


@pytest.mark.parametrize("make", [made, vector])
def test_reset_forgets_priorities(make):
    buffer = make()
    for i in range(5):
        buffer.add(transitions(i, 3) if make is vector else transition(i))
    buffer.update_weight(np.array([0]), np.array([50.0]))
    buffer.reset()
    assert (len(buffer), len(buffer.weight.sampler), buffer.weight.reduce()) == (0, 0, 0.0)
    buffer.add(transitions(0, 3) if make is vector else transition(0))
    assert set(buffer.sample_indices(20)) == ({0, 4, 8} if make is vector else {0})
    assert buffer.weight[0] == 1.0


def test_stacked_frames_without_the_next():
    """Observations are stacked, and the next ones found by the following row."""
    buffer = fill(made(9, stack_num=2, ignore_obs_next=True), 9)
    batch, indices = buffer.sample(6)
    assert batch.obs.shape == (6, 2, 2)
    assert batch.obs[:, -1, 0].tolist() == indices.tolist()
    assert batch.obs_next[:, -1, 0].tolist() == buffer.next(indices).tolist()


@pytest.mark.parametrize("make", [made, vector])
@pytest.mark.parametrize("how", ["pickle", "hdf5"])
@pytest.mark.parametrize(
    "options", [{"mode": "per"}, {"mode": "amper-k"}, {"mode": "amper-fr", "bit_exact": True}], ids=str
)
def test_saving_and_loading(make, how, options, tmp_path):
    """The other goes on draw by draw."""
    buffer = make(**options)
    for i in range(6):
        buffer.add(transitions(i, 3) if make is vector else transition(i))
    buffer.update_weight(np.array([1, 2]), np.array([0.5, 3.0]))
    if how == "hdf5":
        buffer.save_hdf5(str(tmp_path / "b.hdf5"), compression="gzip")
        other = type(buffer).load_hdf5(str(tmp_path / "b.hdf5"))
    else:
        other = pickle.loads(pickle.dumps(buffer))
    for each in (buffer, other):
        each.update_weight(np.array([0]), np.array([9.0]))
    assert len(other) == len(buffer)
    assert other.sample_indices(100).tolist() == buffer.sample_indices(100).tolist()
    assert other.sample(5)[0].weight.tolist() == buffer.sample(5)[0].weight.tolist()


def test_an_interrupted_save_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "b.hdf5"
    buffer = fill(made(), 4)
    buffer.save_hdf5(str(path))
    with monkeypatch.context() as patch:
        patch.setattr(h5py.Group, "create_dataset", lambda *_, **__: 1 / 0)
        with pytest.raises(NotImplementedError, match=r"fallback to pickle failed\.$"):
            fill(buffer, 4).save_hdf5(str(path))
    assert len(AmperReplayBuffer.load_hdf5(str(path))) == 4
    assert [file.name for file in tmp_path.iterdir()] == ["b.hdf5"]


def test_several_environments():
    """One sampler over all rows; new ones have the largest priority; rows are drawn wherever they are."""
    buffer = vector(12, 3, weight_norm=False)
    theirs = PrioritizedReplayBufferManager([tianshous(4) for _ in range(3)])
    for i in range(6):
        for mine, other in zip(buffer.add(transitions(i, 3)), theirs.add(transitions(i, 3)), strict=True):
            assert mine.tolist() == other.tolist()
        for each in (buffer, theirs):
            each.update_weight(np.array([0, 4]), np.array([0.5 * i, -1.0]))
    buffer.add(transitions(6, 1), buffer_ids=[2])
    theirs.add(transitions(6, 1), buffer_ids=[2])
    rows = np.arange(12)
    np.testing.assert_allclose(buffer.weight[rows], theirs.weight[rows], rtol=1e-12)
    p = buffer.weight[rows]
    drawn = buffer.sample_indices(30_000)
    assert stats.chisquare(np.bincount(drawn, minlength=12), 30_000 * p / p.sum()).pvalue > FALSE_ALARM
    batch, indices = buffer.sample(16)
    assert (batch.obs == buffer.obs[indices]).all()
    np.testing.assert_allclose(batch.weight, (p[indices] / buffer._min_prio) ** -0.5)
    buffer.set_beta(0.0)
    assert buffer.sample(16)[0].weight.tolist() == [1.0] * 16


def test_a_manager_takes_over_what_the_buffers_were_made_with():
    buffers = [made(4, mode="amper-fr", seed=None, groups=7, weight_norm=False) for _ in range(2)]
    manager = AmperReplayBufferManager(buffers)
    assert manager.weight.sampler.options.groups == 7
    assert (manager.weight.sampler.mode, manager.weight.sampler.rows) == ("amper-fr", 8)
    assert manager._weight_norm is False
    with pytest.raises(TypeError, match=r"^buffer_list must be of AmperReplayBuffer, not ReplayBuffer$"):
        AmperReplayBufferManager([made(4), ReplayBuffer(4)])


def test_the_seed_is_numpys():
    """As of Tianshou's own, which draws from ``np.random``."""

    def drawn() -> list[int]:
        np.random.seed(3)
        return fill(made(seed=None), 10).sample_indices(30).tolist()

    assert drawn() == drawn()


@pytest.mark.parametrize("function", [False, True])
def test_a_sampler_of_the_callers(function):
    own = Sampler(12, mode="amper-fr", bit_exact=True, seed=4)
    buffer = vector(seed=None, sampler=(lambda rows: own if rows == 12 else None) if function else own)
    buffer.add(transitions(0, 3))
    assert np.flatnonzero(own.priorities()).tolist() == [0, 4, 8]
    other = Sampler(12, mode="amper-fr", bit_exact=True, seed=4)
    other.write([0, 4, 8], [1.0, 1.0, 1.0])
    assert buffer.sample_indices(20).tolist() == other.sample(20)[0].tolist()


@pytest.mark.parametrize(
    ("index", "errors", "text"),
    [
        ([1, 2], [1.0, np.nan], "priorities must be finite and at least 0, not nan"),
        ([1, 2], [-np.inf, 1.0], "priorities must be finite and at least 0, not inf"),
        ([1, 10], [1.0, 2.0], "indices must be 0 to 9, not 10"),
        ([1, -1], [1.0, 2.0], "indices must be 0 to 9, not -1"),
    ],
    ids=str,
)
def test_a_bad_update_changes_nothing(index, errors, text):
    buffer = fill(made(), 10)
    buffer.update_weight(np.arange(10), ERRORS)
    before = pickle.loads(pickle.dumps(buffer))
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        buffer.update_weight(np.array(index), np.array(errors))
    assert buffer.weight[:].tolist() == before.weight[:].tolist()
    assert (buffer._max_prio, buffer._min_prio) == (before._max_prio, before._min_prio)
    assert buffer.sample_indices(50).tolist() == before.sample_indices(50).tolist()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"alpha": 0.0}, "alpha must be finite and above 0, not 0.0"),
        ({"beta": -0.1}, "beta must be finite and at least 0, not -0.1"),
        ({"beta": np.nan}, "beta must be finite and at least 0, not nan"),
        ({"scale": 0.1}, "scale is only used by the modes of AMPER, and was set to 0.1 in mode per"),
        (
            {"mode": "amper-fr", "weights": "inclusion", "weight_norm": False},
            "weight_norm must be True with weights='inclusion', which are of a batch, not False",
        ),
    ],
    ids=str,
)
def test_bad_parameters(options, text):
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        made(**options)


def test_other_bad_calls():
    with pytest.raises(ValueError, match=r"^buffer_num must be at least 1, not 0$"):
        vector(12, 0)
    buffer = fill(made(), 2)
    with pytest.raises(ValueError, match=r"^beta must be finite and at least 0, not -1$"):
        buffer.set_beta(-1)
    buffer.weight.clear()
    with pytest.raises(NoValidRowError):
        buffer.sample_indices(3)


def test_an_algorithm_takes_weights_and_gives_errors():
    """One update of Tianshou's DQN: the rows of the batch, and no others, get the priorities of its TD errors."""
    torch.manual_seed(1)
    np.random.seed(1)
    env = gymnasium.make("CartPole-v1")
    net = Net(state_shape=env.observation_space.shape, action_shape=2, hidden_sizes=[8])
    policy = DiscreteQLearningPolicy(model=net, action_space=env.action_space, eps_training=1.0)
    algorithm = DQN(policy=policy, optim=AdamOptimizerFactory(lr=1e-3), target_update_freq=10)
    buffer = vector(60, 2, mode="amper-fr-dithered")
    envs = DummyVectorEnv([lambda: gymnasium.make("CartPole-v1")] * 2)
    collector = Collector[CollectStats](algorithm, envs, buffer, exploration_noise=True)
    collector.reset()
    collector.collect(n_step=40)
    before = buffer.weight[:].copy()
    assert set(before) == {0.0, 1.0}
    with policy_within_training_step(policy):
        algorithm.update(buffer=buffer, sample_size=8)
    changed = np.flatnonzero(buffer.weight[:] != before)
    assert 1 <= changed.size <= 8
    np.testing.assert_allclose(buffer.weight.sampler.priorities()[changed], buffer.weight[changed], rtol=2.0**-9)
