"""`amper bench distance`: its candidate sets are those of the golden model and of the sampler, its distances right."""

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from amper import AMPER_VARIANTS, VARIANTS, AmperConfig, GoldenModel, Sampler, inclusion_probability
from amper_cli.main import main
from amper_lab.studies.candidate_sets import draw_chances, golden_intervals, query_words, sampler_intervals
from amper_lab.studies.distance import (
    MODES,
    Distance,
    Study,
    chances_of,
    distance,
    divergence,
    in_bins,
    lines,
    measure_all,
    total_variation,
)
from amper_lab.studies.priorities import CODES, DISTRIBUTIONS, make_priorities

AMPER_MODES = [mode for mode in MODES if mode.startswith("amper-")]
TRACE = Path(__file__).parents[3] / "verif/traces/cartpole-2000.npz"
ROWS, GROUPS, SCALE = 80, 6, 0.5
SIGMAS = 5.0  # 48 comparisons: a right program has a chance of 3e-5 that one is farther off


MEASURED_ROWS = 10_000
TV_LIMIT = 0.02
"""What fr-dithered has to keep. Of this, 0.004 is noise of 20,000 batches; fr-prefix shows 0.08."""


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
    chances, size = draw_chances((first, last), 30)
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
        [
            draw_chances(sampler_intervals(values, variant, GROUPS, np.full(1000, SCALE), rng), ROWS)[0]
            for _ in range(30)
        ]
    ).reshape(30, 8, 10)
    ours = parts.sum(axis=2)
    error = np.sqrt(counts.var(axis=0) / batches + ours.var(axis=0) / len(ours))
    assert (np.abs(counts.mean(axis=0) - ours.mean(axis=0)) < SIGMAS * error).all()


@pytest.mark.parametrize("variant", ["fr", "fr-prefix", "fr-dithered"])
def test_inclusion_is_the_closed_form(variant):
    """How often a row is in a set, against `amper.inclusion_probability`."""
    values, batches = stored(), 20_000
    first, last = sampler_intervals(values, variant, GROUPS, np.full(batches, SCALE), np.random.default_rng(6))
    rows = np.arange(ROWS)
    within = ((first[:, :, None] <= rows) & (rows < last[:, :, None])).any(axis=1).mean(axis=0)
    chance = inclusion_probability(values, variant=variant, groups=GROUPS, scale=SCALE)  # type: ignore[arg-type]
    assert (np.abs(within - chance) < SIGMAS * np.sqrt(chance * (1 - chance) / batches) + 1e-12).all()


def test_distances_of_known_distributions():
    p, q = np.array([0.5, 0.5, 0.0]), np.array([0.25, 0.25, 0.5])
    assert total_variation(p, q) == 0.5
    assert divergence(p, q) == pytest.approx(np.log(2))
    assert divergence(p, p) == 0


def measured(mode: str, priorities: np.ndarray, *, target: float | None = None, **changed: object) -> Distance:
    study = Study(**{"rows": 1000, "groups": 20, "priority_width": 16, "batches": 2000, "seed": 1, **changed})
    priorities = np.sort(priorities)
    return distance("some", mode, target, priorities, chances_of(study, mode, target, priorities))


def test_uniform_draws_have_their_closed_form():
    """Priorities 1 to n: half the sum of |1/n - 2 j / (n (n + 1))|."""
    found = measured("uniform", np.random.default_rng(1).permutation(np.arange(1.0, 201.0)))
    ranks = np.arange(1, 201)
    assert found.row_tv == pytest.approx(0.5 * np.abs(1 / 200 - ranks / (100 * 201)).sum())
    assert found.tv <= found.row_tv
    assert (found.error, found.noise, found.target) == (0, 0, None)
    assert (found.top, found.per_top) == pytest.approx((1 / 200, 200 / 20100))


def test_per_is_at_the_distance_of_float32():
    assert 0 < measured("per", make_priorities("lognormal", 1000, 1, TRACE)).row_tv < 2**-24
    assert measured("per", np.ones(1000)).row_tv == 0


def test_exact_draws_in_proportion_to_the_codes():
    """Codes of four bits, where 3.5 is the largest priority and so becomes 15."""
    priorities = np.repeat([0.5, 1.0, 2.0, 3.5], 100)
    study = Study(rows=400, groups=20, priority_width=4, batches=1, seed=1)
    chances = chances_of(study, "exact", None, priorities).parts
    codes = np.array([2, 4, 9, 15])  # 15 / 3.5 codes a unit
    assert chances == pytest.approx(np.repeat(codes / codes.sum() / 100, 100)[None, :])
    assert measured("exact", priorities).row_tv < 1e-4


