"""Record a `Trace`: DQN on a Gymnasium environment with ordinary prioritized replay (Schaul et al. 2016)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from amper import Sampler
from amper.operations.trace import Kind, Trace
from amper.support.extras import require
from amper_lab.train.loop import PACKAGES, Seeds, practise
from amper_lab.train.options import TrainOptions
from amper_report.environment import versions
from amper_spec.checks import checked_integer

# How the agent learns, unless told otherwise: CartPole in 400 batches, from a mean return of 20 to one of 115 (of eight
# seeds, at least 94). With 64 units and a target period of 10 the Q-values diverged.
SETTINGS = TrainOptions(
    sampler="per",
    hidden=256,
    lr=4e-3,
    discount=0.98,
    double=False,
    update_every=8,
    target_period=25,
    explore_last=0.04,
    explore_part=0.35,
)
WARMUP_BATCHES = 4  # transitions stored before the first draw, in batches
OPERATIONS = 30_000
SEED = 1


def record(
    options: TrainOptions = SETTINGS,
    *,
    operations: int = OPERATIONS,
    seed: int = SEED,
    command: str | None = None,
    progress: bool = True,
) -> Trace:
    """Run DQN with prioritized replay and return its replay operations.

    The same arguments give the same trace on one machine and one set of package versions; elsewhere the last bit of
    PyTorch's arithmetic may differ, and with it, soon, the whole run.

    Parameters
    ----------
    options : of the run, but for those that recording decides: its sampler is PER, the first draw comes when four
        batches are stored, and its steps are as many as the operations take.
    operations : least number of operations, 1 to 10,000,000; each write, draw and update counts as one. The recording
        ends with the step of the environment that reaches it: a write, and a learning step where one is due.
    seed : of everything random, 0 to 2^31 - 1.
    command : command line to name in the metadata as the trace's origin, if any.
    progress : show a progress bar, in operations, on standard error.

    Raises
    ------
    TypeError : a value of the wrong kind. ValueError : one out of its range; no such environment, or its observations
    are not flat or its actions not discrete. ImportError : PyTorch, Gymnasium or tqdm is not installed.
    """
    checked_integer("operations", operations, 1, 10_000_000)
    checked_integer("seed", seed, 0, (1 << 31) - 1)
    for name in ("torch", "gymnasium", "tqdm"):  # all now: not the last of them after the rest has run
        require(name, "record")
    options = replace(options, sampler="per", warmup=WARMUP_BATCHES * options.batch, evaluations=1)
    options = replace(options, steps=_steps(options, operations))
    seeds = Seeds(seed)
    sampler = _LoggedSampler(options, seeds.sampler)
    returns: list[float] = []

    def log(name: str, value: float, step: int) -> None:
        if name == "train/return":
            returns.append(value)

    with require("tqdm", "record").tqdm(total=operations, unit="op", disable=not progress) as bar:
        for _ in practise(options, [seeds], [sampler], [log]):
            bar.update(min(len(sampler.log), operations) - bar.n)
    kind, row, priority = zip(*sampler.log, strict=True)
    return Trace(
        kind=np.array(kind, np.uint8),
        row=np.array(row, np.int32),
        priority=np.array(priority, np.float32),
        draws=np.array(sampler.draws, np.int32).reshape(-1, options.batch),
        metadata=_metadata(options, operations, seed) | {"command": command, "episode_returns": returns},
    )


def _steps(options: TrainOptions, operations: int) -> int:
    """The steps that it takes to make so many operations."""
    made = step = 0
    while made < operations:
        step += 1
        made += 1 + (1 + options.batch) * options.due(step)
    return step


class _LoggedSampler(Sampler):
    """PER's sampler, which logs what is done to it: kind, row and priority; -1 and NaN for a draw.

    Priorities are float32, already exponentiated: what is logged is exactly what the draws used.
    """

    def __init__(self, options: TrainOptions, seed: int) -> None:
        super().__init__(options.rows, mode="per", alpha=options.alpha, eps=options.eps, seed=seed)
        self.log: list[tuple[Kind, int, float]] = []
        self.draws: list[NDArray[np.int64]] = []

    def add(self, priority: float | None = None) -> int:
        """See ``Sampler``."""
        stored = self.max_priority if priority is None else priority
        row = super().add(stored)
        self.log.append((Kind.WRITE, row, stored))
        return row

    def sample(self, batch: int, beta: float | None = None) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """See ``Sampler``."""
        rows, weights = super().sample(batch, beta)
        self.log.append((Kind.DRAW, -1, np.nan))
        self.draws.append(rows.copy())
        return rows, weights

    def update_errors(self, indices: ArrayLike, errors: ArrayLike) -> None:
        """See ``Sampler``."""
        exact = (np.abs(np.asarray(errors, np.float64)) + self.options.eps) ** self.options.alpha
        priorities = exact.astype(np.float32)
        self.update(indices, priorities)
        rows = np.asarray(indices).tolist()
        self.log += [(Kind.UPDATE, *each) for each in zip(rows, priorities.tolist(), strict=True)]


def _metadata(options: TrainOptions, operations: int, seed: int) -> dict[str, Any]:
    """All it takes to record the trace again."""
    return {
        **{name: getattr(options, name) for name in ("env", "rows", "batch", "alpha", "eps")},
        "operations": operations,
        "seed": seed,
        "beta": {"first": options.beta, "last": 1.0},
        "priority_domain": "exponentiated: (|td error| + eps) ** alpha",
        "agent": {
            "algorithm": "double DQN" if options.double else "DQN",
            "hidden": [options.hidden, options.hidden],
            "learning_rate": options.lr,
            "discount": options.discount,
            "steps_per_batch": options.update_every,
            "warmup_steps": options.warmup,
            "target_period_batches": options.target_period,
            "explore": {"first": 1.0, "last": options.explore_last, "part": options.explore_part},
        },
        "versions": versions(PACKAGES),
    }
