"""`amper bench distance`: its candidate sets are those of the sampler, and its distances are what they are called."""

import json
from pathlib import Path

import numpy as np
import pytest

from amper import Sampler, inclusion_probability
from amper_cli.main import main
from amper_lab.studies.distance import (
    AMPER_MODES,
    DISTRIBUTIONS,
    divergence,
    make_priorities,
    measure_amper,
    measure_exact,
    total_variation,
)
from amper_lab.studies.match_sets import draw_chances, match_intervals

TRACE = Path(__file__).parents[3] / "verif/traces/cartpole-2000.npz"
ROWS, GROUPS, SCALE = 80, 6, 0.5
SIGMAS = 5.0  # 48 comparisons: a right program has a chance of 3e-5 that one is farther off


def stored(seed: int = 1) -> np.ndarray:
    """(ROWS,) ascending priorities as a sampler of AMPER stores them, with ties."""
    sampler = Sampler(ROWS, mode="amper-fr")
    values = np.random.default_rng(seed).exponential(1.0, ROWS)
    values[10:14] = values[20]
    sampler.extend(np.sort(values))
    return sampler.priorities().astype(np.float64)


def naive_chances(first: np.ndarray, last: np.ndarray, rows: int) -> np.ndarray:
    total = np.zeros(rows)
    for lows, highs in zip(first, last, strict=True):
        held = {row for low, high in zip(lows, highs, strict=True) for row in range(low, high)} or set(range(rows))
        for row in held:
            total[row] += 1 / len(held)
    return total / len(first)


def test_chances_are_those_of_the_union():
    rng = np.random.default_rng(2)
    first = rng.integers(0, 30, (200, 4))
    last = np.minimum(30, first + np.maximum(0, rng.integers(-4, 6, (200, 4))))
    last[:5] = first[:5]  # batches without a match
    chances, size = draw_chances(first, last, 30)
    assert chances == pytest.approx(naive_chances(first, last, 30), abs=1e-12)
    assert (size[:5] == 0).all()
    assert chances.sum() == pytest.approx(1)


