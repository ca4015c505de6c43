"""Intervals over seeds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from amper.support.extras import require

LEVEL = 0.95
RESAMPLES = 10_000  # of a bootstrap

FloatArray = NDArray[np.float64]


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


def interquartile_mean(values: list[float]) -> Interval:
    """Mean of the middle half (rliable's), with a percentile bootstrap interval over the seeds.

    Agarwal et al. 2021. Fewer than 4 values give an interval without ends.
    """
    return _bootstrapped(_middle_mean, [values])


def difference_of_means(values: list[float], others: list[float]) -> Interval:
    """Of the interquartile means, each group resampled by itself."""
    return _bootstrapped(lambda one, two: _middle_mean(one) - _middle_mean(two), [values, others])


def probability_of_improvement(values: list[float], others: list[float]) -> Interval:
    """The chance that one of ``values`` is above one of ``others``, ties half; likewise."""

    def above(one: FloatArray, two: FloatArray) -> FloatArray:
        differences = one[..., :, None] - two[..., None, :]
        found: FloatArray = ((differences > 0) + 0.5 * (differences == 0)).mean(axis=(-2, -1))
        return found

    return _bootstrapped(above, [values, others])


def _middle_mean(values: FloatArray) -> FloatArray:
    """Of the last axis, without the quarter (rounded down) at each end."""
    cut = values.shape[-1] // 4
    mean: FloatArray = np.sort(values, axis=-1)[..., cut : values.shape[-1] - cut].mean(axis=-1)
    return mean


def _bootstrapped(statistic: Callable[..., FloatArray], groups: list[list[float]]) -> Interval:
    """A statistic of the last axes of groups; the same groups always give the same interval."""
    arrays = [np.array(group, np.float64) for group in groups]
    value = float(statistic(*arrays))
    if min(array.size for array in arrays) < 4:
        return Interval(value, -math.inf, math.inf)
    random = np.random.default_rng(1)
    drawn = [array[random.integers(0, array.size, (RESAMPLES, array.size))] for array in arrays]
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
