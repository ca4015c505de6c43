"""Golden model against an independent float Monte-Carlo, over 20,000 batches, by chi-square.

The draws of one batch share a candidate set, so they are correlated, and Pearson's chi-square over all of
them is wrong: it calls correct samplers different (`test_pearson_over_all_draws_is_wrong` keeps that fact).
Only batches are independent. Three statistics respect that, each with its own p-value:

draws
    Each batch becomes a vector: how many of its b draws fall into each of 30 bins of rows sorted by
    priority, and |CSP| (frequencies alone hardly feel a radius that is wrong by a constant factor). The
    two-sample Hotelling statistic T^2 = d' (S1/N1 + S2/N2)^-1 d of the difference d of the means is
    chi-square with rank(S) degrees of freedom as the numbers of batches N grow, whatever the correlation
    inside a batch.
csp
    The same, on how many rows of each bin are in the CSP. No draw noise, so by far the sharper one.
first
    Pearson's chi-square on the first draw of each batch alone: little power, but no covariance to estimate.

A test fails when a p-value is below FALSE_ALARM = 1e-4. A correct sampler does that in one of 10,000 seeds
(see `test_p_values_are_uniform_for_equal_samplers`); the seeds are fixed, so a run is repeatable. The
priorities are 16-bit codes that spread over the whole range: there the model's integers and real numbers are
closer than the test can see. Where they are not (few bits), see docs/reference/distribution.md and
`test_coarse_codes_are_told_apart`.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import pytest
from oracles.float_reference import BoolArray, FloatArray, FloatReference, IndexArray
from scipy import stats

from amper import AMPER_VARIANTS, AmperConfig, GoldenModel, Variant

FALSE_ALARM = 1e-4
DETECTED = 1e-12
"""A wrong sampler has to be rejected this clearly: far below any false alarm."""

BATCHES = 20_000
REFERENCE_BATCHES = 100_000
BINS = 30


class Case(NamedTuple):
    """A memory and its scales; codes is (n,)."""

    codes: IndexArray
    groups: int
    batch: int
    radius_scale: float
    neighbour_scale: float = 0.4
    priority_width: int = 16


class Outcome(NamedTuple):
    """N batches: draws is (N, b) rows, drawn_from (N, n) bool."""

    draws: IndexArray
    drawn_from: BoolArray
    fallbacks: int = 0


def make_case(name: str) -> Case:
    """The priority sets. Scales differ so that 0.1 to 0.6 of the rows are candidates in each."""
    rng = np.random.default_rng(5)
    top = 2**16 - 1
    uniform = rng.integers(1, top + 1, 150)
    waits = rng.exponential(size=150)
    exponential = np.maximum(1, np.rint(waits / waits.max() * top)).astype(np.int64)
    ties = rng.choice(rng.integers(1, top + 1, 12), 150)
    few = rng.integers(1, top + 1, 20)
    coarse = rng.integers(1, 2**6, 60)
    return {
        "uniform": Case(uniform, groups=10, batch=32, radius_scale=0.2),
        "exponential": Case(exponential, groups=10, batch=32, radius_scale=0.6),
        "ties": Case(ties, groups=10, batch=32, radius_scale=0.3),
        # A bin a row, and candidate sets so small that the fallback to all rows happens.
        "few rows": Case(few, groups=4, batch=8, radius_scale=0.1),
        "one group": Case(few, groups=1, batch=8, radius_scale=0.3),
        "coarse": Case(coarse, groups=5, batch=8, radius_scale=0.3, priority_width=6),
    }[name]


@functools.cache
def golden(name: str, variant: Variant) -> Outcome:
    """20,000 consecutive batches of the golden model; cached because several tests judge the same ones."""
    case = make_case(name)
    config = AmperConfig(
        rows=case.codes.size,
        priority_width=case.priority_width,
        groups=case.groups,
        batch=case.batch,
        variant=variant,
        radius_scale=case.radius_scale,
        neighbour_scale=case.neighbour_scale,
        seed=11,
    )
    model = GoldenModel(config)
    for row, code in enumerate(case.codes):
        model.write(row, int(code))
    draws = np.empty((BATCHES, case.batch), dtype=np.int64)
    drawn_from = np.empty((BATCHES, case.codes.size), dtype=np.bool_)
    fallbacks = 0
    for index in range(BATCHES):
        draws[index] = model.sample()
        assert model.last_batch is not None
        drawn_from[index] = model.last_batch.csp
        fallbacks += model.last_batch.fallback
    return Outcome(draws, drawn_from, fallbacks)


def reference(
    case: Case,
    variant: Variant,
    seed: int = 99,
    *,
    count: int = REFERENCE_BATCHES,
    scale: float = 1,
    stratified: bool = True,
) -> Outcome:
    """Batches of the float reference; `scale` multiplies both scales, to make it wrong on purpose."""
    sampler = FloatReference(
        case.codes,
        case.groups,
        variant,
        case.radius_scale * scale,
        case.neighbour_scale * scale,
        np.random.default_rng(seed),
        stratified=stratified,
    )
    return Outcome(*sampler.batches(count, case.batch))


def bin_of_rows(case: Case) -> IndexArray:
    """(n,) the bin of each row: 30 bins by rank of priority, as even as can be, or n if that is fewer."""
    rank = np.empty(case.codes.size, dtype=np.int64)
    rank[np.argsort(case.codes, kind="stable")] = np.arange(case.codes.size)
    return rank * min(BINS, case.codes.size) // case.codes.size


def bin_counts(case: Case, draws: IndexArray) -> FloatArray:
    """(N, bins) draws of each batch that fall into each bin."""
    bins = bin_of_rows(case)
    width = int(bins.max()) + 1
    cell = np.arange(len(draws))[:, None] * width + bins[draws]
    return np.bincount(cell.ravel(), minlength=len(draws) * width).reshape(-1, width).astype(np.float64)


def draw_vectors(case: Case, outcome: Outcome) -> FloatArray:
    """(N, bins + 1): draws by bin, and |CSP|."""
    return np.column_stack([bin_counts(case, outcome.draws), outcome.drawn_from.sum(axis=1)])


def csp_vectors(case: Case, outcome: Outcome) -> FloatArray:
    """(N, bins): rows of the CSP by bin."""
    member = np.eye(int(bin_of_rows(case).max()) + 1, dtype=np.float32)[bin_of_rows(case)]
    return (outcome.drawn_from.astype(np.float32) @ member).astype(np.float64)


def hotelling(first: FloatArray, second: FloatArray) -> float:
    """p-value of equal means of two samples of independent vectors, (N1, k) and (N2, k), of any covariance.

    A direction in which neither sample varies (the draws of a batch always sum to b; tied rows are in the CSP
    together) carries no degree of freedom; means that differ in such a direction are different for certain.
    """
    difference = first.mean(axis=0) - second.mean(axis=0)
    covariance = np.cov(first.T) / len(first) + np.cov(second.T) / len(second)
    variance, axes = np.linalg.eigh(covariance)
    along = axes.T @ difference
    varies = variance > 1e-9 * variance.max()
    if np.any(np.abs(along[~varies]) > 1e-6):
        return 0.0
    return float(stats.chi2.sf(np.sum(along[varies] ** 2 / variance[varies]), int(varies.sum())))


def pearson(case: Case, first: IndexArray, second: IndexArray) -> float:
    """p-value of equal bin frequencies of two sets of independent draws, by Pearson's chi-square."""
    table = np.stack([bin_counts(case, draws.reshape(1, -1))[0] for draws in (first, second)])
    return float(stats.chi2_contingency(table[:, table.sum(axis=0) > 0]).pvalue)


