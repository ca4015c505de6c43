"""Priorities to study: random ones of several shapes, codes that tell the variants apart, and recorded ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from amper.operations.trace import Kind, Trace

FloatArray = NDArray[np.float64]

OUTLIER = 1e6
Maker = Callable[[np.random.Generator, int], FloatArray]


def _two_levels(share: float, high: float, low: float) -> Maker:
    """``share`` of the rows at ``high``, at least one, the others at ``low``."""
    return lambda rng, rows: np.where(np.arange(rows) < max(1, round(share * rows)), high, low)


def _new_rows(rng: np.random.Generator, rows: int) -> FloatArray:
    """Three of ten rows new, with the largest priority so far, a power of two; the others anywhere below."""
    return np.where(np.arange(rows) < 0.3 * rows, 2.0**15, np.ceil(rng.random(rows) * 2**15))


_FLOATS: dict[str, Maker] = {
    "uniform": lambda rng, rows: rng.random(rows),
    "exponential": lambda rng, rows: rng.standard_exponential(rows),
    "lognormal": lambda rng, rows: rng.lognormal(0.0, 1.0, rows),
    "pareto": lambda rng, rows: 1.0 + rng.pareto(1.5, rows),
    "outlier": lambda rng, rows: np.append(rng.random(rows - 1), OUTLIER),
}
# Priorities that are codes of 16 bits.
CODES: dict[str, Maker] = {
    "two-level": _two_levels(0.5, 300, 1),
    "sparse": _two_levels(0.1, 300, 1),
    "two-scale": _two_levels(0.1, 8000, 80),
    "new-rows": _new_rows,
}
CODE_WIDTH = 16
_MAKERS = _FLOATS | CODES
RECORDED = "cartpole"
DISTRIBUTIONS = (*_MAKERS, RECORDED)


def make_priorities(distribution: str, rows: int, seed: int, trace: Path) -> FloatArray:
    """Priorities above 0, ascending: (rows,), or, recorded, of as many rows as ``trace`` has, those at its end.

    Raises
    ------
    OSError, ValueError : the trace.
    """
    if distribution == RECORDED:
        return _recorded(trace)
    rng = np.random.default_rng([seed, DISTRIBUTIONS.index(distribution)])
    return np.sort(np.maximum(_MAKERS[distribution](rng, rows), 1e-9))


def _recorded(path: Path) -> FloatArray:
    trace = Trace.load(path)
    priorities = np.zeros(trace.rows)
    stored = trace.kind != Kind.DRAW
    priorities[trace.row[stored]] = trace.priority[stored]  # of a row written more than once, the last stays
    return np.sort(priorities[priorities > 0])
