"""The training loop: act, store, learn; and a run, which tries the greedy policy now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from amper import Device, ReplayBuffer, Sampler
from amper.replay.columns import Columns
from amper.support.extras import require
from amper_lab.train.environments import Evaluation, action_count, make_env
from amper_lab.train.options import TrainOptions
from amper_lab.train.samplers import make_sampler
from amper_report.environment import versions

if TYPE_CHECKING:
    from amper_lab.train.dqn import Agent

PACKAGES = ("amper", "gymnasium", "numpy", "torch")  # which decide about a run
# Name of a measurement, its value, the step.
Log = Callable[[str, float, int], None]


@dataclass(frozen=True)
class Point:
    """The greedy policy after ``step`` steps and ``updates`` updates: the returns of its episodes."""

    step: int
    updates: int
    returns: list[float]

    @property
    def mean(self) -> float:
        """Mean return."""
        return sum(self.returns) / len(self.returns)


@dataclass(frozen=True)
class Run:
    """What a run gave.

    Members
    -------
    options, seed : what it depends on. points : the evaluations. seconds : processor time of the process.
    versions : of the packages.
    """

    options: dict[str, Any]
    seed: int
    points: list[Point]
    seconds: float
    versions: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Run:
        """Of `to_dict`."""
        return cls(**{**values, "points": [Point(**point) for point in values["points"]]})

    def score(self, part: float = 0.25) -> float:
        """Mean return over the episodes of the last ``part`` of the evaluations."""
        last = self.points[-max(1, round(part * len(self.points))) :]
        return float(np.mean([value for point in last for value in point.returns]))


def train(options: TrainOptions, seed: int, *, log: Log | None = None, tick: Callable[[], None] | None = None) -> Run:
    """One run, the same for the same options and seed on one machine and with the same versions.

    Parameters
    ----------
    log : called with what TensorBoard shows. tick : called after every step.

    Raises
    ------
    ValueError, ImportError : see ``make_env`` and ``make_sampler``.
    """
    start = time.process_time()
    seeds = Seeds(seed)
    evaluation = Evaluation(options.env, options.episodes, options.explore_last, seeds.evaluation)
    points: list[Point] = []
    with make_sampler(options, seeds.sampler) as sampler:
        for step, agent in enumerate(practise(options, seeds, sampler, log), 1):
            if step * options.evaluations // options.steps > len(points):
                points.append(Point(step, agent.updates, evaluation.returns(agent.act)))
                if log is not None:
                    log("evaluation/return", points[-1].mean, step)
            if tick is not None:
                tick()
    evaluation.close()
    return Run(options.to_dict(), seed, points, round(time.process_time() - start, 2), versions(PACKAGES))


class Seeds:
    """Of each part of a run, from one seed."""

    def __init__(self, seed: int) -> None:
        agent, sampler, env, self.evaluation, self.actor = np.random.SeedSequence(seed).spawn(5)
        self.agent, self.sampler, self.env = (int(each.generate_state(1)[0]) for each in (agent, sampler, env))


def practise(options: TrainOptions, seeds: Seeds, sampler: Sampler | Device, log: Log | None = None) -> Iterator[Agent]:
    """Act and learn for ``options.steps`` steps, and give the agent after each, with one torch thread.

    Parameters
    ----------
    sampler : of ``options.rows`` rows, empty; it draws, whatever the options say. log : as in ``train``.

    Raises
    ------
    ValueError, ImportError : see ``make_env``.
    """
    require("torch", "train")
    from amper_lab.train.dqn import Agent

    env = make_env(options.env)
    size = int(np.prod(env.observation_space.shape or ()))
    actions = action_count(env)
    with _one_thread():
        agent = Agent(options, size, actions, seeds.agent)
        learner = _Learner(options, agent, size, sampler, log)
        actor = _Actor(options, agent, env, seeds.env, actions, np.random.default_rng(seeds.actor), log)
        for step in range(1, options.steps + 1):
            learner.step(step, actor.step(step))
            yield agent
    env.close()


@contextmanager
def _one_thread() -> Iterator[None]:
    """One torch thread: the networks are too small for more, and sums are then always in the same order."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class _Actor:
    """Steps through the environment, at random less and less often."""

    def __init__(
        self,
        options: TrainOptions,
        agent: Agent,
        env: Any,
        seed: int,
        actions: int,
        rng: np.random.Generator,
        log: Log | None,
    ) -> None:
        self._options, self._agent, self._env, self._rng, self._log = options, agent, env, rng, log
        self._actions = actions
        self._total = 0.0
        self._seen = np.asarray(env.reset(seed=seed)[0], np.float32)

    def step(self, step: int) -> dict[str, Any]:
        """One step; returns the transition."""
        before = self._seen
        action = int(self._rng.integers(self._actions))
        if self._rng.random() >= self._explore(step):
            action = int(self._agent.act(before[None])[0])
        after, reward, terminated, truncated, _ = self._env.step(action)
        self._seen = after = np.asarray(after, np.float32)
        self._total += float(reward)
        if terminated or truncated:
            if self._log is not None:
                self._log("train/return", self._total, step)
            self._total = 0.0
            self._seen = np.asarray(self._env.reset()[0], np.float32)
        return {
            "before": before,
            "action": action,
            "reward": float(reward),
            "after": after,
            # Not where time was up: what would have followed is still worth its estimate.
            "terminated": float(terminated),
        }

    def _explore(self, step: int) -> float:
        falling = self._options.explore_part * self._options.steps
        done = min(1.0, step / falling) if falling else 1.0
        return 1.0 + (self._options.explore_last - 1.0) * done


class _Learner:
    """Stores transitions, and learns from a batch whenever one is due."""

    def __init__(
        self, options: TrainOptions, agent: Agent, size: int, sampler: Sampler | Device, log: Log | None
    ) -> None:
        self._options, self._agent, self._log = options, agent, log
        columns: Columns = {
            "before": (np.float32, (size,)),
            "action": np.int64,
            "reward": np.float32,
            "after": (np.float32, (size,)),
            "terminated": np.float32,
        }
        self._buffer = ReplayBuffer(options.rows, columns, sampler)

    def step(self, step: int, transition: dict[str, Any]) -> None:
        """Store it, and learn if that is due."""
        options = self._options
        self._buffer.add(**transition)
        if not options.due(step):
            return
        beta = options.beta + (1 - options.beta) * step / options.steps
        batch = self._buffer.sample(options.batch, beta)
        errors, loss = self._agent.learn(batch)
        self._buffer.update_errors(batch["indices"], errors)
        if self._log is not None and self._agent.updates % 100 == 0:
            self._log("train/loss", loss, step)
            self._log("sampler/csp_share", self._buffer.sampler.csp_share, step)
            self._log("sampler/scale", self._buffer.sampler.scale, step)
