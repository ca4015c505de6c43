"""The study of AMPER's two repairs: without them it is the algorithm, and each does what it is for."""

import sys

import numpy as np
import pytest

from amper import AmperConfig
from amper_lab.studies import repairs
from amper_lab.studies.candidate_sets import golden_intervals, query_words, representatives
from amper_lab.studies.distance import Study
from amper_lab.studies.repairs import measured, repaired_intervals

BATCHES = 4000


def config_of(variant: str, priority_width: int = 12, radius_scale: float = 0.15) -> AmperConfig:
    return AmperConfig(rows=60, variant=variant, priority_width=priority_width, groups=6, radius_scale=radius_scale)


def codes_of(config: AmperConfig) -> np.ndarray:
    return np.sort(np.random.default_rng(1).integers(1, config.priority_max, config.rows))


@pytest.mark.parametrize("variant", ["fr", "fr-dithered"])
@pytest.mark.parametrize("priority_width", [5, 12, 16])
def test_without_repairs_it_is_the_algorithm(variant, priority_width):
    config = config_of(variant, priority_width)
    codes, words = codes_of(config), query_words(config, 500)
    expected = golden_intervals(config, codes, words)
    for ours, theirs in zip(repaired_intervals(config, codes, words, ()), expected, strict=True):
        assert (ours == theirs).all()


def test_representatives_reach_as_far_as_a_radius_below_which_vmax_is():
    """The last one is above Vmax, and its radius ends at Vmax or just beyond."""
    config = config_of("fr", 16, radius_scale=1.2)  # c = 0.2
    vmax = 40_000
    codes, words = np.array([vmax]), query_words(config, BATCHES)
    first, last = repaired_intervals(config, codes, words, ("reach",))
    within = (last > first).mean(axis=0)
    u = (words >> np.uint64(64 - config.fraction_width)).astype(np.int64)
    value, _ = representatives(config, u, int(vmax / 0.8))
    assert value.max() > 0.99 * vmax / 0.8
    # V from Vmax / (1 + c) to Vmax / (1 - c), in groups of Vmax / 0.8 / 6: all of the last, a part of the one before.
    assert within[-1] == 1
    assert within[-2] == pytest.approx((5 / 6 / 0.8 - 1 / 1.2) / (1 / 6 / 0.8), abs=0.03)
    low = golden_intervals(config, codes, words)
    assert (low[1] > low[0]).mean(axis=0)[-1] == pytest.approx((1 - 1 / 1.2) * 6, abs=0.03)


@pytest.mark.parametrize("code", [1, 3, 10, 30, 100])
def test_fractions_match_a_code_as_often_as_its_radius_is_long(code):
    """A row of code p lies in a block of 2 c p codes on average, also where that is less than one code."""
    config = config_of("fr-dithered", 8, radius_scale=0.3)  # c = 0.05
    codes, words = np.array([code, 255]), query_words(config, BATCHES)
    first, last = repaired_intervals(config, codes, words, ("fraction",))
    hits = int(((first == 0) & (last > 0)).sum())
    expected = BATCHES * config.groups * 2 * 0.05 * code / 256
    # Blocks lie at multiples of their length, which is of V and not of p: so within a tenth, and the noise.
    assert abs(hits - expected) < 0.1 * expected + 5 * np.sqrt(expected)
    plain_first, plain_last = golden_intervals(config, codes, words)
    plain = int(((plain_first == 0) & (plain_last > 0)).sum())
    if code in (1, 3, 30):  # radii of 0.05, 0.15 and 1.5 codes
        assert abs(plain - expected) > 0.25 * expected


def test_neither_repair_helps_against_ties_as_exact_does():
    """What the page decides by: one row in ten at code 300, the others at 1."""
    study = Study(1000, 20, 16, 400, 1)
    found = {each.mode: each for each in measured(study, "sparse")}
    assert list(found) == [
        *("fr", "fr + reach", "fr-dithered", "fr-dithered + reach", "fr-dithered + fraction"),
        *("fr-dithered + reach + fraction", "exact"),
    ]
    assert found["exact"].tv < 0.001
    assert min(each.tv for mode, each in found.items() if mode != "exact") > 0.4
    assert found["fr-dithered + reach + fraction"].top > 1.5 * found["fr-dithered"].top


def test_the_command_prints_tables(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["repairs", "--batches", "40"])
    monkeypatch.setattr(repairs, "DISTRIBUTIONS", ("uniform", "two-level"))
    repairs.main()
    text = capsys.readouterr().out
    assert text.count("| priorities |") == 4
    assert text.count("\n| two-level | ") == 2
    assert text.count("\n| cartpole | ") == 2
