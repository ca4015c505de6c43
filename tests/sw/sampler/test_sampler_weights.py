"""Importance weights: PER's formula, and those of AMPER's own inclusion probability, checked by Monte Carlo."""

from __future__ import annotations

import numpy as np
import pytest
from oracles.float_reference import FloatReference
from scipy import stats

from amper import Sampler, inclusion_probability
from amper.cores.weights import exp2_of, log2_of

FALSE_ALARM = 1e-5
CLOSED_FORMS = ["fr", "fr-prefix", "fr-dithered"]
UNIT = 2.0**100
"""The reference's smallest radius is one code: this puts all priorities far above it."""


def test_power():
    """Accurate enough that rounding to float32 is the larger error, over all exponents."""
    x = 10.0 ** np.random.default_rng(1).uniform(-300, 300, 10_000)
    np.testing.assert_allclose(log2_of(x), np.log2(x), rtol=1e-9, atol=1e-10)
    y = np.random.default_rng(2).uniform(-100, 100, 10_000)
    np.testing.assert_allclose(exp2_of(y), np.exp2(y), rtol=1e-9)
    assert exp2_of(np.array([-5000.0, 0.0, 5000.0])).tolist() == [2.0**-1000, 1.0, 2.0**1000]


@pytest.mark.parametrize("mode", ["per", "amper-fr-dithered", "amper-k"])
@pytest.mark.parametrize("beta", [0.0, 0.4, 1.0, 3.0])
def test_formula_of_per(mode, beta):
    sampler = Sampler(1000, mode=mode)
    sampler.extend(np.random.default_rng(1).pareto(1.5, 1000))
    indices, weights = sampler.sample(500, beta)
    priorities = sampler.priorities().astype(np.float64)
    expected = (1000 * priorities[indices] / priorities.sum()) ** -beta
    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights, expected / expected.max(), rtol=3e-7)


def test_uniform_weights():
    sampler = Sampler(100, mode="uniform")
    sampler.extend(np.random.default_rng(1).random(100))
    assert (sampler.sample(50, 1.0)[1] == 1).all()


def p_value_of_inclusion(values, variant, closed_form, groups, scale, batches=20_000) -> float:
    """The closed form against how often each row was in the reference's candidate sets: the least of the rows' binomial
    p-values, times the rows, as rows of a set are not independent."""
    reference = FloatReference(values * UNIT, groups, variant, scale, scale, np.random.default_rng(7))
    counts = reference.candidate_sets(batches).sum(axis=0)
    chances = np.minimum(inclusion_probability(values, variant=closed_form, groups=groups, scale=scale), 1.0)
    below, above = stats.binom.cdf(counts, batches, chances), stats.binom.sf(counts - 1, batches, chances)
    return float(2 * np.minimum(below, above).min() * values.size)


@pytest.mark.parametrize("variant", CLOSED_FORMS)
@pytest.mark.parametrize(("groups", "scale"), [(20, 0.2), (20, 3.0), (1, 0.3), (5, 4.0), (7, 7.0)])
@pytest.mark.parametrize("distribution", ["uniform", "pareto"])
def test_closed_form(variant, groups, scale, distribution):
    rng = np.random.default_rng(3)
    values = rng.random(200) + 1e-3 if distribution == "uniform" else rng.pareto(1.5, 200) + 1e-3
    assert p_value_of_inclusion(values, variant, variant, groups, scale) > FALSE_ALARM


def test_closed_form_of_another_variant_is_told_apart():
    """The power of the test above: even fr and fr-dithered, which differ by little."""
    values = np.random.default_rng(3).random(200) + 1e-3
    assert p_value_of_inclusion(values, "fr-dithered", "fr", 20, 0.2) < 1e-12


@pytest.mark.parametrize("variant", CLOSED_FORMS)
def test_weights_are_the_closed_form(variant):
    sampler = Sampler(500, mode=f"amper-{variant}", scale=0.3, weights="inclusion")
    sampler.extend(np.random.default_rng(4).random(500))
    priorities = sampler.priorities().astype(np.float64)
    chances = inclusion_probability(priorities, variant=variant, groups=20, scale=0.3)
    for beta in (0.5, 1.0):
        indices, weights = sampler.sample(64, beta)
        np.testing.assert_allclose(weights, (chances[indices].min() / chances[indices]) ** beta, rtol=3e-7)


@pytest.mark.parametrize("variant", CLOSED_FORMS)
def test_the_estimate_is_unbiased(variant):
    """|CSP| / (n pi) times what is drawn, over batches, against the mean over all rows: within five standard errors."""
    sampler = Sampler(300, mode=f"amper-{variant}", scale=0.5, seed=5)
    sampler.extend(np.random.default_rng(6).random(300) + 0.1)
    priorities = sampler.priorities().astype(np.float64)
    chances = inclusion_probability(priorities, variant=variant, groups=20, scale=0.5)
    estimates = []
    for _ in range(20_000):
        indices = sampler.sample(16)[0]
        estimates.append((sampler.csp_share / chances[indices] * priorities[indices] ** 2).mean())
    error = np.std(estimates) / np.sqrt(len(estimates))
    assert error < 0.01 * (priorities**2).mean()
    assert np.mean(estimates) == pytest.approx((priorities**2).mean(), abs=5 * error)


def test_estimated_weights_of_k():
    """On average within 15 percent of what the reference's candidate sets give, after 1000 batches."""
    sampler = Sampler(2000, mode="amper-k", scale=0.3, weights="inclusion")
    sampler.extend(np.random.default_rng(4).random(2000))
    for _ in range(1000):
        sampler.sample(1)
    values = sampler.priorities().astype(np.float64)
    reference = FloatReference(values, 20, "k", 0.3, 0.3, np.random.default_rng(7))
    chances = reference.candidate_sets(3000).mean(axis=0)
    indices, weights = sampler.sample(500, 1.0)
    ratio = np.log(weights * chances[indices])
    assert np.abs(ratio - np.median(ratio)).mean() < 0.15
    assert np.abs(np.log(chances[indices]) - np.median(np.log(chances[indices]))).mean() > 0.25


def test_weights_of_a_batch_from_all_rows():
    """With an empty candidate set all rows are as likely, and own weights are 1."""
    sampler = Sampler(50, mode="amper-fr", scale=0.0, weights="inclusion")
    sampler.extend(np.random.default_rng(4).random(50))
    assert (sampler.sample(30, 1.0)[1] == 1).all()
    assert sampler.csp_share == 0
