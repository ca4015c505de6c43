"""``PrioritizedSAC`` and ``PrioritizedTD3``: SB3's own training, with weights, against losses worked out here."""

from __future__ import annotations

import copy

import gymnasium
import numpy as np
import pytest
import torch as th
from stable_baselines3 import SAC, TD3
from stable_baselines3.common.utils import set_random_seed

from amper.sb3 import PrioritizedSAC, PrioritizedTD3

KINDS = {"sac": (PrioritizedSAC, SAC), "td3": (PrioritizedTD3, TD3)}
SMALL = {"learning_starts": 20, "buffer_size": 200, "batch_size": 16, "seed": 3, "device": "cpu"}


@pytest.fixture(params=KINDS)
def kinds(request):
    return KINDS[request.param]


def trained(kind, steps: int = 60, **options):
    model = kind("MlpPolicy", "Pendulum-v1", policy_kwargs={"net_arch": [16]}, **SMALL, **options)
    return model.learn(steps)


def critic_step(model, batch) -> tuple[list[th.Tensor], np.ndarray]:
    """The critic's parameters after a step of the weighted loss, by the formulas of the papers, and |TD errors|.

    The noise of the actions is that of SB3, which asks for it in this order.
    """
    other = copy.deepcopy(model)
    if isinstance(model, SAC):
        other.actor.action_log_prob(batch.observations)  # of the entropy's step, which comes first
        entropy = th.exp(other.log_ent_coef.detach())
        with th.no_grad():
            actions, log_prob = other.actor.action_log_prob(batch.next_observations)
    else:
        with th.no_grad():
            noise = th.empty_like(batch.actions).normal_(0, model.target_policy_noise)
            noise = noise.clamp(-model.target_noise_clip, model.target_noise_clip)
            actions = (other.actor_target(batch.next_observations) + noise).clamp(-1, 1)
    with th.no_grad():
        following = th.min(*other.critic_target(batch.next_observations, actions))
        if isinstance(model, SAC):
            following = following - entropy * log_prob[:, None]
        target = batch.rewards + (1 - batch.dones) * model.gamma * following
    values = other.critic(batch.observations, batch.actions)
    scale = 0.5 if isinstance(model, SAC) else 1.0
    loss = scale * sum((batch.weights * (value - target) ** 2).mean() for value in values)
    other.critic.optimizer.zero_grad()
    loss.backward()
    other.critic.optimizer.step()
    errors = np.mean([(value - target).abs().detach().numpy()[:, 0] for value in values], axis=0)
    return list(other.critic.parameters()), errors


def test_a_step_is_that_of_the_weighted_loss(kinds):
    model = trained(kinds[0], mode="per", beta=0.7)
    buffer = model.replay_buffer
    drawn = []
    kept = type(buffer).sample

    class Watched(type(buffer)):
        def sample(self, *args, **kwargs):
            drawn.append(kept(self, *args, **kwargs))
            return drawn[-1]

    buffer.__class__ = Watched
    twin = copy.deepcopy(model)
    set_random_seed(5)
    model.train(1, 16)
    assert len(drawn) == 1
    assert drawn[0].weights.min() < 1
    set_random_seed(5)
    wanted, errors = critic_step(twin, drawn[0])
    for found, expected in zip(model.critic.parameters(), wanted, strict=True):
        th.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)
    priorities = buffer.sampler.priorities()
    last = {int(index) % buffer.sampler.rows: error for index, error in zip(drawn[0].indices, errors, strict=True)}
    for row, error in last.items():
        assert priorities[row] == pytest.approx((error + buffer.eps) ** buffer.alpha, rel=1e-3)
    assert "sample" not in vars(buffer)
    assert model.logger.name_to_value["train/td_error"] == pytest.approx(errors.mean(), rel=1e-3)


def test_without_priorities_it_is_sb3s(kinds):
    """alpha = 0 and beta = 0: weights of 1, so that SB3's own training does the same with the same batches."""
    ours = trained(kinds[0], alpha=0.0, beta=0.0, steps=30)
    theirs = kinds[1]("MlpPolicy", "Pendulum-v1", policy_kwargs={"net_arch": [16]}, **SMALL)
    theirs.set_parameters(copy.deepcopy(ours.get_parameters()))  # the optimizers would share their state
    theirs._setup_learn(1)
    twin = copy.deepcopy(ours.replay_buffer)
    theirs.replay_buffer = twin
    theirs._n_updates = ours._n_updates
    if isinstance(ours, SAC):
        theirs.log_ent_coef.data.copy_(ours.log_ent_coef.data)
    for model in (ours, theirs):
        set_random_seed(4)
        model.train(3, 16)
    for first, second in zip(ours.policy.parameters(), theirs.policy.parameters(), strict=True):
        th.testing.assert_close(first, second, rtol=1e-4, atol=1e-6)


def test_saved_and_loaded(kinds, tmp_path):
    model = trained(kinds[0], n_steps=3)
    model.save(tmp_path / "model")
    model.save_replay_buffer(tmp_path / "buffer")
    env = gymnasium.make("Pendulum-v1")
    again = kinds[0].load(tmp_path / "model", env=env)
    again.load_replay_buffer(tmp_path / "buffer")
    assert again.replay_buffer.sample(5).indices.tolist() == model.replay_buffer.sample(5).indices.tolist()
    again.learn(10, reset_num_timesteps=False)