def test_codes_are_taken_as_they_are():
    """And, with fewer bits than 16, without their lowest ones."""
    for width, expected in ((16, (300, 1)), (14, (75, 1))):
        study = Study(rows=400, groups=20, priority_width=width, batches=1, seed=1)
        priorities = make_priorities("two-level", 400, 1, TRACE)
        chances = chances_of(study, "exact", None, priorities, as_codes=True).parts[0]
        assert chances[[-1, 0]] == pytest.approx(np.array(expected) / (200 * sum(expected)))


@pytest.mark.parametrize("mode", AMPER_MODES)
def test_the_scale_adapts_and_is_shown(mode):
    priorities = make_priorities("exponential", 1000, 1, TRACE)
    found = measured(mode, priorities, target=0.15)
    assert found.share == pytest.approx(0.15, rel=0.03)
    assert found.scale is not None
    assert found.scale > 0.3  # 0.15 would do for uniform priorities
    assert 0 < found.error < found.tv < measured("uniform", priorities).tv / 2
    assert found == measured(mode, priorities, target=0.15)


def test_equal_priorities_are_drawn_equally():
    assert measured("amper-fr", np.ones(200), target=0.15, groups=5, batches=400).row_tv < 1e-12


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_priorities(distribution):
    priorities = make_priorities(distribution, 500, 1, TRACE)
    assert priorities.size == (2000 if distribution == "cartpole" else 500)
    assert np.isfinite(priorities).all()
    assert (priorities > 0).all()
    assert (np.diff(priorities) >= 0).all()
    if distribution == "outlier":
        assert priorities[-2:] == pytest.approx([1, 1e6], rel=0.02)
    if distribution in CODES:
        assert (priorities % 1 == 0).all()
        tied = np.count_nonzero(priorities == priorities[-1])
        assert tied == {"two-level": 250, "sparse": 50, "two-scale": 50, "new-rows": 150}[distribution]


def test_ties_at_the_top_tell_the_variants_apart():
    """Half of the rows at 300, half at 1: PER and exact draw the former nearly always, the others half the time."""
    study = Study(rows=1000, groups=20, priority_width=16, batches=2000, seed=1)
    found = {each.mode: each for each in measure_all(study, ["two-level"], VARIANTS, [], TRACE)}
    assert found["exact"].top == found["exact"].per_top == pytest.approx(300 / 301)
    assert all(0.45 < found[variant].top < 0.65 for variant in AMPER_VARIANTS)


# --- bit-exact variants: at the paper's setting, against the golden model ---------------------------


def golden_batches(config: AmperConfig, codes: np.ndarray, batches: int) -> np.ndarray:
    """(batches, n) bool: the rows the golden model's first batches draw from."""
    model = GoldenModel(config)
    for row, code in enumerate(codes):
        model.write(row, int(code))
    sets = []
    for _ in range(batches):
        model.sample()
        sets.append(model.last_batch.csp)
    return np.array(sets)


def vectorised_batches(config: AmperConfig, codes: np.ndarray, batches: int) -> np.ndarray:
    """The same of the study's intervals."""
    order = np.argsort(codes, kind="stable")
    first, last = golden_intervals(config, codes[order], query_words(config, batches))
    place = np.arange(codes.size)
    sets = np.empty((batches, codes.size), np.bool_)
    sets[:, order] = ((first[:, :, None] <= place) & (place < last[:, :, None])).any(axis=1)
    sets[~sets.any(axis=1)] = True
    return sets


@pytest.mark.parametrize("variant", AMPER_VARIANTS)
def test_vectorised_sets_are_the_golden_model(variant):
    """600 batches of 200 random memories: any m, Q, scale; zeros, ties, a single row, fallbacks."""
    full = partial = 0
    for seed in range(200):
        rng = np.random.default_rng([8, seed])
        width = int(rng.integers(4, 17))
        codes = rng.integers(0, rng.integers(1, 1 << width, endpoint=True), size=rng.integers(1, 60))
        config = AmperConfig(
            rows=codes.size,
            priority_width=width,
            groups=int(rng.choice([1, 2, 3, 7, 20, 64])),
            batch=1,
            variant=variant,
            radius_scale=float(rng.choice([0.0, 0.05, 0.5, 3.0])),
            neighbour_scale=float(rng.choice([0.0, 0.3, 2.5])),
            seed=seed,
        )
        sets = vectorised_batches(config, codes, 3)
        np.testing.assert_array_equal(sets, golden_batches(config, codes, 3), err_msg=f"{config}")
        full += int(sets.all(axis=1).sum())
        partial += int((~sets.all(axis=1)).sum())
    assert full > 50
    assert partial > 100


