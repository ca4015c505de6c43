"""Intervals over seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from amper.support.extras import require

LEVEL = 0.95


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
