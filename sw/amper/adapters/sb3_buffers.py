"""Prioritized replay buffers for Stable-Baselines3; docs/software/adapters.md."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from amper.adapters.base import SamplerChoice, chosen_sampler, taken_options
from amper.sampler.arguments import plain_indices, plain_values
from amper.sampler.options import Mode
from amper.support.extras import require
from amper_spec.checks import checked_integer, checked_real

require("stable_baselines3", "sb3")
import torch as th  # noqa: E402
from stable_baselines3.common.buffers import DictReplayBuffer, NStepReplayBuffer, ReplayBuffer  # noqa: E402
from stable_baselines3.common.vec_env import VecNormalize  # noqa: E402


class PrioritizedSamples(NamedTuple):
    """A batch: tensors on the buffer's device, as in SB3 (dictionaries of them for dictionary observations).

    ``discounts`` is None for ``n_steps=1``. ``weights`` : float32 (b, 1) importance weights, the largest of which is 1.
    ``indices`` : NumPy int64 (b,), for ``update_priorities``; modulo the buffer's rows, the sampler's rows.
    """

    observations: Any
    actions: th.Tensor
    next_observations: Any
    dones: th.Tensor
    rewards: th.Tensor
    discounts: th.Tensor | None
    weights: th.Tensor
    indices: NDArray[np.int64]


class PrioritizedRows(ReplayBuffer):
    """What the two buffers below share: row p * n_envs + e of the sampler is position p of environment e.

    Members: ``dropped``, errors that came for transitions that had been replaced, and so were passed over.
    """

    dropped = 0
    _turn = 0  # of the ring, which the position that comes next is in; an index is turn * rows + row

    def __init__(
        self,
        *args: Any,
        alpha: float = 0.6,
        beta: float = 0.4,
        eps: float = 1e-6,
        n_steps: int = 1,
        gamma: float = 0.99,
        mode: Mode | None = None,
        seed: int | None = None,
        sampler: SamplerChoice = None,
        initial_priority: str | float | None = None,
        **kwargs: Any,
    ) -> None:
        options = taken_options(kwargs)
        for name, value in {"alpha": alpha, "beta": beta, "eps": eps, "gamma": gamma}.items():
            if checked_real(name, value) < 0:
                raise ValueError(f"{name} must be at least 0, not {value}")
        super().__init__(*args, **kwargs)
        self.alpha, self.beta, self.eps, self.gamma = alpha, beta, eps, gamma
        self.n_steps = checked_integer("n_steps", n_steps, 1, self.buffer_size)
        rows = self.buffer_size * self.n_envs
        self.sampler = chosen_sampler(
            rows, mode=mode, seed=seed, sampler=sampler, options=options, initial_priority=initial_priority
        )

    def add(self, *args: Any, **kwargs: Any) -> None:
        """Store a transition of each environment, as in SB3; it gets the sampler's ``new_priority``."""
        rows = self._rows(self.pos)
        super().add(*args, **kwargs)
        self.sampler.write(rows)
        self._turn += self.pos == 0
        if self.optimize_memory_usage and self.full:
            # Its observation is now the one after the newest.
            self.sampler.remove(self._rows(self.pos))

    def reset(self) -> None:
        """Forget all transitions and their priorities."""
        held = np.arange(self.size() * self.n_envs)
        held = held[self._are_drawn(*np.divmod(held, self.n_envs))]
        if held.size:
            self.sampler.remove(held)
        super().reset()
        self._turn += 2  # no index from before is of the latest turns

    def sample(self, batch_size: int, env: VecNormalize | None = None, beta: float | None = None) -> PrioritizedSamples:
        """Draw a batch by priority.

        Parameters
        ----------
        env : normalises observations and rewards, as in SB3. beta : the importance exponent; the constructor's if None.

        Raises
        ------
        TypeError, ValueError : a bad argument. NoValidRowError (a ValueError) : nothing was added yet.
        """
        rows, weights = self.sampler.sample(batch_size, self.beta if beta is None else beta)
        return self._of_rows(rows, weights, env)

    def _get_samples(self, batch_inds: NDArray[np.int64], env: VecNormalize | None = None) -> PrioritizedSamples:
        """Those positions of random environments; SB3's subclasses and tests call it."""
        rows = batch_inds * self.n_envs + np.random.randint(self.n_envs, size=batch_inds.size)
        return self._of_rows(rows, np.ones(rows.size, np.float32), env)

    def _of_rows(
        self, rows: NDArray[np.int64], weights: NDArray[np.float32], env: VecNormalize | None
    ) -> PrioritizedSamples:
        first, envs = np.divmod(rows, self.n_envs)
        last, rewards, discounts = self._returns(first, envs, env)
        if self.optimize_memory_usage:
            following = self._observed(self.observations, (last + 1) % self.buffer_size, envs, env)
        else:
            following = self._observed(self.next_observations, last, envs, env)
        # An episode that ran out of time has not come to an end: its value goes on.
        dones = self.dones[last, envs] * (1 - self.timeouts[last, envs])
        return PrioritizedSamples(
            self._observed(self.observations, first, envs, env),
            self.to_torch(self.actions[first, envs]),
            following,
            self.to_torch(dones[:, None]),
            self.to_torch(rewards[:, None]),
            None if discounts is None else self.to_torch(discounts[:, None]),
            self.to_torch(weights[:, None]),
            rows + self.sampler.rows * self._turns(first),
        )

    def update_priorities(self, indices: NDArray[np.int64], errors: NDArray[np.floating]) -> None:
        """Store (|error| + eps)^alpha for ``indices`` of samples; of one that comes twice the later counts.

        Those of transitions that were replaced meanwhile are passed over, and counted in ``dropped``.

        Raises TypeError, ValueError : indices that no sample had; errors that are not finite. Nothing is stored then.
        """
        numbers = plain_indices(indices)
        values = (np.abs(plain_values("errors", errors, signed=True)) + self.eps) ** self.alpha
        if numbers.size != values.size:
            raise ValueError(f"indices and errors must be of one length, not {numbers.size} and {values.size}")
        turns, rows = np.divmod(numbers, self.sampler.rows)
        first, envs = np.divmod(rows, self.n_envs)
        newest = self._turns(first)
        if (wrong := numbers[(numbers < 0) | (turns > newest)]).size:
            raise ValueError(f"indices must be of transitions that were added, not {wrong[0]}")
        there = (turns == newest) & self._are_drawn(first, envs)
        self.sampler.update(rows[there], values[there])
        self.dropped += numbers.size - int(there.sum())

    def _are_drawn(self, first: NDArray[np.int64], envs: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether transitions that are stored can be drawn, too."""
        without = self.optimize_memory_usage and self.full  # an observation, which is the one after the newest
        return first != self.pos if without else np.ones(first.size, bool)

    def _turns(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """The turn of the ring in which each position was stored last."""
        turns: NDArray[np.int64] = self._turn - (positions >= self.pos)
        return turns

    def _rows(self, position: int) -> NDArray[np.int64]:
        return np.arange(position * self.n_envs, (position + 1) * self.n_envs)

    def _observed(self, store: Any, rows: NDArray[np.int64], envs: NDArray[np.int64], env: VecNormalize | None) -> Any:
        """Observations, normalised, as tensors."""
        if isinstance(store, dict):
            found = self._normalize_obs({key: values[rows, envs] for key, values in store.items()}, env)
            return {key: self.to_torch(values) for key, values in found.items()}
        return self.to_torch(self._normalize_obs(store[rows, envs], env))

    def _returns(
        self, first: NDArray[np.int64], envs: NDArray[np.int64], env: VecNormalize | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32] | None]:
        """Of n-step returns: the position of the last step, (b,) discounted rewards, what to discount its value by.

        They end early where the episode does, and at the newest transition, after which the ring goes on with the
        oldest.
        """
        if self.n_steps == 1:
            return first, self._normalize_reward(self.rewards[first, envs], env), None
        ahead = np.arange(self.n_steps)
        steps = (first[:, None] + ahead) % self.buffer_size
        column = envs[:, None]
        ends = (self.dones[steps, column] > 0) | (self.timeouts[steps, column] > 0)
        ends |= steps == (self.pos - 1) % self.buffer_size
        length = np.where(ends.any(axis=1), ends.argmax(axis=1) + 1, self.n_steps)
        kept = np.float32(self.gamma) ** ahead.astype(np.float32) * (ahead < length[:, None])
        rewards = (self._normalize_reward(self.rewards[steps, column], env) * kept).sum(axis=1)
        discounts = np.float32(self.gamma) ** length.astype(np.float32)
        return steps[np.arange(first.size), length - 1], rewards, discounts


class AmperReplayBuffer(PrioritizedRows):
    """SB3's ``ReplayBuffer``, whose samples carry importance weights and indices.

    Parameters
    ----------
    buffer_size to handle_timeout_termination : as in SB3. **kwargs : parameters of ``amper.Sampler``.
    alpha, eps : a priority is (|TD error| + eps)^alpha. beta : importance exponent where ``sample`` gets none.
    n_steps, gamma : of n-step returns, as in SB3's ``NStepReplayBuffer``.
    mode, seed, sampler, initial_priority : what draws; see ``amper.adapters.base.chosen_sampler``. It has
        ``buffer_size // n_envs * n_envs`` rows.
    """


class AmperNStepReplayBuffer(AmperReplayBuffer):
    """``AmperReplayBuffer`` for n-step returns: to ``isinstance`` it is an ``NStepReplayBuffer``, by which SB3's users
    tell them apart, though it keeps and adds up steps in its own way."""

    def __init__(self, *args: Any, n_steps: int = 3, **kwargs: Any) -> None:
        super().__init__(*args, n_steps=n_steps, **kwargs)


NStepReplayBuffer.register(AmperNStepReplayBuffer)


class AmperDictReplayBuffer(PrioritizedRows, DictReplayBuffer):
    """``AmperReplayBuffer`` for dictionaries of observations: SB3's ``DictReplayBuffer``."""