def p_values(case: Case, first: Outcome, second: Outcome) -> dict[str, float]:
    """The three p-values of the module's docstring."""
    return {
        "draws": hotelling(draw_vectors(case, first), draw_vectors(case, second)),
        "csp": hotelling(csp_vectors(case, first), csp_vectors(case, second)),
        "first": pearson(case, first.draws[:, 0], second.draws[:, 0]),
    }


# --- acceptance -----------------------------------------------------------------------------------


@pytest.mark.share(5)  # of k that of few rows, which takes a tenth
@pytest.mark.parametrize("name", ["uniform", "exponential", "few rows", "ties", "one group"])
@pytest.mark.parametrize("variant", AMPER_VARIANTS)
def test_golden_agrees_with_float_reference(name: str, variant: Variant) -> None:
    case = make_case(name)
    result = p_values(case, golden(name, variant), reference(case, variant))
    print(f"{name}, {variant}: " + ", ".join(f"{key} p = {value:.3f}" for key, value in result.items()))
    assert min(result.values()) > FALSE_ALARM, result
    if name == "few rows" and variant != "k":
        # The agreement would say nothing about the fallback had it never happened. (k always has neighbours.)
        assert golden(name, variant).fallbacks > 100


# --- power: what the same test says of a wrong sampler --------------------------------------------


