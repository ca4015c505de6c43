"""``AmperHerReplayBuffer``: hindsight relabelling for Stable-Baselines3, by priority; docs/software/adapters.md."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from amper.adapters.sb3_buffers import PrioritizedRows, PrioritizedSamples
from amper.support.extras import require

require("stable_baselines3", "sb3")
import torch as th  # noqa: E402
from stable_baselines3 import HerReplayBuffer  # noqa: E402
from stable_baselines3.common.vec_env import VecNormalize  # noqa: E402


class AmperHerReplayBuffer(PrioritizedRows, HerReplayBuffer):
    """SB3's ``HerReplayBuffer``, which draws by priority; its parameters, and those of ``AmperReplayBuffer``.

    As there, transitions are drawn from the end of their episode on, until one of them is overwritten, and a fixed
    share of each batch gets goals that were reached later. A transition has one priority, whatever its goal.

    Raises ValueError : ``n_steps`` above 1, for which goals are not defined.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.n_steps != 1:
            raise ValueError(f"n_steps must be 1 with hindsight, not {self.n_steps}")

    def add(self, *args: Any, **kwargs: Any) -> None:
        """Store a transition of each environment, as in SB3."""
        for env in range(self.n_envs):
            # SB3 gives up the rest of an episode whose beginning is overwritten.
            end = self.ep_start[self.pos, env] + self.ep_length[self.pos, env]
            if self.ep_length[self.pos, env] > 0:
                self.sampler.remove(self._rows_of(np.arange(self.pos, end), env))
        HerReplayBuffer.add(self, *args, **kwargs)
        self._turn += self.pos == 0

    def _compute_episode_length(self, env_idx: int) -> None:
        """Called by SB3 when an episode has ended: from now on it is drawn."""
        start = int(self._current_ep_start[env_idx])
        super()._compute_episode_length(env_idx)
        self.sampler.write(self._rows_of(start + np.arange(self.ep_length[start, env_idx]), env_idx))

    def reset(self) -> None:
        """Forget all transitions and their priorities."""
        super().reset()
        self.ep_length[:] = 0
        self._current_ep_start[:] = 0

    def sample(self, batch_size: int, env: VecNormalize | None = None, beta: float | None = None) -> PrioritizedSamples:
        """Draw a batch by priority, as ``AmperReplayBuffer``; its last transitions have new goals.

        Raises RuntimeError, as in SB3 : no episode has ended.
        """
        if not len(self.sampler):
            raise RuntimeError("Unable to sample before the end of the first episode: learning_starts must be later")
        rows, weights = self.sampler.sample(batch_size, self.beta if beta is None else beta)
        first, envs = np.divmod(rows, self.n_envs)
        real = batch_size - int(self.her_ratio * batch_size)
        parts = (
            self._get_real_samples(first[:real], envs[:real], env),
            self._get_virtual_samples(first[real:], envs[real:], env),
        )
        joined = {name: _joined([getattr(part, name) for part in parts]) for name in _SHARED}
        return PrioritizedSamples(
            **joined,
            discounts=None,
            weights=self.to_torch(weights[:, None]),
            indices=rows + self.sampler.rows * self._turns(first),
        )

    def _are_drawn(self, first: NDArray[np.int64], envs: NDArray[np.int64]) -> NDArray[np.bool_]:
        drawn: NDArray[np.bool_] = self.ep_length[first, envs] > 0
        return drawn

    def _rows_of(self, positions: NDArray[np.int64], env: int) -> NDArray[np.int64]:
        rows: NDArray[np.int64] = positions % self.buffer_size * self.n_envs + env
        return rows


_SHARED = ("observations", "actions", "next_observations", "dones", "rewards")


def _joined(parts: list[Any]) -> Any:
    if isinstance(parts[0], dict):
        return {key: th.cat([part[key] for part in parts]) for key in parts[0]}
    return th.cat(parts)
