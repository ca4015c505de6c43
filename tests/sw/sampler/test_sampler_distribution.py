"""Every mode of ``Sampler`` against an independent floating-point reference, by chi-square.

PER and uniform: Pearson's chi-square of the draws against p / sum(p), in float64, over at most 200 bins of rows
that PER expects equally often. AMPER: the draws of a batch share a candidate set, so only batches are independent; as
in test_distribution.py, a two-sample Hotelling statistic compares, over many batches, how many draws of a batch fall
into each bin, and |CSP|, with `oracles.float_reference`, whose representatives, radii and random
numbers are its own. It is
given the priorities that the sampler stores, which `test_sampler.py` compares with those it was given.

A test fails below FALSE_ALARM = 1e-5: of the about 160 tests below, with fixed seeds, a correct sampler had a chance of
0.16 percent that one fails.
"""

from __future__ import annotations

import functools
from typing import get_args

import numpy as np
import pytest
from oracles.float_reference import FloatArray, FloatReference, Variant
from scipy import stats

from amper import Sampler

FALSE_ALARM = 1e-5
DETECTED = 1e-12
"""A wrong sampler has to be rejected this clearly."""

AMPER_VARIANTS = get_args(Variant)
DRAWS = 200_000
GROUPS = 20
BATCH = 64
BINS = 25
ROWS = (1, 7, 1000, 100_000)

DISTRIBUTIONS = {
    "uniform": lambda rng, count: rng.random(count),
    "exponential": lambda rng, count: rng.exponential(1.0, count),
    "pareto": lambda rng, count: rng.pareto(1.5, count),
    "outlier": lambda rng, count: np.append(rng.random(count - 1), 1e6),
    "equal": lambda rng, count: np.full(count, 0.37),
    # 99 percent of the TD errors are 0: what is left of them is eps = 0.01, to the power of 0.6.
    "zeros": lambda rng, count: (np.where(rng.random(count) < 0.99, 0.0, rng.exponential(1.0, count)) + 0.01) ** 0.6,
}
CASES = pytest.mark.parametrize("distribution", DISTRIBUTIONS)


@functools.cache
def priorities(distribution: str, rows: int) -> FloatArray:
    """(rows,) priorities in random order, the same for all modes."""
    rng = np.random.default_rng([rows, list(DISTRIBUTIONS).index(distribution)])
    return rng.permutation(DISTRIBUTIONS[distribution](rng, rows))


