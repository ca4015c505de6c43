"""Prioritized replay for SB3-Contrib's QR-DQN; docs/software/adapters.md."""

from __future__ import annotations

from typing import Any

import numpy as np

from amper.adapters.sb3 import OwnSteps
from amper.adapters.sb3_buffers import PrioritizedSamples
from amper.support.extras import require

require("sb3_contrib", "sb3")
import torch as th  # noqa: E402
from sb3_contrib import QRDQN  # noqa: E402


class PrioritizedQRDQN(OwnSteps, QRDQN):
    """SB3-Contrib's QR-DQN with prioritized replay; ``amper.sb3.Prioritized`` has its parameters, ``loss`` "per" alone.

    A transition's TD error is its quantile Huber loss (as Rainbow takes its own loss), logged as train/td_error.
    """

    losses = ("per",)
    quantile_net: Any
    quantile_net_target: Any
    max_grad_norm: float | None

    def _learn_from(self, batch: PrioritizedSamples) -> tuple[float, float]:
        discounts = self.gamma if batch.discounts is None else batch.discounts
        rows = th.arange(len(batch.actions))
        with th.no_grad():
            following = self.quantile_net_target(batch.next_observations)  # (b, quantiles, actions)
            best = following.mean(dim=1).argmax(dim=1)
            target = batch.rewards + (1 - batch.dones) * discounts * following[rows, :, best]
        values = self.quantile_net(batch.observations)[rows, :, batch.actions[:, 0].long()]
        of_each = quantile_losses(values, target)
        loss = (batch.weights[:, 0] * of_each).mean()
        self.policy.optimizer.zero_grad()
        loss.backward()
        if self.max_grad_norm is not None:
            th.nn.utils.clip_grad_norm_(self.policy.parameters(), self.max_grad_norm)
        self.policy.optimizer.step()
        errors = of_each.detach().cpu().numpy()
        self._give_back(batch.indices, errors)
        return loss.item(), float(np.mean(errors))


def quantile_losses(values: th.Tensor, targets: th.Tensor) -> th.Tensor:
    """(b,): the quantile Huber loss of each line of ``values``, (b, N), to ``targets``, (b, M).

    Dabney et al. 2018, equation 10: the sum over values, the mean over targets.
    """
    errors = targets[:, None, :] - values[:, :, None]
    huber = th.where(errors.abs() <= 1, 0.5 * errors**2, errors.abs() - 0.5)
    count = values.shape[1]
    middles = ((th.arange(count, device=values.device) + 0.5) / count)[None, :, None]
    return ((middles - (errors.detach() < 0).float()).abs() * huber).mean(dim=2).sum(dim=1)
