"""The agent: DQN (Mnih et al. 2015), double or not, that learns from weighted batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from amper_lab.train.networks import Networks
from amper_lab.train.options import TrainOptions

_GRADIENT_NORM = 10.0  # longer gradients, of a network each, are cut to this length


class Agent:
    """K agents that know nothing of each other, side by side: Q-networks of two hidden layers, with target networks.

    Side by side, because a call costs more than the arithmetic of so small a network; another K changes nothing but,
    at most, how sums are rounded.

    Parameters
    ----------
    observation_size, actions : of the environment. seeds : K of them, of the initial weights.
    """

    def __init__(self, options: TrainOptions, observation_size: int, actions: int, seeds: Sequence[int]) -> None:
        self._options = options
        sizes = (observation_size, options.hidden, actions)
        self.online, self.target = Networks(sizes, seeds), Networks(sizes, seeds)
        self._optimizer = torch.optim.Adam([self.online.flat], lr=options.lr, fused=True)
        self.updates = 0  # of each

    @torch.no_grad()
    def act(self, observations: NDArray[np.float32]) -> NDArray[np.int64]:
        """(K, m) actions of the largest Q-value for (K, m, observation_size) observations."""
        values = self.online.layers(torch.from_numpy(observations))[-1]
        actions: NDArray[np.int64] = values.argmax(dim=2).numpy()
        return actions

    @torch.no_grad()
    def learn(self, batch: Mapping[str, NDArray[Any]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """One update of each with the weighted Huber loss; ``batch`` has (K, b, ...) arrays by column, and "weights".

        Returns the (K, b) TD errors and the (K,) losses.
        """
        names = ("before", "action", "reward", "after", "terminated", "weights")
        before, action, reward, after, terminated, weights = (torch.from_numpy(batch[name]) for name in names)
        size, action = before.shape[1], action[..., None]
        double = self._options.double
        layers = self.online.layers(torch.cat((before, after), dim=1) if double else before)
        future = self.target.layers(after)[-1]
        best = (layers[-1][:, size:] if double else future).argmax(dim=2, keepdim=True)
        goal = reward + self._options.discount * future.gather(2, best)[..., 0] * (1 - terminated)
        layers = [layer[:, :size] for layer in layers]
        errors = goal - layers[-1].gather(2, action)[..., 0]
        # Huber's loss is half the square within 1, and a straight line beyond; its slope by the value is -cut.
        cut = errors.clamp(-1, 1)
        losses = (weights * cut * (errors - cut / 2)).mean(dim=1)
        slopes = torch.zeros_like(layers[-1]).scatter_(2, action, (weights * cut / -size)[..., None])
        self.online.differentiate(layers, slopes)
        self._step()
        return errors.numpy(), losses.numpy()

    def _step(self) -> None:
        slopes = self.online.flat.grad
        assert slopes is not None
        slopes *= (_GRADIENT_NORM / (slopes.norm(dim=1, keepdim=True) + 1e-6)).clamp(max=1)
        self._optimizer.step()
        self.updates += 1
        if self.updates % self._options.target_period == 0:
            self.target.flat.copy_(self.online.flat)