@pytest.mark.share(2)
@pytest.mark.parametrize(
    ("variant", "wrong_variant", "scale", "stratified"),
    [
        pytest.param("fr-dithered", "fr-prefix", 1.0, True, id="prefix for dithered"),
        pytest.param("fr-dithered", "fr", 1.0, True, id="range for dithered"),
        pytest.param("fr", "fr", 1.1, True, id="fr radius 10 percent up"),
        pytest.param("fr-prefix", "fr-prefix", 1.1, True, id="prefix radius 10 percent up"),
        pytest.param("fr-dithered", "fr-dithered", 0.9, True, id="dithered radius 10 percent down"),
        pytest.param("k", "k", 1.1, True, id="k neighbours 10 percent up"),
        pytest.param("fr-dithered", "fr-dithered", 1.0, False, id="dithered unstratified"),
        pytest.param("k", "k", 1.0, False, id="k unstratified"),
    ],
)
def test_wrong_sampler_is_rejected(variant: Variant, wrong_variant: Variant, scale: float, stratified: bool) -> None:
    """Both Hotelling statistics notice on their own; Pearson on one draw a batch is too weak to be asked."""
    case = make_case("uniform")
    wrong = reference(case, wrong_variant, scale=scale, stratified=stratified)
    result = p_values(case, golden("uniform", variant), wrong)
    assert max(result["draws"], result["csp"]) < DETECTED, result


@pytest.mark.parametrize("variant", AMPER_VARIANTS)
def test_coarse_codes_are_told_apart(variant: Variant) -> None:
    """With 6-bit codes whole numbers are not real numbers, and the test says so: it is no rubber stamp.

    Why they differ is in docs/reference/distribution.md: D_i and V_i are rounded down, and equal distances on both
    sides of V_i become likely.
    """
    case = make_case("coarse")
    assert p_values(case, golden("coarse", variant), reference(case, variant))["csp"] < DETECTED


# --- the statistic itself -------------------------------------------------------------------------


@pytest.mark.share(4)
@pytest.mark.parametrize("name", ["uniform", "exponential", "ties", "few rows"])
def test_p_values_are_uniform_for_equal_samplers(name: str) -> None:
    """60 comparisons of the reference with itself: the p-values are uniform, says Kolmogorov-Smirnov."""
    case = make_case(name)
    results = []
    for repeat in range(60):
        first = reference(case, "fr-dithered", seed=1000 + 2 * repeat, count=2_000)
        second = reference(case, "fr-dithered", seed=1001 + 2 * repeat, count=4_000)
        results.append(p_values(case, first, second))
    for statistic in ("draws", "csp", "first"):
        observed = np.array([result[statistic] for result in results])
        assert stats.kstest(observed, "uniform").pvalue > FALSE_ALARM, statistic


def test_pearson_over_all_draws_is_wrong() -> None:
    """Pearson over all the draws calls 2,000 and 4,000 correct batches different; Hotelling does not."""
    case = make_case("uniform")
    first = reference(case, "fr-dithered", seed=1, count=2_000)
    second = reference(case, "fr-dithered", seed=2, count=4_000)
    assert pearson(case, first.draws, second.draws) < DETECTED
    assert p_values(case, first, second)["draws"] > FALSE_ALARM


# --- the reference itself -------------------------------------------------------------------------


