"""Gymnasium's environments, and how well a policy does in one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from amper.support.extras import require

if TYPE_CHECKING:
    import gymnasium

FloatArray = NDArray[np.float32]
Policy = Callable[[FloatArray], NDArray[np.int64]]


def make_env(name: str) -> gymnasium.Env[Any, Any]:
    """The environment.

    Raises
    ------
    ValueError : no such environment, or its observations are not flat or its actions not discrete.
    ImportError : Gymnasium or what the environment needs is not installed; the message names the extra.
    """
    gym = require("gymnasium", "train")
    try:
        env: gymnasium.Env[Any, Any] = gym.make(name)
    except gym.error.DependencyNotInstalled as error:
        raise ImportError(f"env {name} needs more packages ({error}): pip install 'amper[train]'") from error
    except gym.error.Error as error:
        raise ValueError(f"env must be a Gymnasium environment, not {name!r}: {error}") from error
    seen, done = env.observation_space, env.action_space
    if not isinstance(seen, gym.spaces.Box) or len(seen.shape) != 1:
        raise ValueError(f"env must have a flat real observation, not {name!r} with {seen}")
    if not isinstance(done, gym.spaces.Discrete) or done.start != 0:
        raise ValueError(f"env must have discrete actions from 0, not {name!r} with {done}")
    return env


def action_count(env: gymnasium.Env[Any, Any]) -> int:
    """Actions of an environment of `make_env`."""
    return int(env.action_space.n)


class Evaluation:
    """Episodes of a policy, side by side, so that one call decides for all.

    Parameters
    ----------
    env : its name. episodes : how many. explore : chance of a random action, without which a policy that goes round in
    a circle does so until time is up. seed : of all chance; each call of `returns` starts other episodes.
    """

    def __init__(self, env: str, episodes: int, explore: float, seed: np.random.SeedSequence) -> None:
        self._envs = [make_env(env) for _ in range(episodes)]
        self._actions = action_count(self._envs[0])
        self._explore = explore
        self._rng = np.random.default_rng(seed)

    def returns(self, policy: Policy) -> list[float]:
        """The return of each episode of ``policy``, which gives (k,) actions for (k, ...) observations."""
        seeds = self._rng.integers(1 << 31, size=len(self._envs)).tolist()
        seen = [env.reset(seed=seed)[0] for env, seed in zip(self._envs, seeds, strict=True)]
        totals = [0.0] * len(seen)
        running = list(range(len(seen)))
        while running:
            actions = policy(np.asarray([seen[each] for each in running], dtype=np.float32))
            anything = self._rng.integers(self._actions, size=len(running))
            actions = np.where(self._rng.random(len(running)) < self._explore, anything, actions)
            still = []
            for each, action in zip(running, actions.tolist(), strict=True):
                seen[each], reward, terminated, truncated, _ = self._envs[each].step(action)
                totals[each] += float(reward)
                if not (terminated or truncated):
                    still.append(each)
            running = still
        return totals

    def close(self) -> None:
        """Let go of the environments."""
        for env in self._envs:
            env.close()
