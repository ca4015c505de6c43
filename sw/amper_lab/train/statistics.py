"""Intervals over seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from amper.support.extras import require

LEVEL = 0.95
RESAMPLES = 10_000  # of a bootstrap

FloatArray = NDArray[np.float64]
Tasks = Sequence[Sequence[float]]  # of each task a value a seed


@dataclass(frozen=True)
class Interval:
    """An estimate and its interval of confidence ``LEVEL``."""

    value: float
    low: float
    high: float


def mean_interval(values: list[float]) -> Interval:
    """Mean with Student's t interval; of one value, an interval without ends."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return Interval(mean, -math.inf, math.inf)
    t = float(require("scipy.stats", "train").t.ppf((1 + LEVEL) / 2, len(values) - 1))
    half = t * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return Interval(mean, mean - half, mean + half)


def interquartile_mean(tasks: Tasks) -> Interval:
    """Mean of the middle half of all values (rliable's), with a stratified bootstrap interval.

    Agarwal et al. 2021. Fewer than 4 values of a task give an interval without ends.
    """
    return _bootstrapped(_middle_mean, [tasks])


def difference_of_means(tasks: Tasks, others: Tasks) -> Interval:
    """Of the interquartile means, each task of each resampled by itself."""
    return _bootstrapped(lambda one, two: _middle_mean(one) - _middle_mean(two), [tasks, others])


def probability_of_improvement(tasks: Tasks, others: Tasks) -> Interval:
    """The chance that a value is above one of the other's in the same task, ties half; the mean over the tasks."""

    def above(one: list[FloatArray], two: list[FloatArray]) -> FloatArray:
        chances = []
        for values, rivals in zip(one, two, strict=True):
            differences = values[..., :, None] - rivals[..., None, :]
            chances.append(((differences > 0) + 0.5 * (differences == 0)).mean(axis=(-2, -1)))
        found: FloatArray = np.mean(chances, axis=0)
        return found

    return _bootstrapped(above, [tasks, others])


def performance_profile(tasks: Tasks, levels: Sequence[float]) -> list[Interval]:
    """For each of ``levels`` the part of the values above it, with the pointwise interval."""

    def part(level: float) -> Callable[[list[FloatArray]], FloatArray]:
        return lambda drawn: (np.concatenate(drawn, axis=-1) > level).mean(axis=-1)

    return [_bootstrapped(part(level), [tasks]) for level in levels]


def _middle_mean(tasks: list[FloatArray]) -> FloatArray:
    """Of the last axis, all tasks together, without the quarter (rounded down) at each end."""
    values = np.concatenate(tasks, axis=-1)
    cut = values.shape[-1] // 4
    mean: FloatArray = np.sort(values, axis=-1)[..., cut : values.shape[-1] - cut].mean(axis=-1)
    return mean


def _bootstrapped(statistic: Callable[..., FloatArray], groups: list[Tasks]) -> Interval:
    """A statistic of groups of tasks, over their last axes; the same groups always give the same interval."""
    arrays = [[np.array(task, np.float64) for task in tasks] for tasks in groups]
    value = float(statistic(*arrays))
    if min(task.size for tasks in arrays for task in tasks) < 4:
        return Interval(value, -math.inf, math.inf)
    random = np.random.default_rng(1)
    drawn = [[task[random.integers(0, task.size, (RESAMPLES, task.size))] for task in tasks] for tasks in arrays]
    low, high = np.quantile(statistic(*drawn), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(value, float(low), float(high))


def median_interval(values: list[float]) -> Interval:
    """Median with the interval of the sign test, which supposes nothing of the distribution; values may be infinite.

    Too few values for the level (below 6) give an interval without ends.
    """
    ordered = sorted(values)
    count = len(ordered)
    # From the (k + 1)-th least to the (k + 1)-th largest: it misses the median with the chance 2 P(binomial <= k).
    k = int(require("scipy.stats", "train").binom.ppf((1 - LEVEL) / 2, count, 0.5)) - 1
    middle = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
    if k < 0:
        return Interval(middle, -math.inf, math.inf)
    return Interval(middle, ordered[k], ordered[count - 1 - k])
