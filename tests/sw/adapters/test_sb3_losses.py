"""LAP and PAL of Fujimoto et al. 2020: their equations, written down here, and the theorem that they are the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch as th

from amper.adapters.sb3_losses import lap_slope, pal_slope
from amper.sb3 import PrioritizedDQN, PrioritizedTD3

ALPHA = 0.4


def errors() -> th.Tensor:
    generator = th.Generator().manual_seed(1)
    return 3 * th.randn((50, 1), generator=generator, dtype=th.float64)


def test_the_slopes_are_those_of_the_papers_losses():
    given = errors().requires_grad_()
    huber = th.where(given.abs() <= 1, 0.5 * given**2, given.abs() - 0.5).sum()
    assert th.allclose(lap_slope(given.detach()), th.autograd.grad(huber, given)[0])
    size = given.abs()
    pal = th.where(size <= 1, 0.5 * given**2, size ** (1 + ALPHA) / (1 + ALPHA)).sum()
    share = size.detach().clamp(min=1).pow(ALPHA).mean()
    assert th.allclose(pal_slope(given.detach(), ALPHA), th.autograd.grad(pal, given)[0] / share)


def test_both_have_the_same_expectation():
    """LAP by its priorities, PAL by uniform draws: theorem 3 of the paper."""
    given = errors()
    priorities = given.abs().clamp(min=1) ** ALPHA
    lap = (priorities / priorities.sum() * lap_slope(given)).sum()
    assert th.isclose(lap, pal_slope(given, ALPHA).mean())


@pytest.mark.parametrize("loss", ["per", "lap", "pal"])
def test_dqn_steps_by_the_loss(loss):
    """One step of plain descent is that of the loss, written down, and gives these priorities."""
    plain = {"optimizer_class": th.optim.SGD, "net_arch": [8]}
    model = PrioritizedDQN(
        "MlpPolicy", "CartPole-v1", loss=loss, alpha=ALPHA, seed=1, learning_starts=40, buffer_size=64,
        policy_kwargs=plain, max_grad_norm=1e9, learning_rate=0.5,
    )  # fmt: skip
    model.learn(40)
    drawn = model.replay_buffer.sample(16, beta=0.5)
    model.replay_buffer.sample = lambda *_: drawn
    weight = next(model.q_net.parameters())
    before = weight.detach().clone()
    value = model.q_net(drawn.observations).gather(1, drawn.actions.long())
    with th.no_grad():
        following = model.q_net_target(drawn.next_observations).max(dim=1, keepdim=True).values
        target = drawn.rewards + (1 - drawn.dones) * model.gamma * following
    size = (value - target).abs()
    huber = th.where(size <= 1, 0.5 * size**2, size - 0.5)
    pal = th.where(size <= 1, 0.5 * size**2, size ** (1 + ALPHA) / (1 + ALPHA))
    losses = {"per": huber * drawn.weights, "lap": huber, "pal": pal / size.detach().clamp(min=1).pow(ALPHA).mean()}
    (gradient,) = th.autograd.grad(losses[loss].mean(), weight)
    model.train(1, 16)
    assert th.allclose(weight, before - 0.5 * gradient, atol=1e-6)
    stored = model.replay_buffer.sampler.priorities()[drawn.indices]
    wanted = size.detach().numpy()[:, 0]
    wanted = np.maximum(wanted, 1) ** ALPHA if loss == "lap" else (wanted + 1e-6) ** ALPHA
    if loss != "pal":  # which draws uniformly
        assert np.allclose(stored, wanted, rtol=1e-4)


def test_td3_takes_the_larger_error():
    model = PrioritizedTD3(
        "MlpPolicy", "Pendulum-v1", loss="lap", alpha=ALPHA, seed=1, learning_starts=40, buffer_size=64,
        policy_kwargs={"net_arch": [8]}, policy_delay=1, learning_rate=0.0,
    )  # fmt: skip
    model.learn(40)
    drawn = model.replay_buffer.sample(16, beta=0.5)
    drawn = drawn._replace(rewards=100 * drawn.rewards)
    type(model.replay_buffer).sample, sample = lambda *_: drawn, type(model.replay_buffer).sample
    try:
        model.target_policy_noise = 0.0
        model.train(1, 16)
    finally:
        type(model.replay_buffer).sample = sample
    with th.no_grad():
        action = model.actor_target(drawn.next_observations).clamp(-1, 1)
        following = th.cat(model.critic_target(drawn.next_observations, action), dim=1).min(dim=1, keepdim=True).values
        target = drawn.rewards + (1 - drawn.dones) * model.gamma * following
        size = th.cat([(value - target).abs() for value in model.critic(drawn.observations, drawn.actions)], dim=1)
    wanted = size.max(dim=1).values.clamp(min=1).numpy() ** ALPHA
    assert np.allclose(model.replay_buffer.sampler.priorities()[drawn.indices], wanted, rtol=1e-4)


def test_pal_draws_uniformly():
    with pytest.raises(ValueError, match="mode must be uniform with loss='pal', not per"):
        PrioritizedDQN("MlpPolicy", "CartPole-v1", loss="pal", mode="per")
    with pytest.raises(ValueError, match="loss must be one of per, lap, pal, not 'huber'"):
        PrioritizedDQN("MlpPolicy", "CartPole-v1", loss="huber")
