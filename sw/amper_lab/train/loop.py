"""The training loop: act, store, learn, for some seeds side by side; and runs, which try the greedy policy at times."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

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
    """The greedy policy after ``step`` steps and ``updates`` updates: its episodes' returns, to a thousandth."""

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
    options, seed : what it depends on. points : the evaluations. seconds : its share of the processor time.
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


def train(
    options: TrainOptions,
    seeds: Sequence[int],
    *,
    logs: Sequence[Log] | None = None,
    tick: Callable[[int], object] | None = None,
) -> list[Run]:
    """A run for each seed, all side by side, the same for the same arguments on one machine with the same versions.

    Which seeds are beside one changes, at most, how its sums are rounded.

    Parameters
    ----------
    logs : of each seed, called with what TensorBoard shows. tick : called with numbers of steps that are done.

    Raises
    ------
    ValueError, ImportError : see ``make_env`` and ``make_sampler``.
    """
    start = time.process_time()
    parts = [Seeds(seed) for seed in seeds]
    evaluation = Evaluation(options.env, options.episodes, options.explore_last, [part.evaluation for part in parts])
    points: list[list[Point]] = [[] for _ in seeds]
    with ExitStack() as opened:
        samplers = [opened.enter_context(make_sampler(options, part.sampler)) for part in parts]
        for step, agent in enumerate(practise(options, parts, samplers, logs), 1):
            if step * options.evaluations // options.steps > len(points[0]):
                for number, returns in enumerate(evaluation.returns(agent.act)):
                    points[number].append(Point(step, agent.updates, [round(value, 3) for value in returns]))
                    if logs is not None:
                        logs[number]("evaluation/return", points[number][-1].mean, step)
            if tick is not None:
                tick(len(seeds))
    evaluation.close()
    share = round((time.process_time() - start) / len(seeds), 2)
    made = zip(seeds, points, strict=True)
    return [Run(options.to_dict(), seed, found, share, versions(PACKAGES)) for seed, found in made]


class Seeds:
    """Of each part of a run, from one seed."""

    def __init__(self, seed: int) -> None:
        agent, sampler, env, self.evaluation, self.actor = np.random.SeedSequence(seed).spawn(5)
        self.agent, self.sampler, self.env = (int(each.generate_state(1)[0]) for each in (agent, sampler, env))


def practise(
    options: TrainOptions,
    seeds: Sequence[Seeds],
    samplers: Sequence[Sampler | Device],
    logs: Sequence[Log] | None = None,
) -> Iterator[Agent]:
    """Act and learn for ``options.steps`` steps, and give the agents after each, with one torch thread.

    Parameters
    ----------
    samplers : for each seed one of ``options.rows`` rows, empty; they draw, whatever the options say. logs : as in
    ``train``.

    Raises
    ------
    ValueError, ImportError : see ``make_env``.
    """
    require("torch", "train")
    from amper_lab.train.dqn import Agent

    envs = [make_env(options.env) for _ in seeds]
    size = int(np.prod(envs[0].observation_space.shape or ()))
    actions = action_count(envs[0])
    with _one_thread():
        agent = Agent(options, size, actions, [each.agent for each in seeds])
        learner = _Learner(options, agent, size, samplers, logs)
        kept = logs if logs is not None else [None] * len(seeds)
        actors = [
            _Actor(env, each.env, actions, np.random.default_rng(each.actor), log)
            for env, each, log in zip(envs, seeds, kept, strict=True)
        ]
        for step in range(1, options.steps + 1):
            best = agent.act(np.stack([actor.seen for actor in actors])[:, None])[:, 0].tolist()
            explore = options.explore(step)
            for number, actor in enumerate(actors):
                learner.add(number, actor.step(step, best[number], explore))
            learner.learn(step)
            yield agent
    for env in envs:
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
    """Steps through an environment. Member: ``seen``, the observation that the next action is for."""

    def __init__(self, env: Any, seed: int, actions: int, rng: np.random.Generator, log: Log | None) -> None:
        self._env, self._actions, self._rng, self._log = env, actions, rng, log
        self._total = 0.0
        self.seen = np.asarray(env.reset(seed=seed)[0], np.float32)

    def step(self, step: int, best: int, explore: float) -> dict[str, Any]:
        """One step with the action ``best``, or with the chance ``explore`` any; returns the transition."""
        before = self.seen
        action = int(self._rng.integers(self._actions))
        if self._rng.random() >= explore:
            action = best
        after, reward, terminated, truncated, _ = self._env.step(action)
        self.seen = after = np.asarray(after, np.float32)
        self._total += float(reward)
        if terminated or truncated:
            if self._log is not None:
                self._log("train/return", self._total, step)
            self._total = 0.0
            self.seen = np.asarray(self._env.reset()[0], np.float32)
        return {
            "before": before,
            "action": action,
            "reward": float(reward),
            "after": after,
            # Not where time was up: what would have followed is still worth its estimate.
            "terminated": float(terminated),
        }


class _Learner:
    """Stores the transitions of every seed, and learns from a batch of each whenever one is due."""

    def __init__(
        self,
        options: TrainOptions,
        agent: Agent,
        size: int,
        samplers: Sequence[Sampler | Device],
        logs: Sequence[Log] | None,
    ) -> None:
        self._options, self._agent, self._logs = options, agent, logs
        columns: Columns = {
            "before": (np.float32, (size,)),
            "action": np.int64,
            "reward": np.float32,
            "after": (np.float32, (size,)),
            "terminated": np.float32,
        }
        self._buffers = [ReplayBuffer(options.rows, columns, sampler) for sampler in samplers]
        shape = (len(samplers), options.batch)
        self._batch: dict[str, NDArray[Any]] = {
            "before": np.zeros((*shape, size), np.float32),
            "action": np.zeros(shape, np.int64),
            "reward": np.zeros(shape, np.float32),
            "after": np.zeros((*shape, size), np.float32),
            "terminated": np.zeros(shape, np.float32),
            "indices": np.zeros(shape, np.int64),
            "weights": np.zeros(shape, np.float32),
        }
        # Each buffer draws into its part of the arrays that the agents learn from.
        self._parts = [{name: array[number] for name, array in self._batch.items()} for number in range(shape[0])]

    def add(self, number: int, transition: dict[str, Any]) -> None:
        """Store a transition of the seed with that number."""
        self._buffers[number].add(**transition)

    def learn(self, step: int) -> None:
        """Learn, if that is due after the step."""
        options = self._options
        if not options.due(step):
            return
        beta = options.beta + (1 - options.beta) * step / options.steps
        for buffer, part in zip(self._buffers, self._parts, strict=True):
            buffer.sample(options.batch, beta, out=part)
        errors, losses = self._agent.learn(self._batch)
        for buffer, part, found in zip(self._buffers, self._parts, errors, strict=True):
            buffer.update_errors(part["indices"], found)
        if self._logs is not None and self._agent.updates % 100 == 0:
            for log, buffer, loss in zip(self._logs, self._buffers, losses.tolist(), strict=True):
                log("train/loss", loss, step)
                log("sampler/csp_share", buffer.sampler.csp_share, step)
                log("sampler/scale", buffer.sampler.scale, step)
