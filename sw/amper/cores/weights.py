"""Importance weights: a power that is the same on every machine, and the chance of a row to be in the candidate set.

Formulas: docs/theory/software.md. sw/amper/cores/c/power.c and inclusion.c do the same operations in the same order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from amper_spec.algorithm import AMPER_VARIANTS, Algorithm
from amper_spec.checks import checked_choice, checked_integer, checked_real
from amper_spec.declare import declarations

FloatArray = NDArray[np.float64]

# 2 / (k ln 2) for k = 11, 9, .. 1, and (ln 2)^k / k! for k = 8, 7, .. 0.
_LOG2_TERMS = (
    0.26230818925253886,
    0.32059889797532526,
    0.41219858311113240,
    0.57707801635558536,
    0.96179669392597560,
    2.8853900817779268,
)
_EXP2_TERMS = (
    1.3215486790144307e-06,
    1.5252733804059841e-05,
    0.00015403530393381608,
    0.0013333558146428443,
    0.009618129107628477,
    0.05550410866482158,
    0.2402265069591007,
    0.6931471805599453,
    1.0,
)
_ROUNDING = 1.5 * 2.0**52  # adding and subtracting it rounds to the nearest integer
_CLOSED_FORMS = tuple(variant for variant in AMPER_VARIANTS if variant != "k")
SMALLEST_CHANCE = 2.0**-53


@dataclass(frozen=True)
class LinearSchedule:
    """beta that grows in a straight line.

    Parameters
    ----------
    start, stop : beta at batch 0 and from batch ``steps`` on. steps : at least 1.

    Calling it with the number of batches drawn so far gives beta.
    """

    start: float
    stop: float
    steps: int

    def __post_init__(self) -> None:
        for name in ("start", "stop"):
            if checked_real(name, getattr(self, name)) < 0:
                raise ValueError(f"{name} must be at least 0, not {getattr(self, name)}")
        checked_integer("steps", self.steps, 1, 1 << 62)

    def __call__(self, batches: int) -> float:
        """Beta for the batch after ``batches`` others."""
        done = min(1.0, batches / self.steps)
        return self.start + done * (self.stop - self.start)


def log2_of(x: FloatArray) -> FloatArray:
    """log2 of normal numbers above 0, to about 1e-10."""
    bits = x.view(np.int64)
    mantissa = ((bits & 0xFFFFFFFFFFFFF) | 0x3FF0000000000000).view(np.float64)
    upper = mantissa > math.sqrt(2.0)
    exponent = ((bits >> 52) - 1023 + upper).astype(np.float64)
    mantissa = np.where(upper, 0.5 * mantissa, mantissa)
    t = (mantissa - 1.0) / (mantissa + 1.0)
    return exponent + _polynomial(_LOG2_TERMS, t * t) * t


def exp2_of(y: FloatArray) -> FloatArray:
    """2^y, relatively to about 1e-9; y is cut off at -1000 and 1000."""
    y = np.minimum(np.maximum(y, -1000.0), 1000.0)
    whole = (y + _ROUNDING) - _ROUNDING
    power = ((whole.astype(np.int64) + 1023) << 52).view(np.float64)
    return _polynomial(_EXP2_TERMS, y - whole) * power


def _polynomial(terms: tuple[float, ...], x: FloatArray) -> FloatArray:
    total = np.full_like(x, terms[0])
    for term in terms[1:]:
        total = total * x + term
    return total


def exponentiated(errors: FloatArray, eps: float, alpha: float) -> FloatArray:
    """(|error| + eps)^alpha."""
    magnitude = np.abs(errors) + eps
    normal = magnitude >= 2.0**-1022
    return np.where(normal, exp2_of(alpha * log2_of(np.where(normal, magnitude, 1.0))), 0.0)


def normalised_weights(values: FloatArray, beta: float) -> NDArray[np.float32]:
    """(least value / value)^beta."""
    weights: NDArray[np.float32] = exp2_of(beta * log2_of(values.min() / values)).astype(np.float32)
    return weights


def inclusion_probability(
    priorities: ArrayLike,
    *,
    variant: Literal["fr", "fr-prefix", "fr-dithered"],
    groups: int,
    scale: float,
    vmax: float | None = None,
) -> FloatArray:
    """The chance of rows to be in a batch's candidate set.

    Parameters
    ----------
    priorities : (n,) above 0. variant : one of the fixed-radius ones; k has no closed form. groups : m.
    scale : lambda', above 0. vmax : the largest priority of the memory; of ``priorities`` if None.

    Returns
    -------
    float64 (n,), at least 2^-53.

    Raises
    ------
    TypeError, ValueError : an argument of the wrong kind; out of its range.
    """
    checked_choice("variant", variant, _CLOSED_FORMS)
    groups = declarations(Algorithm)["groups"].rule.check("groups", groups)
    if not checked_real("scale", scale) > 0:
        raise ValueError(f"scale must be above 0, not {scale}")
    values = np.ascontiguousarray(priorities, dtype=np.float64)
    legal = np.isfinite(values) & (values > 0)
    if not legal.all():
        raise ValueError(f"priorities must be finite and above 0, not {values[~legal][0]}")
    largest = float(values.max() if vmax is None else vmax)
    coefficient = scale * (1.0 / groups)
    miss = _Miss(values.size, groups, largest)
    if variant == "fr":
        high = values / (1.0 - coefficient) if coefficient < 1.0 else np.full_like(values, largest)
        miss.add(values / (1.0 + coefficient), np.minimum(high, largest), 1.0, np.zeros_like(values))
    else:
        _add_blocks(miss, values, coefficient, variant == "fr-dithered")
    return miss.included()


class _Miss:
    """(rows, groups): the chance that the group's representative does not match the row."""

    def __init__(self, rows: int, groups: int, vmax: float) -> None:
        self.per_unit = groups / vmax
        self.vmax = vmax
        self.start = np.arange(groups) / self.per_unit
        self.end = np.arange(1, groups + 1) / self.per_unit
        self.chance = np.ones((rows, groups))

    def add(self, low: FloatArray, high: FloatArray, a: float, b: FloatArray) -> None:
        """Representatives in [low, high) match with the chance a + b V; all (rows,)."""
        start = np.maximum(low[:, None], self.start)
        end = np.minimum(high[:, None], self.end)
        piece = (end - start) * self.per_unit * (a + b[:, None] * (0.5 * (start + end)))
        self.chance -= np.where(start < end, piece, 0.0)

    def included(self) -> FloatArray:
        miss = np.ones(len(self.chance))
        for group in range(self.chance.shape[1]):
            miss = miss * np.maximum(self.chance[:, group], 0.0)
        return np.maximum(1.0 - miss, SMALLEST_CHANCE)


def _add_blocks(miss: _Miss, values: FloatArray, coefficient: float, dithered: bool) -> None:
    """All sizes of block that can hold each priority; half is 2^(s-1), 2^(s-1) <= radius < 2^s."""
    lowest = values / (1.0 / coefficient + 2.0)
    half = (lowest.view(np.int64) & 0x7FF0000000000000).view(np.float64) * 0.5
    active = np.ones(values.size, dtype=np.bool_)
    while True:
        start = half / coefficient
        active &= (start < miss.vmax) & (start < values + 4.0 * half)
        if not active.any():
            return
        block = 2.0 * half
        end = np.minimum(block / coefficient, miss.vmax)
        slope = coefficient / half
        for wide in (False, True) if dithered else (False,):
            size = 2.0 * block if wide else block
            low = np.floor(values / size) * size
            a = -1.0 if wide else 2.0 if dithered else 1.0
            b = slope if wide else -slope if dithered else np.zeros_like(slope)
            last = np.where(active, np.minimum(low + size, end), -1.0)
            miss.add(np.maximum(low, start), last, a, b)
        half = 2.0 * half
