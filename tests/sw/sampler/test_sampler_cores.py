"""The compiled core and its NumPy fallback give the same results, bit for bit, over random operations."""

from __future__ import annotations

import numpy as np
import pytest

from amper import Sampler
from amper.sampler.options import MODES

OPERATIONS = 400

# Each makes (count,) priorities; together they reach every scale, ties, and candidate sets of every size.
PRIORITIES = {
    "uniform": lambda rng, count: rng.random(count),
    "pareto": lambda rng, count: rng.pareto(1.5, count),
    "ties": lambda rng, count: rng.choice([0.5, 1.0, 2.0], count),
    "zeros and giants": lambda rng, count: np.where(
        rng.random(count) < 0.9, 0.0, 10.0 ** rng.uniform(-300, 300, count)
    ),
    "all scales": lambda rng, count: 10.0 ** rng.uniform(-40, 40, count),
}


def pair(**options) -> tuple[Sampler, Sampler]:
    return Sampler(compiled=True, **options), Sampler(compiled=False, **options)


def assert_same_state(fast: Sampler, slow: Sampler) -> None:
    first, second = fast.state(), slow.state()
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert np.array_equal(value, second[name]), name


def operate(samplers: tuple[Sampler, Sampler], rng: np.random.Generator, priorities, rows: int) -> None:
    """One random operation on both; what they answer must be equal."""
    fast = samplers[0]
    held = np.flatnonzero(fast.priorities())
    kind = rng.choice(["add", "extend", "update", "errors", "remove", "sample"], p=[0.15, 0.1, 0.25, 0.1, 0.05, 0.35])
    if kind == "add":
        value = None if rng.random() < 0.5 else float(priorities(rng, 1)[0])
        answers = [sampler.add(value) for sampler in samplers]
    elif kind == "extend":
        values = priorities(rng, int(rng.integers(1, rows + 5)))
        answers = [sampler.extend(values) for sampler in samplers]
    elif held.size == 0:
        return
    elif kind == "remove":
        chosen = rng.choice(held, min(held.size, int(rng.integers(1, max(2, rows // 2)))))
        answers = [sampler.remove(chosen) for sampler in samplers]
    elif kind == "sample":
        batch, beta = int(rng.integers(1, 100)), float(rng.choice([0.0, 0.4, 1.0]))
        answers = [sampler.sample(batch, beta) for sampler in samplers]
        np.testing.assert_array_equal(answers[0][1], answers[1][1])
        answers = [answer[0] for answer in answers]
        assert np.isin(answers[0], held).all()
    else:
        chosen = rng.choice(held, int(rng.integers(1, 80)))
        values = priorities(rng, chosen.size)
        if kind == "update":
            values = values.astype(np.float32) if values.max() < 1e38 and rng.random() < 0.5 else values
            answers = [sampler.update(chosen, values) for sampler in samplers]
        else:
            errors = values * rng.choice([-1.0, 1.0], chosen.size)
            answers = [sampler.update_errors(chosen, errors) for sampler in samplers]
    np.testing.assert_array_equal(answers[0], answers[1])


@pytest.mark.share(2)
@pytest.mark.parametrize("rows", [1, 7, 300, 5000])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("distribution", PRIORITIES)
def test_same_results(distribution, mode, rows):
    rng = np.random.default_rng([rows, MODES.index(mode), list(PRIORITIES).index(distribution)])
    own = "inclusion" if rng.random() < 0.5 else "per"
    samplers = pair(rows=rows, mode=mode, groups=int(rng.integers(1, 25)), weights=own, seed=int(rng.integers(1 << 62)))
    for _ in range(OPERATIONS if rows < 5000 else OPERATIONS // 8):
        operate(samplers, rng, PRIORITIES[distribution], rows)
    assert_same_state(*samplers)


@pytest.mark.parametrize("scale", [0.0, 0.001, 3.0, 10.0])
@pytest.mark.parametrize("mode", [mode for mode in MODES if mode.startswith("amper")])
@pytest.mark.parametrize("weights", ["per", "inclusion"])
def test_same_results_with_a_fixed_scale(mode, scale, weights):
    """From empty candidate sets to all rows in every one."""
    rng = np.random.default_rng(5)
    samplers = pair(rows=500, mode=mode, groups=10, scale=scale, weights=weights)
    for _ in range(OPERATIONS // 4):
        operate(samplers, rng, PRIORITIES["pareto"], 500)
    assert_same_state(*samplers)


# Of 99 percent of the rows the largest priority, of the others the least and the largest: around, below and above them.
BULKS = {"below": (1.0, 900.0, 1000.0), "above": (970.0, 1.0, 960.0), "between": (500.0, 1.0, 1000.0)}


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode.startswith("amper")])
@pytest.mark.parametrize("bulk", BULKS)
def test_same_results_with_tiny_candidate_sets(bulk, mode):
    """For them all rows are gone through, of which some have been giants or were removed."""
    (value, low, high), rows = BULKS[bulk], 20_100  # rows in no whole blocks
    rng = np.random.default_rng(list(BULKS).index(bulk))
    # The nearest rows are whole codes: those of the bulk have to be many, and few of them reached.
    groups, scale, least = (2, 0.0001, 0.5) if mode == "amper-k" else (20, 0.05, 0.99)
    samplers = pair(rows=rows, mode=mode, groups=groups, scale=scale, seed=4)
    few = rng.choice(rows, 300, replace=False)
    tiny = 0
    for turn in range(30):
        values = value * rng.uniform(least, 1.0, rows)
        values[few] = rng.uniform(low, high, few.size)
        giants = rng.choice(rows, 40)
        for sampler in samplers:
            sampler.write(np.arange(rows), values)
            sampler.update(giants, np.full(giants.size, 1e6))
            sampler.update(giants, values[giants])
            sampler.remove(few[turn : turn + 1])
        for _ in range(3):
            drawn = [sampler.sample(64) for sampler in samplers]
            np.testing.assert_array_equal(drawn[0][0], drawn[1][0])
            np.testing.assert_array_equal(drawn[0][1], drawn[1][1])
            tiny += 0 < samplers[0].csp_share < 0.01
    assert tiny > 10
    assert_same_state(*samplers)


def test_same_results_in_one_long_operation():
    """Long enough for the compiled core to release the GIL."""
    rng = np.random.default_rng(6)
    for mode in ("per", "amper-fr-dithered"):
        samplers = pair(rows=20_000, mode=mode)
        values = rng.pareto(1.5, 20_000)
        drawn = []
        for sampler in samplers:
            sampler.extend(values)
            drawn.append(sampler.sample(5_000))
        np.testing.assert_array_equal(drawn[0][0], drawn[1][0])
        np.testing.assert_array_equal(drawn[0][1], drawn[1][1])
        assert_same_state(*samplers)


def test_same_estimates_after_very_many_batches():
    """The weight of a batch grows; before it leaves the range of floating point, all sums are scaled down."""
    samplers = pair(rows=100, mode="amper-k", weights="inclusion")
    for sampler in samplers:
        sampler.extend(np.arange(1.0, 101.0))
        sampler.sample(5)
        state = sampler.state()
        state["cover"] *= 2.0**399 / state["cover"][0]
        sampler.restore(state)
    for _ in range(400):
        drawn = [sampler.sample(5) for sampler in samplers]
        np.testing.assert_array_equal(drawn[0][1], drawn[1][1])
    assert samplers[0].state()["cover"][0] < 2.0**10
    assert_same_state(*samplers)
