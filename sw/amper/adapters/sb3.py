"""Prioritized replay for Stable-Baselines3: DQN, SAC and TD3 that use it; docs/software/adapters.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amper.adapters.sb3_buffers import (
    AmperDictReplayBuffer,
    AmperNStepReplayBuffer,
    AmperReplayBuffer,
    PrioritizedRows,
    PrioritizedSamples,
)
from amper.adapters.sb3_losses import LOSSES, lap_slope, pal_slope
from amper.sampler.options import Mode
from amper.support.extras import require
from amper.support.files import replacing
from amper_spec.checks import checked_choice

require("stable_baselines3", "sb3")
import torch as th  # noqa: E402
from gymnasium import spaces  # noqa: E402
from stable_baselines3 import DQN, SAC, TD3  # noqa: E402
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm  # noqa: E402
from stable_baselines3.common.utils import FloatSchedule, LinearSchedule  # noqa: E402

BETA = LinearSchedule(0.4, 1.0, 1.0)  # over the whole of the training, as Schaul et al. 2016 have it


class Prioritized(OffPolicyAlgorithm):
    """What the algorithms below share: replay by priority, with weights in the loss and TD errors back into it.

    Parameters
    ----------
    policy, env, *args, **kwargs : as of SB3's algorithm.
    mode, alpha : of ``AmperReplayBuffer``; ``replay_buffer_kwargs`` has its other parameters. There ``sampler`` can
        only be a function of the rows, so that a model that was saved can be loaded.
    loss : "per" has the importance weights in it; "lap" (priorities of max(|error|, 1)) and "pal" (uniform draws) have
        none, and are those of Fujimoto et al. 2020.
    beta : the importance exponent, or a function of the progress that remains, from 1 to 0, as SB3's learning rate.

    Logs beside SB3's entries train/beta and train/td_error, the mean of |TD error|.
    """

    losses: tuple[str, ...] = LOSSES  # those that there are of it
    n_steps: int
    replay_buffer_class: Any
    replay_buffer_kwargs: dict[str, Any]

    def __init__(
        self,
        policy: Any,
        env: Any,
        *args: Any,
        mode: Mode | None = None,
        alpha: float = 0.6,
        beta: Any = BETA,
        loss: str = "per",
        replay_buffer_kwargs: dict[str, Any] | None = None,
        _init_setup_model: bool = True,
        **kwargs: Any,
    ) -> None:
        self.loss = checked_choice("loss", loss, self.losses)
        if loss == "pal":
            if mode not in (None, "uniform"):
                raise ValueError(f"mode must be uniform with loss='pal', not {mode}")
            mode = "uniform"
        given = {
            "alpha": alpha,
            "mode": mode,
            **({"eps": 0.0} if loss == "lap" else {}),
            **(replay_buffer_kwargs or {}),
        }
        if given.get("sampler") is not None and not callable(given["sampler"]):
            kind = type(given["sampler"]).__name__
            raise TypeError(f"sampler must be a function of the rows, with which a saved model is loaded, not {kind}")
        super().__init__(policy, env, *args, replay_buffer_kwargs=given, _init_setup_model=False, **kwargs)
        self.beta = FloatSchedule(beta)
        if _init_setup_model:
            self._setup_model()

    def _setup_model(self) -> None:
        if self.replay_buffer_class is None:
            is_dict = isinstance(self.observation_space, spaces.Dict)
            alone = AmperNStepReplayBuffer if self.n_steps > 1 else AmperReplayBuffer
            self.replay_buffer_class = AmperDictReplayBuffer if is_dict else alone
        if not issubclass(self.replay_buffer_class, PrioritizedRows):
            name = self.replay_buffer_class.__name__
            raise TypeError(f"replay_buffer_class must be AmperReplayBuffer or AmperDictReplayBuffer, not {name}")
        self.replay_buffer_kwargs = {"n_steps": self.n_steps, "gamma": self.gamma, **self.replay_buffer_kwargs}
        # SB3 would say that it leaves n_steps to a buffer class that is not its own.
        steps, self.n_steps = self.n_steps, 1
        super()._setup_model()
        self.n_steps = steps

    def _slope(self, errors: th.Tensor, weights: th.Tensor) -> th.Tensor:
        """(b, 1): the derivative of the loss by each value; ``errors`` = value - target."""
        if self.loss == "lap":
            return lap_slope(errors)
        if self.loss == "pal":
            return pal_slope(errors, self.replay_buffer.alpha)
        return self._per_slope(errors) * weights

    def _per_slope(self, errors: th.Tensor) -> th.Tensor:
        """Without weights, as SB3 has it."""
        return errors

    def _give_back(self, indices: NDArray[np.int64], errors: NDArray[np.float32]) -> None:
        """New priorities of the absolute ``errors``, (b,) or (critics, b)."""
        of_all = np.atleast_2d(errors)
        joint = np.maximum(of_all.max(axis=0), 1) if self.loss == "lap" else of_all.mean(axis=0)
        self.replay_buffer.update_priorities(indices, joint)

    def save_replay_buffer(self, path: Any) -> None:
        """As in SB3, but a path is written to a file beside it, which takes its place in the end."""
        if not isinstance(path, str | Path):
            super().save_replay_buffer(path)
            return
        target = Path(path) if Path(path).suffix else Path(f"{path}.pkl")  # SB3's rule
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as aside:
            super().save_replay_buffer(aside)


class OwnSteps(Prioritized):
    """Algorithms whose gradient steps are made here, each from a batch of its own: ``_learn_from``."""

    def train(self, gradient_steps: int, batch_size: int = 100) -> None:
        """Take gradient steps, each with a batch of its own."""
        self.policy.set_training_mode(True)
        self._update_learning_rate(self.policy.optimizer)
        beta = self.beta(self._current_progress_remaining)
        done = np.array(
            [
                self._learn_from(self.replay_buffer.sample(batch_size, self._vec_normalize_env, beta))
                for _ in range(gradient_steps)
            ]
        )
        self._n_updates += gradient_steps
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
        self.logger.record("train/beta", beta)
        if done.size:
            loss, error = done.mean(axis=0)
            self.logger.record("train/loss", loss)
            self.logger.record("train/td_error", error)

    def _learn_from(self, batch: PrioritizedSamples) -> tuple[float, float]:
        """One gradient step with the weighted loss, and new priorities; (loss, mean of |TD error|)."""
        raise NotImplementedError


class PrioritizedDQN(OwnSteps, DQN):
    """SB3's DQN with prioritized replay; ``Prioritized`` has its parameters."""

    def _per_slope(self, errors: th.Tensor) -> th.Tensor:
        return errors.clamp(-1, 1)  # SB3's loss is Huber's

    def _learn_from(self, batch: PrioritizedSamples) -> tuple[float, float]:
        discounts = self.gamma if batch.discounts is None else batch.discounts
        with th.no_grad():
            following = self.q_net_target(batch.next_observations).max(dim=1, keepdim=True).values
            target = batch.rewards + (1 - batch.dones) * discounts * following
        value = self.q_net(batch.observations).gather(1, batch.actions.long())
        difference = value.detach() - target
        loss = (batch.weights * th.nn.functional.huber_loss(value.detach(), target, reduction="none")).mean()
        self.policy.optimizer.zero_grad()
        value.backward(self._slope(difference, batch.weights) / len(difference))
        th.nn.utils.clip_grad_norm_(self.policy.parameters(), self.max_grad_norm)
        self.policy.optimizer.step()
        errors = difference.abs().cpu().numpy()[:, 0]
        self._give_back(batch.indices, errors)
        return loss.item(), float(errors.mean())


