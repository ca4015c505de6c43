"""The agent: DQN (Mnih et al. 2015), double or not, that learns from weighted batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from amper_lab.train.options import TrainOptions

_GRADIENT_NORM = 10.0  # longer gradients are cut to this length


class Agent:
    """Q-network of two hidden layers, with its target network.

    Parameters
    ----------
    observation_size, actions : of the environment. seed : of the initial weights.
    """

    def __init__(self, options: TrainOptions, observation_size: int, actions: int, seed: int) -> None:
        self._options = options
        # Initial weights come from torch's global generator: seed a copy of it, and leave the caller's alone.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.online = _network(observation_size, options.hidden, actions)
            self.target = _network(observation_size, options.hidden, actions)
        self.target.load_state_dict(self.online.state_dict())
        self._optimizer = torch.optim.Adam(self.online.parameters(), lr=options.lr, fused=True)
        self.updates = 0

    @torch.no_grad()
    def act(self, observations: NDArray[np.float32]) -> NDArray[np.int64]:
        """(k,) actions of the largest Q-value for (k, observation_size) observations."""
        actions: NDArray[np.int64] = self.online(torch.from_numpy(observations)).argmax(dim=1).numpy()
        return actions

    def learn(self, batch: dict[str, Any]) -> tuple[NDArray[np.float32], float]:
        """One update with the weighted Huber loss; ``batch`` has arrays of b rows by column, and "weights".

        Returns the (b,) TD errors and the loss.
        """
        names = ("before", "action", "reward", "after", "terminated", "weights")
        tensors = {name: torch.from_numpy(batch[name]) for name in names}
        value = self.online(tensors["before"]).gather(1, tensors["action"][:, None])[:, 0]
        goal = self._goal(tensors)
        losses = torch.nn.functional.smooth_l1_loss(value, goal, reduction="none")
        loss = (tensors["weights"] * losses).mean()
        self._optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.online.parameters(), _GRADIENT_NORM)
        self._optimizer.step()
        self.updates += 1
        if self.updates % self._options.target_period == 0:
            self.target.load_state_dict(self.online.state_dict())
        return (goal - value.detach()).numpy(), float(loss.detach())

    @torch.no_grad()
    def _goal(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        after = self.target(batch["after"])
        if self._options.double:
            best = self.online(batch["after"]).argmax(dim=1, keepdim=True)
            future = after.gather(1, best)[:, 0]
        else:
            future = after.max(dim=1).values
        goal: torch.Tensor = batch["reward"] + self._options.discount * future * (1 - batch["terminated"])
        return goal


def _network(observation_size: int, hidden: int, actions: int) -> torch.nn.Sequential:
    return torch.nn.Sequential(
        torch.nn.Linear(observation_size, hidden),
        torch.nn.ReLU(),
        torch.nn.Linear(hidden, hidden),
        torch.nn.ReLU(),
        torch.nn.Linear(hidden, actions),
    )
