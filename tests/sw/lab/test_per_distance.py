"""Total variation from PER at the paper's setting, and the vectorised evaluation that it is measured with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from amper import AMPER_VARIANTS, AmperConfig, GoldenModel, Variant
from amper_lab.studies import per_distance
from amper_lab.studies.per_distance import IndexArray, Setting

ROWS = 10_000
BATCHES = 20_000
UNIFORM = Setting("uniform", 0.15)

TV_LIMIT = 0.02
"""What fr-dithered has to keep. Of this, 0.004 is noise of 20,000 batches; fr-prefix shows 0.08."""


def golden_batches(config: AmperConfig, codes: IndexArray, batches: int) -> np.ndarray:
    """(batches, n) bool: the rows the golden model's first batches draw from."""
    model = GoldenModel(config)
    for row, code in enumerate(codes):
        model.write(row, int(code))
    sets = []
    for _ in range(batches):
        model.sample()
        assert model.last_batch is not None
        sets.append(model.last_batch.csp)
    return np.array(sets)


@pytest.mark.parametrize("variant", AMPER_VARIANTS)
def test_vectorised_sets_are_the_golden_model(variant: Variant) -> None:
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
        sets = per_distance.golden_sets(config, codes, per_distance.query_words(config, 3))
        np.testing.assert_array_equal(sets, golden_batches(config, codes, 3), err_msg=f"{config}")
        full += int(sets.all(axis=1).sum())
        partial += int((~sets.all(axis=1)).sum())
    assert full > 50
    assert partial > 100


@pytest.mark.parametrize("variant", AMPER_VARIANTS)
def test_vectorised_sets_are_the_golden_model_at_the_measured_size(variant: Variant) -> None:
    codes = per_distance.make_codes("exponential", ROWS, 16, seed=3)
    config = AmperConfig(rows=ROWS, variant=variant, seed=5)
    sets = per_distance.golden_sets(config, codes, per_distance.query_words(config, 3))
    np.testing.assert_array_equal(sets, golden_batches(config, codes, 3))


def test_vectorised_sets_refuse_what_would_overflow() -> None:
    config = AmperConfig(rows=2, priority_width=17)
    with pytest.raises(
        ValueError, match=r"^priority_width must be at most 16, not 17: products would overflow 64 bits$"
    ):
        per_distance.golden_sets(config, np.array([1, 2]), per_distance.query_words(config, 1))


def measured(variant: Variant) -> per_distance.Distance:
    codes = per_distance.make_codes(UNIFORM.distribution, ROWS, 16, seed=1)
    config = per_distance.tuned(AmperConfig(rows=ROWS, groups=20, variant=variant, seed=1), codes, UNIFORM.csp_share)
    result = per_distance.measure(UNIFORM, config, codes, BATCHES)
    assert result.csp_share == pytest.approx(0.15, abs=0.002)
    return result


def test_dithered_is_as_near_to_per_as_the_limit() -> None:
    result = measured("fr-dithered")
    assert result.tv <= TV_LIMIT
    assert result.tv_noise < 0.006
    assert result.kl < 0.001


def test_prefix_is_not() -> None:
    """The bound means something: the published ternary search breaks it, by its staircase."""
    result = measured("fr-prefix")
    assert 0.06 < result.tv < 0.10
    assert result.tv - 10 * result.tv_error > TV_LIMIT


def test_distances_of_known_distributions() -> None:
    first, second = np.array([0.5, 0.5, 0.0]), np.array([0.25, 0.75, 0.0])
    assert per_distance.total_variation(first, second) == pytest.approx(0.25)
    assert per_distance.divergence(first, second) == pytest.approx(0.5 * np.log(2) + 0.5 * np.log(2 / 3))
    assert per_distance.total_variation(first, first) == per_distance.divergence(first, first) == 0


def test_all_rows_in_every_csp_is_uniform_over_rows() -> None:
    """A radius of everything: each draw is uniform over rows, so a bin's chance is its share of the rows."""
    codes = per_distance.make_codes("uniform", 500, 16, seed=2)
    config = AmperConfig(rows=500, groups=4, variant="fr", radius_scale=60.0)
    chances, shares = per_distance.batch_distributions(config, codes, 5)
    share_of_rows = np.bincount(per_distance.bin_of_codes(codes), minlength=per_distance.BINS) / 500
    np.testing.assert_allclose(chances, np.tile(share_of_rows, (5, 1)))
    np.testing.assert_array_equal(shares, 1)


def test_tuning_reaches_its_target() -> None:
    codes = per_distance.make_codes("uniform", 2_000, 16, seed=2)
    config = per_distance.tuned(AmperConfig(rows=2_000, variant="k"), codes, 0.3)
    assert per_distance.batch_distributions(config, codes, 2_000)[1].mean() == pytest.approx(0.3, abs=0.005)
    assert replace(config, neighbour_scale=0.3) == AmperConfig(rows=2_000, variant="k")


def test_command_prints_a_table_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "plot.svg"
    status = per_distance.main(["--rows", "200", "--groups", "5", "--batches", "50", "--plot", str(picture)])
    assert status == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("n = 200, m = 5, Q = 16, 50 batches, seed 1, 100 bins; Python 3.")
    assert [line.split()[1] for line in lines[2:]] == list(AMPER_VARIANTS) * 3
    assert ElementTree.parse(picture).getroot().tag.endswith("svg")
