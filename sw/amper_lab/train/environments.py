"""Gymnasium's environments, and how well a policy does in one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from amper.support.extras import require

if TYPE_CHECKING:
    import gymnasium

FloatArray = NDArray[np.float32]
Policy = Callable[[FloatArray], NDArray[np.int64]]


# Environments that are Gymnasium's with arguments: the reward, 1, is at the end of a walk of at least 14 steps.
WITH_ARGUMENTS: dict[str, dict[str, Any]] = {
    "FrozenLake8x8-NotSlippery": {"id": "FrozenLake-v1", "map_name": "8x8", "is_slippery": False},
}


def make_env(name: str) -> gymnasium.Env[Any, Any]:
    """The environment: Gymnasium's, or one of ``WITH_ARGUMENTS``.

    Discrete observations become vectors with a single 1 (``gymnasium.wrappers.FlattenObservation``).

    Raises
    ------
    ValueError : no such environment, or its observations are neither flat nor discrete or its actions not discrete.
    ImportError : Gymnasium or what the environment needs is not installed; the message names the extra.
    """
    gym = require("gymnasium", "train")
    try:
        env: gymnasium.Env[Any, Any] = gym.make(**WITH_ARGUMENTS.get(name, {"id": name}))
    except gym.error.DependencyNotInstalled as error:
        raise ImportError(f"env {name} needs more packages ({error}): pip install 'amper[train]'") from error
    except gym.error.Error as error:
        raise ValueError(f"env must be a Gymnasium environment, not {name!r}: {error}") from error
    if isinstance(env.observation_space, gym.spaces.Discrete):
        env = gym.wrappers.FlattenObservation(env)
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
    """Episodes of policies, all side by side, so that one call decides for all.

    Parameters
    ----------
    env : its name. episodes : of each policy. explore : chance of a random action, without which a policy that goes
    round in a circle does so until time is up. seeds : for each policy, of all chance; each call of `returns` starts
    other episodes.
    """

    def __init__(self, env: str, episodes: int, explore: float, seeds: Sequence[np.random.SeedSequence]) -> None:
        self._envs = [[make_env(env) for _ in range(episodes)] for _ in seeds]
        self._actions = action_count(self._envs[0][0])
        self._explore = explore
        self._rngs = [np.random.default_rng(seed) for seed in seeds]

    def returns(self, policy: Policy) -> list[list[float]]:
        """For each policy the return of each episode; ``policy`` gives (K, m) actions for (K, m, ...) observations."""
        seen = np.array([_reset(envs, rng) for envs, rng in zip(self._envs, self._rngs, strict=True)], np.float32)
        totals = [[0.0] * len(envs) for envs in self._envs]
        running = [list(range(len(envs))) for envs in self._envs]
        while any(running):
            best = policy(seen)
            for number, still in enumerate(running):
                if still:
                    actions = self._some_at_random(self._rngs[number], best[number][still])
                    step = (self._envs[number], seen[number], totals[number])
                    running[number] = [
                        each for each, action in zip(still, actions, strict=True) if _goes_on(each, action, *step)
                    ]
        return totals

    def _some_at_random(self, rng: np.random.Generator, best: NDArray[np.int64]) -> list[int]:
        anything = rng.integers(self._actions, size=best.size)
        actions: list[int] = np.where(rng.random(best.size) < self._explore, anything, best).tolist()
        return actions

    def close(self) -> None:
        """Let go of the environments."""
        for envs in self._envs:
            for env in envs:
                env.close()


def _reset(envs: Sequence[gymnasium.Env[Any, Any]], rng: np.random.Generator) -> list[Any]:
    """The first observation of each."""
    seeds = rng.integers(1 << 31, size=len(envs)).tolist()
    return [env.reset(seed=seed)[0] for env, seed in zip(envs, seeds, strict=True)]


def _goes_on(
    each: int, action: int, envs: Sequence[gymnasium.Env[Any, Any]], seen: FloatArray, totals: list[float]
) -> bool:
    """Take a step of one of the environments, note what it gives, and say whether its episode goes on."""
    seen[each], reward, terminated, truncated, _ = envs[each].step(action)
    totals[each] += float(reward)
    return not (terminated or truncated)