def brute_force(case: Case, variant: Variant, seed: int) -> BoolArray:
    """(n,) bool, the CSP by its definition, row by row: |p - V| <= D, high bits, or rank of distance."""
    rng = np.random.default_rng(seed)
    vmax = float(case.codes.max())
    values = (np.arange(case.groups) + rng.random(case.groups)) * (vmax / case.groups)
    dither = rng.random(case.groups) if variant == "fr-dithered" else np.ones(case.groups)
    union = np.zeros(case.codes.size, dtype=np.bool_)
    for group, value in enumerate(values):
        distance = np.abs(case.codes - value)
        radius = case.radius_scale / case.groups * value
        ignored = int(radius).bit_length()
        if variant == "k":
            last = group == case.groups - 1
            below_end = case.codes * case.groups < (group + 1) * vmax
            members = np.sum((case.codes * case.groups >= group * vmax) & (below_end | last))
            wanted = min(case.codes.size, int(np.ceil(case.neighbour_scale * value / vmax * members)))
            union |= distance <= np.sort(distance)[wanted - 1] + 1e-9 if wanted else False
        elif variant == "fr":
            union |= distance <= radius
        else:
            ignored += int(radius) > 0 and dither[group] < 2 * radius / 2**ignored - 1
            union |= (case.codes >> ignored) == (int(value) >> ignored)
    return union


@pytest.mark.parametrize("variant", AMPER_VARIANTS)
def test_reference_is_the_definition(variant: Variant) -> None:
    """Intervals, searches and prefix sums give the row-by-row definition, from the same random numbers."""
    sizes = set()
    for seed in range(300):
        rng = np.random.default_rng([3, seed])
        codes = rng.integers(1, rng.choice([30, 300, 60_000]), size=rng.integers(1, 60))
        case = Case(
            codes,
            int(rng.integers(1, 12)),
            1,
            float(rng.choice([0.1, 0.5, 3.0])),
            float(rng.choice([0.2, 1.5])),
        )
        sampler = FloatReference(
            codes, case.groups, variant, case.radius_scale, case.neighbour_scale, np.random.default_rng(seed)
        )
        candidates = sampler.candidate_set()
        np.testing.assert_array_equal(candidates, brute_force(case, variant, seed), err_msg=f"seed {seed}")
        sizes.add(int(candidates.sum()))
    assert len(sizes) > 10


def test_reference_draws_only_candidates_evenly() -> None:
    """Each draw is a candidate of its batch, its rank is uniform, and an empty CSP becomes all rows."""
    case = make_case("few rows")
    outcome = reference(case, "fr", count=20_000)
    assert outcome.drawn_from.all(axis=1).sum() > 100
    assert np.take_along_axis(outcome.drawn_from, outcome.draws, axis=1).all()
    rank = np.take_along_axis(np.cumsum(outcome.drawn_from, axis=1), outcome.draws, axis=1)[:, 0] - 1
    size = outcome.drawn_from.sum(axis=1)
    counts = np.bincount(rank[size == 3], minlength=3)
    assert stats.chisquare(counts).pvalue > FALSE_ALARM


@pytest.mark.parametrize("variant", AMPER_VARIANTS)
def test_reference_when_all_priorities_are_zero(variant: Variant) -> None:
    sampler = FloatReference(np.zeros(5), 3, variant, 0.2, 0.3, np.random.default_rng(0))
    assert sampler.candidate_set().all()
    assert set(sampler.sample(200).tolist()) == set(range(5))


@pytest.mark.parametrize(
    ("priorities", "groups", "variant", "message"),
    [
        ([], 2, "fr", r"priorities must be a non-empty vector, not of shape \(0,\)"),
        ([1.0, -1.0], 2, "fr", "priorities must be finite and at least 0"),
        ([1.0, np.nan], 2, "fr", "priorities must be finite and at least 0"),
        ([1.0], 0, "fr", "groups must be at least 1, not 0"),
        ([1.0], 1, "nearest", "variant must be one of fr, fr-prefix, fr-dithered, k, not 'nearest'"),
    ],
)
def test_reference_refuses(priorities: list[float], groups: int, variant: Variant, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        FloatReference(priorities, groups, variant, 0.2, 0.3, np.random.default_rng(0))