class _Weighted(Prioritized):
    """Actor and critic, trained by SB3's own ``train``.

    Its critic's loss is ``slope`` / 2 of the mean squared error, so the gradient by a value is
    slope (value - target) / b. That has the TD error, from which the gradient of the weighted loss is made.
    """

    slope: float
    critic: Any

    def train(self, gradient_steps: int, batch_size: int = 100) -> None:
        """Take gradient steps, each with a batch of its own."""
        beta = self.beta(self._current_progress_remaining)
        buffer = self.replay_buffer
        drawn: list[PrioritizedSamples] = []  # the batch that is learned from
        errors: list[NDArray[np.float32]] = []  # of it, from each critic
        means: list[float] = []

        def give_back() -> None:
            if errors:
                means.append(float(np.mean(errors)))
                self._give_back(drawn[0].indices, np.stack(errors))
                errors.clear()

        def sample(size: int, env: Any = None) -> PrioritizedSamples:
            give_back()
            drawn[:] = [type(buffer).sample(buffer, size, env, beta)]
            return drawn[0]

        def weighted(gradient: th.Tensor) -> th.Tensor:
            of_each = gradient * (len(gradient) / self.slope)
            errors.append(of_each.abs().cpu().numpy()[:, 0])
            return self._slope(of_each, drawn[0].weights) * (self.slope / len(gradient))

        def watch(critic: Any, inputs: tuple[Any, ...], values: tuple[th.Tensor, ...]) -> None:
            if drawn and inputs[1] is drawn[0].actions:  # not the actor's
                for value in values:
                    value.register_hook(weighted)

        watching = self.critic.register_forward_hook(watch)
        buffer.sample = sample  # for as long as this takes
        try:
            super().train(gradient_steps, batch_size)
            give_back()
        finally:
            watching.remove()
            del buffer.sample
        self.logger.record("train/beta", beta)
        if means:
            self.logger.record("train/td_error", np.mean(means))


class PrioritizedSAC(_Weighted, SAC):
    """SB3's SAC with prioritized replay; ``Prioritized`` has its parameters."""

    slope = 1.0


class PrioritizedTD3(_Weighted, TD3):
    """SB3's TD3 with prioritized replay; ``Prioritized`` has its parameters."""

    slope = 2.0
