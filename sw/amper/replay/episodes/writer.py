"""``VectorWriter``: what a vector environment's ``step`` gives, stored as transitions that each lie in one episode."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from amper.replay.nested import mapped
from amper_spec.checks import checked_choice

# One array of all environments, or a dictionary or tuple of such.
Observations = Any

if TYPE_CHECKING:
    from amper.replay.buffer import ReplayBuffer

# Gymnasium's ``AutoresetMode``: an environment that ended is reset by the next step, whose action counts for nothing;
# in the step that ended it, whose observation is in the infos then; by the caller.
NEXT_STEP, SAME_STEP, DISABLED = MODES = ("NextStep", "SameStep", "Disabled")
NAMES = ("obs", "action", "reward", "next_obs", "terminated", "truncated")


class VectorWriter:
    """Stores the steps of a Gymnasium vector environment in a buffer; made by ``ReplayBuffer.writer``.

    Parameters
    ----------
    buffer : with columns among obs, action, reward, next_obs, terminated, truncated, and those that ``add`` gets.
    envs : the vector environment, of which the number and the ``autoreset_mode`` are read.
    """

    def __init__(self, buffer: ReplayBuffer, envs: Any) -> None:
        self._buffer = buffer
        if not hasattr(envs, "num_envs"):
            raise TypeError(f"envs must be a vector environment, not {type(envs).__name__}")
        self._count = int(envs.num_envs)
        mode = getattr(envs, "metadata", {}).get("autoreset_mode")
        self._mode = checked_choice("autoreset_mode", getattr(mode, "value", mode), MODES)
        linked = buffer.n_step or buffer.sequences or buffer.frames
        if linked is not None and linked.envs != self._count:
            name = "n_step" if buffer.n_step else "sequences" if buffer.sequences else "frames"
            raise ValueError(f"{name} must be of the {self._count} environments, not {linked.envs}")
        self._linked = linked is not None
        self._obs: Observations | None = None
        self._over = np.ones(self._count, bool)  # nothing that is stored goes on

    def reset(self, obs: Observations, mask: NDArray[np.bool_] | None = None) -> None:
        """Take what ``envs.reset`` gave: (envs, ...) observations, new where ``mask`` is true; None: all of them."""
        again = np.ones(self._count, bool) if mask is None else np.asarray(mask, bool)
        if self._mode == DISABLED and self._obs is not None and (left := self._over & ~again).any():
            raise ValueError(f"mask must have every environment that ended, and has not {np.flatnonzero(left)[0]}")
        self._buffer.cut(np.flatnonzero(again & ~self._over))
        self._obs, self._over = mapped(self._copied, obs), self._over & ~again

    def add(
        self,
        action: ArrayLike,
        obs: Observations,
        reward: ArrayLike,
        terminated: ArrayLike,
        truncated: ArrayLike,
        infos: Mapping[str, Any],
        **more: ArrayLike,
    ) -> NDArray[np.int64]:
        """Store ``envs.step(action)``, as it came: ``add(action, *envs.step(action))``; returns the indices, (k,).

        k is the number of environments, less those that this step has only reset.

        Parameters
        ----------
        more : (envs, ...) of further columns.

        Raises
        ------
        RuntimeError : before ``reset``. TypeError, ValueError : as ``ReplayBuffer.extend``; an episode that ended
        without its last observation; a step over an end that nobody reset. Nothing is stored then.
        """
        if self._obs is None:
            raise RuntimeError("add needs the first observations: give reset those of envs.reset first")
        if self._mode == DISABLED and self._over.any():
            env = np.flatnonzero(self._over)[0]
            raise ValueError(f"environment {env} must be reset after its end, and reset be told, before it steps on")
        seen = mapped(self._copied, obs)
        over = np.asarray(terminated, bool) | np.asarray(truncated, bool)
        following = self._last_observations(seen, over, infos) if self._mode == SAME_STEP else seen
        values = dict(zip(NAMES, (self._obs, action, reward, following, terminated, truncated), strict=True))
        values = {name: value for name, value in values.items() if name in self._buffer.names} | more
        steps = ~self._over  # of NEXT_STEP: those that ended before have only been reset
        kept = np.flatnonzero(steps)
        indices = np.zeros(0, np.int64)
        if kept.size:
            env = kept if self._linked else None
            of_steps = {name: mapped(lambda value: np.asarray(value)[steps], value) for name, value in values.items()}
            indices = self._buffer.extend(env=env, **of_steps)
        self._obs = seen
        self._over = np.zeros_like(over) if self._mode == SAME_STEP else over & steps
        return indices

    def _copied(self, obs: ArrayLike) -> NDArray[Any]:
        """Environments may use the array again."""
        copy = np.array(obs)
        if copy.shape[:1] != (self._count,):
            raise ValueError(f"obs must have the {self._count} environments first, not the shape {copy.shape}")
        return copy

    def _last_observations(self, obs: Observations, over: NDArray[np.bool_], infos: Mapping[str, Any]) -> Observations:
        """``obs`` with those of ended episodes, which are of the next episode, replaced by the last of their own."""
        last: Observations = mapped(np.copy, obs)
        for env in np.flatnonzero(over):
            found = infos.get("final_obs")
            if found is None or _of_env(found, env) is None:
                raise ValueError(f"infos must have final_obs of environment {env}, whose episode ended, and has not")
            _put(last, env, found)
        return last


def _of_env(found: Any, env: Any) -> Any:
    """One leaf of what an environment's last observation is kept in."""
    while isinstance(found, Mapping):
        found = next(iter(found.values()))
    return found[env]


def _put(last: Observations, env: Any, found: Any) -> None:
    """Replace an environment's observation by its last one.

    Gymnasium makes a dictionary of arrays out of dictionaries, and an array of whatever else there is.
    """
    one = mapped(lambda of_all: of_all[env], found) if isinstance(found, Mapping) else found[env]
    mapped(lambda of_all, of_one: of_all.__setitem__(env, of_one), last, one)