def filled(values: FloatArray, **options) -> Sampler:
    """A sampler that holds the priorities after it held others and lost some rows: what is left must not show."""
    rng = np.random.default_rng(values.size)
    sampler = Sampler(values.size, **options)
    sampler.extend(rng.exponential(1.0, values.size) * 1e3)
    sampler.remove(rng.choice(values.size, values.size // 2, replace=False))
    sampler.write(rng.permutation(values.size), rng.random(values.size))
    sampler.write(np.arange(values.size), values)
    return sampler


# --- PER and uniform ---------------------------------------------------------------------------------------------


def goodness_of_fit(indices: np.ndarray, chances: FloatArray) -> float:
    """p-value of draws against the rows' chances, over bins of about equal chance."""
    bins = np.minimum((np.cumsum(chances) * 200).astype(np.int64), 199)
    bins = np.unique(bins, return_inverse=True)[1]
    if bins[-1] == 0:
        return 1.0  # a single bin cannot be missed
    expected = np.bincount(bins, weights=chances) * indices.size
    return float(stats.chisquare(np.bincount(bins[indices], minlength=expected.size), expected).pvalue)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("rows", ROWS)
@CASES
def test_per(distribution, rows, compiled):
    values = priorities(distribution, rows)
    sampler = filled(values, mode="per", compiled=compiled, seed=3)
    indices = np.concatenate([sampler.sample(DRAWS // 8)[0] for _ in range(8)])
    assert goodness_of_fit(indices, values / values.sum()) > FALSE_ALARM


@pytest.mark.parametrize("rows", ROWS)
def test_uniform(rows):
    sampler = filled(priorities("pareto", rows), mode="uniform", seed=4)
    indices = sampler.sample(DRAWS)[0]
    assert goodness_of_fit(indices, np.full(rows, 1 / rows)) > FALSE_ALARM


def test_per_tells_a_wrong_exponent():
    """The power of the test above: priorities to the power of 1.05."""
    values = priorities("exponential", 1000)
    sampler = filled(values**1.05, mode="per", seed=3)
    assert goodness_of_fit(sampler.sample(DRAWS)[0], values / values.sum()) < DETECTED


def test_per_keeps_its_precision_beside_a_giant():
    """With one row of 1e30 all others together are hardly ever drawn; without it they are drawn as before."""
    values = priorities("exponential", 1000)
    sampler = filled(values, mode="per", seed=5)
    sampler.update([17], [1e30])
    assert (sampler.sample(1000)[0] == 17).all()
    sampler.update([17], [values[17]])
    assert goodness_of_fit(sampler.sample(DRAWS)[0], values / values.sum()) > FALSE_ALARM


# --- AMPER -------------------------------------------------------------------------------------------------------


def scale_of(variant: str, distribution: str) -> float:
    """lambda' or lambda: at which |CSP| is neither nearly empty nor nearly all, as far as the priorities allow."""
    if variant == "k":
        return 0.3
    return {"pareto": 1.5, "outlier": 19.99, "exponential": 0.35}.get(distribution, 0.2)


def by_bin(indices: np.ndarray, sizes: np.ndarray, bins: np.ndarray) -> FloatArray:
    """(batches, bins + 1): draws of each batch in each bin, and |CSP|."""
    counts = np.zeros((len(indices), int(bins.max()) + 1))
    np.add.at(counts, (np.arange(len(indices))[:, None], bins[indices]), 1.0)
    return np.column_stack([counts, sizes])


def hotelling(first: FloatArray, second: FloatArray) -> float:
    """p-value of equal means of independent lines of two samples."""
    difference = first.mean(axis=0) - second.mean(axis=0)
    covariance = np.cov(first.T) / len(first) + np.cov(second.T) / len(second)
    scale = np.sqrt(np.diag(covariance))
    fixed = scale == 0
    assert np.allclose(difference[fixed], 0, atol=1e-9), "a part that never varies differs"
    if fixed.all():
        return 1.0
    difference, scale = difference[~fixed] / scale[~fixed], scale[~fixed]
    correlation = covariance[np.ix_(~fixed, ~fixed)] / np.outer(scale, scale)
    values, vectors = np.linalg.eigh(correlation)
    kept = values > 1e-8 * values[-1]
    projected = (vectors[:, kept].T @ difference) ** 2 / values[kept]
    return float(stats.chi2.sf(projected.sum(), kept.sum()))


def compared(sampler: Sampler, variant: str, scale: float, batches: int, seed: int = 11) -> float:
    """p-value of a sampler against the reference on what it stores."""
    values = sampler.priorities().astype(np.float64)
    # The reference's smallest radius is one code: a power of two puts all priorities far above it.
    reference = FloatReference(values * 2.0**100, GROUPS, variant, scale, scale, np.random.default_rng(seed))
    edges = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1]))
    bins = np.searchsorted(edges, values, side="left")
    drawn, drawn_from = reference.batches(batches, BATCH)
    expected = by_bin(drawn, drawn_from.sum(axis=1), bins)
    indices, sizes = [], []
    for _ in range(batches):
        indices.append(sampler.sample(BATCH)[0])
        sizes.append(round(sampler.csp_share * len(sampler)) or len(sampler))
    return hotelling(by_bin(np.array(indices), np.array(sizes), bins), expected)


BATCHES = {1: 200, 7: 10_000, 1000: 10_000, 100_000: 500}


@pytest.mark.share(3)
@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("variant", AMPER_VARIANTS)
@CASES
def test_amper(distribution, variant, rows):
    scale = scale_of(variant, distribution)
    sampler = filled(priorities(distribution, rows), mode=f"amper-{variant}", groups=GROUPS, scale=scale, seed=7)
    assert compared(sampler, variant, scale, BATCHES[rows]) > FALSE_ALARM


@pytest.mark.parametrize("variant", AMPER_VARIANTS)
def test_amper_tells_a_wrong_scale(variant):
    """The power of the test above: a scale that is 10 percent too large."""
    scale = scale_of(variant, "uniform")
    mode = f"amper-{variant}"
    sampler = filled(priorities("uniform", 1000), mode=mode, groups=GROUPS, scale=1.1 * scale, seed=7)
    assert compared(sampler, variant, scale, BATCHES[1000]) < DETECTED


@pytest.mark.parametrize("variant", AMPER_VARIANTS)
def test_sparse_rows(variant):
    """With 60 rows left of 20,000, draws come from a list and not from random rows."""
    values = priorities("exponential", 20_000)
    sampler = Sampler(20_000, mode=f"amper-{variant}", groups=GROUPS, scale=0.5, seed=8)
    sampler.extend(values)
    kept = np.random.default_rng(2).choice(20_000, 60, replace=False)
    sampler.remove(np.setdiff1d(np.arange(20_000), kept))
    small = Sampler(60, mode=f"amper-{variant}", groups=GROUPS, scale=0.5, seed=9)
    small.extend(values[kept])
    position = np.full(20_000, -1)
    position[kept] = np.arange(60)
    lines = []
    for each in (sampler, small):
        drawn = np.array([each.sample(BATCH)[0] for _ in range(5000)])
        drawn = position[drawn] if each is sampler else drawn
        lines.append(by_bin(drawn, np.zeros(len(drawn)), np.arange(60)))
    assert hotelling(*lines) > FALSE_ALARM