@pytest.mark.parametrize("mode", AMPER_MODES)
def test_chances_are_those_of_the_sampler(mode):
    """Shares of the compiled sampler's draws, in eight bins of rows, against the average over candidate sets."""
    values, batches, batch = stored(), 6000, 32
    sampler = Sampler(ROWS, mode=mode, groups=GROUPS, scale=SCALE, seed=4)
    sampler.write(np.arange(ROWS), values)
    counts = np.array([np.bincount(sampler.sample(batch)[0] // 10, minlength=8) for _ in range(batches)]) / batch
    rng = np.random.default_rng(5)
    variant = mode.removeprefix("amper-")
    parts = np.array(
        [draw_chances(*match_intervals(values, variant, GROUPS, np.full(1000, SCALE), rng), ROWS)[0] for _ in range(30)]
    ).reshape(30, 8, 10)
    ours = parts.sum(axis=2)
    error = np.sqrt(counts.var(axis=0) / batches + ours.var(axis=0) / len(ours))
    assert (np.abs(counts.mean(axis=0) - ours.mean(axis=0)) < SIGMAS * error).all()


@pytest.mark.parametrize("variant", ["fr", "fr-prefix", "fr-dithered"])
def test_inclusion_is_the_closed_form(variant):
    """How often a row is in a set, against `amper.inclusion_probability`."""
    values, batches = stored(), 20_000
    first, last = match_intervals(values, variant, GROUPS, np.full(batches, SCALE), np.random.default_rng(6))
    rows = np.arange(ROWS)
    within = ((first[:, :, None] <= rows) & (rows < last[:, :, None])).any(axis=1).mean(axis=0)
    chance = inclusion_probability(values, variant=variant, groups=GROUPS, scale=SCALE)  # type: ignore[arg-type]
    assert (np.abs(within - chance) < SIGMAS * np.sqrt(chance * (1 - chance) / batches) + 1e-12).all()


def test_distances_of_known_distributions():
    p, q = np.array([0.5, 0.5, 0.0]), np.array([0.25, 0.25, 0.5])
    assert total_variation(p, q) == 0.5
    assert divergence(p, q) == pytest.approx(np.log(2))
    assert divergence(p, p) == 0


def test_uniform_draws_have_their_closed_form():
    """Priorities 1 to n: half the sum of |1/n - 2 j / (n (n + 1))|."""
    priorities = np.random.default_rng(1).permutation(np.arange(1.0, 201.0))
    found = measure_exact("uniform", priorities, "uniform")
    ranks = np.arange(1, 201)
    assert found.row_tv == pytest.approx(0.5 * np.abs(1 / 200 - ranks / (100 * 201)).sum())
    assert found.tv <= found.row_tv
    assert (found.error, found.noise, found.target) == (0, 0, None)


def test_per_is_at_the_distance_of_float32():
    priorities = make_priorities("lognormal", 1000, 1, TRACE)
    found = measure_exact("lognormal", priorities, "per")
    assert 0 < found.row_tv < 2**-24
    assert measure_exact("lognormal", np.ones(1000), "per").row_tv == 0


@pytest.mark.parametrize("mode", AMPER_MODES)
def test_the_scale_adapts_and_is_shown(mode):
    priorities = make_priorities("exponential", 1000, 1, TRACE)
    found = measure_amper("exponential", priorities, mode, 0.15, groups=20, batches=2000, seed=1)
    assert found.share == pytest.approx(0.15, rel=0.03)
    assert found.scale is not None
    assert found.scale > 0.3  # 0.15 would do for uniform priorities
    assert 0 < found.error < found.tv < measure_exact("exponential", priorities, "uniform").tv / 2
    assert (found.inclusion_tv is None) == (mode == "amper-k")
    assert found == measure_amper("exponential", priorities, mode, 0.15, groups=20, batches=2000, seed=1)


def test_equal_priorities_are_drawn_equally():
    found = measure_amper("uniform", np.ones(200), "amper-fr", 0.15, groups=5, batches=400, seed=1)
    assert found.row_tv < 1e-12


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_priorities(distribution):
    priorities = make_priorities(distribution, 500, 1, TRACE)
    assert priorities.size == (2000 if distribution == "cartpole" else 500)
    assert np.isfinite(priorities).all()
    assert (priorities > 0).all()
    if distribution == "outlier":
        assert np.sort(priorities)[-2:] == pytest.approx([1, 1e6], rel=0.02)


def test_too_few_rows():
    with pytest.raises(ValueError, match=r".") as caught:
        make_priorities("uniform", 99, 1, TRACE)
    assert str(caught.value) == "rows must be at least 100, one a bin, not 99"


def test_command_prints_and_writes_everything(tmp_path, capsys):
    small = ["--rows", "200", "--groups", "5", "--shares", "0.1", "0.4", "--batches", "80"]
    folder = tmp_path / "out"
    arguments = ["--distributions", "pareto", "cartpole", "--trace", str(TRACE), "-o", str(folder)]
    assert main(["bench", "distance", *small, *arguments]) == 0
    assert (folder / "distance.md").read_text("utf-8") + "\n" == capsys.readouterr().out
    saved = json.loads((folder / "distance.json").read_text("utf-8"))
    assert [(line["distribution"], line["mode"], line["target"]) for line in saved["results"]] == [
        (distribution, mode, share)
        for distribution in ("pareto", "cartpole")
        for mode, share in [
            ("per", None),
            ("uniform", None),
            *((mode, share) for mode in AMPER_MODES for share in (0.1, 0.4)),
        ]
    ]
    assert [line["rows"] for line in saved["results"]] == [200] * 10 + [2000] * 10
    assert (folder / "distance.svg").read_text("utf-8").count("<svg") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--batches", "0"], "batches must be at least 1, not 0"),
        (["--rows", "7"], "rows must be at least 100, one a bin, not 7"),
        (["--shares", "1.5", "--rows", "100"], "csp_share must be above 0 and at most 1, not 1.5"),
        (["--distributions", "cartpole", "--trace", "no.npz"], "no.npz: trace file must exist, got no such file"),
    ],
)
def test_command_refuses_what_is_illegal(arguments, message, capsys):
    assert main(["bench", "distance", *arguments]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"amper bench distance: error: {message}"