@pytest.mark.parametrize("variant", AMPER_VARIANTS)
def test_vectorised_sets_are_the_golden_model_at_the_measured_size(variant):
    codes = np.random.default_rng(3).standard_exponential(MEASURED_ROWS)
    codes = np.maximum(1, np.rint(codes * 65535 / codes.max())).astype(np.int64)
    config = AmperConfig(rows=MEASURED_ROWS, variant=variant, seed=5)
    np.testing.assert_array_equal(vectorised_batches(config, codes, 3), golden_batches(config, codes, 3))


def at_the_papers_setting(variant: str) -> Distance:
    study = Study(rows=MEASURED_ROWS, groups=20, priority_width=16, batches=20_000, seed=1)
    (found,) = measure_all(study, ["uniform"], [variant], [], TRACE)
    return found


def test_dithered_is_as_near_to_per_as_the_limit():
    found = at_the_papers_setting("fr-dithered")
    assert found.share == pytest.approx(0.15, abs=0.002)
    assert found.tv <= TV_LIMIT
    assert found.noise < 0.006
    assert found.kl < 0.001


def test_prefix_is_not():
    """The bound means something: the published ternary search breaks it, by its staircase."""
    found = at_the_papers_setting("fr-prefix")
    assert 0.06 < found.tv < 0.10
    assert found.tv - 10 * found.error > TV_LIMIT


def test_all_rows_in_every_set_is_uniform_over_rows():
    """A radius of everything: each draw is uniform over rows, so a bin's chance is its share of the rows."""
    codes = np.sort(np.random.default_rng(2).integers(1, 1 << 16, 500))
    config = AmperConfig(rows=500, groups=4, variant="fr", radius_scale=60.0)
    chances, sizes = draw_chances(golden_intervals(config, codes, query_words(config, 5)), 500)
    np.testing.assert_allclose(chances, np.full(500, 1 / 500))
    np.testing.assert_array_equal(sizes, 500)
    np.testing.assert_allclose(in_bins(chances), np.full(100, 1 / 100))


# --- the command ----------------------------------------------------------------------------------


def test_command_prints_and_writes_everything(tmp_path, capsys):
    small = ["--rows", "200", "--groups", "5", "--shares", "0.1", "0.4", "--batches", "80"]
    folder = tmp_path / "out"
    arguments = ["--distributions", "pareto", "cartpole", "uniform", "--trace", str(TRACE), "-o", str(folder)]
    assert main(["bench", "distance", *small, *arguments]) == 0
    assert (folder / "distance.md").read_text("utf-8") + "\n" == capsys.readouterr().out
    saved = json.loads((folder / "distance.json").read_text("utf-8"))
    asked = lines(MODES, [0.1, 0.4])
    assert len(asked) == 2 + 2 * len(AMPER_MODES) + len(VARIANTS)
    assert [(line["distribution"], line["mode"], line["target"]) for line in saved["results"]] == [
        (distribution, *each) for distribution in ("pareto", "cartpole", "uniform") for each in asked
    ]
    sizes = {"pareto": 200, "cartpole": 2000, "uniform": 200}
    assert all(line["rows"] == sizes[line["distribution"]] for line in saved["results"])
    for picture in ("distance.svg", "distance-ratios.svg"):
        assert ElementTree.parse(folder / picture).getroot().tag.endswith("svg")


def test_command_takes_one_mode(capsys):
    words = ["--modes", "exact", "--distributions", "sparse", "--rows", "1000"]
    assert main(["bench", "distance", *words]) == 0
    text = capsys.readouterr().out
    assert "| priorities | PER | exact |\n|---|---|---|\n| sparse | 0.9709 | 0.9709 |\n" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--batches", "0"], "batches must be at least 1, not 0"),
        (["--rows", "7"], "rows must be at least 100, one a bin, not 7"),
        (["--priority-width", "17"], "priority_width must be at most 16, not 17: products would overflow 64 bits"),
        (["--shares", "1.5", "--rows", "100"], "csp_share must be above 0 and at most 1, not 1.5"),
        (["--distributions", "cartpole", "--trace", "no.npz"], "no.npz: trace file must exist, got no such file"),
    ],
)
def test_command_refuses_what_is_illegal(arguments, message, capsys):
    assert main(["bench", "distance", *arguments]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"amper bench distance: error: {message}"
