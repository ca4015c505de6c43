"""``PrioritizedQRDQN``: where weights are 1 it is SB3-Contrib's QR-DQN; else its loss, weighted, and its priorities."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from sb3_contrib import QRDQN
from sb3_contrib.common.utils import quantile_huber_loss
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.logger import Logger

from amper.adapters.sb3_contrib import quantile_losses
from amper.sb3_contrib import PrioritizedQRDQN

SMALL = {
    "policy_kwargs": {"net_arch": [8], "n_quantiles": 5},
    "learning_starts": 40,
    "train_freq": 1,
    "buffer_size": 120,
    "seed": 1,
}


def test_the_loss_of_each_is_the_peers():
    generator = torch.Generator().manual_seed(1)
    values, targets = (3 * torch.randn((7, count), generator=generator) for count in (5, 4))
    expected = [quantile_huber_loss(one[None], other[None]) for one, other in zip(values, targets, strict=True)]
    torch.testing.assert_close(quantile_losses(values, targets), torch.stack(expected))


@pytest.mark.parametrize("options", [{}, {"n_steps": 3, "max_grad_norm": 0.1}], ids=str)
def test_a_step_of_uniform_draws_is_the_peers(options):
    """From the same networks and the same batch the same networks."""
    made = PrioritizedQRDQN("MlpPolicy", "CartPole-v1", mode="uniform", **SMALL, **options).learn(40)
    drawn = made.replay_buffer.sample(16)
    made.replay_buffer.sample = lambda *_, **__: drawn
    theirs = pickle.loads(pickle.dumps(made.policy.state_dict()))
    peer = QRDQN("MlpPolicy", "CartPole-v1", **SMALL, **options)
    peer.set_logger(Logger(None, []))
    peer.policy.load_state_dict(theirs)
    peer.replay_buffer.sample = made.replay_buffer.sample
    for model in (made, peer):
        model.train(1, 16)
    for name, tensor in peer.policy.state_dict().items():
        torch.testing.assert_close(made.policy.state_dict()[name], tensor, msg=name)


def test_one_step_by_priority():
    model = PrioritizedQRDQN("MlpPolicy", "CartPole-v1", beta=0.7, alpha=1.0, **SMALL).learn(60)
    copy, net, target = pickle.loads(pickle.dumps((model.replay_buffer, model.quantile_net, model.quantile_net_target)))
    model.set_logger(Logger(None, []))
    model.train(1, 16)
    batch = copy.sample(16, beta=0.7)
    assert batch.weights.min() < 1
    losses = []
    with torch.no_grad():
        for i in range(16):
            following = target(batch.next_observations[i : i + 1])[0]
            goal = batch.rewards[i] + (1 - batch.dones[i]) * 0.99 * following[:, following.mean(0).argmax()]
            value = net(batch.observations[i : i + 1])[0, :, int(batch.actions[i])]
            losses.append(quantile_huber_loss(value[None], goal[None]).item())
    logged = model.logger.name_to_value
    assert logged["train/loss"] == pytest.approx(np.mean(batch.weights[:, 0].numpy() * losses), rel=1e-4)
    stored = model.replay_buffer.sampler.priorities()[batch.indices]
    np.testing.assert_allclose(stored, np.array(losses) + 1e-6, rtol=1e-3)


def test_learning_saving_and_loading(tmp_path):
    env = make_vec_env("CartPole-v1", 2, seed=1)
    model = PrioritizedQRDQN("MlpPolicy", env, mode="amper-fr", **SMALL).learn(150)
    assert np.unique(model.replay_buffer.sampler.priorities()).size > 10
    model.save(tmp_path / "model")
    other = PrioritizedQRDQN.load(tmp_path / "model", env=env)
    obs = env.reset()
    assert (other.predict(obs, deterministic=True)[0] == model.predict(obs, deterministic=True)[0]).all()
    assert other.replay_buffer.sampler.mode == "amper-fr"


def test_losses_that_it_has_not():
    with pytest.raises(ValueError, match=r"^loss must be one of per, not 'lap'$"):
        PrioritizedQRDQN("MlpPolicy", "CartPole-v1", loss="lap", **SMALL)
