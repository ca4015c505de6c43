"""Organisation tree with protected memories: the same draws in the same cycles (docs/hardware/upsets.md)."""

from __future__ import annotations

from math import comb

import pytest

from amper import AmperConfig
from amper_hw.tree.checks import check_width, hsiao_columns
from amper_verif.harness import components
from amper_verif.upsets import upsets

#: rows, priority_width, batch, what is built
BUILDS = {
    "two": (2, 4, 3, {"protection": "secded"}),
    "three": (3, 32, 20, {"protection": "secded", "primitives": "blocks"}),
    "parity": (17, 16, 64, {"protection": "parity", "draws": "stratified"}),
    "banks": (64, 8, 33, {"protection": "secded", "banks": 4, "draw_ports": 2, "write_ports": 2}),
}


def config_of(build, **more):
    rows, priority_width, batch, built = BUILDS[build]
    sizes = {"rows": rows, "priority_width": priority_width, "batch": batch, "seed": 1000 * rows + batch}
    return AmperConfig(organisation="tree", **sizes | built | more)


@pytest.mark.parametrize(
    "build", [pytest.param(build, marks=[pytest.mark.long] if build in ("three", "parity") else []) for build in BUILDS]
)
def test_draws_are_the_golden_ones(simulate, build):
    report = simulate(components.sampler(config_of(build)), seed=3)
    assert report["mismatches"] == 0, report["first_mismatch"]
    assert report["statuses"]["OK"] > 10
    assert "ROW_FAULT" not in report["statuses"]


def outcomes(found):
    return {one.outcome for one in found}


def test_a_flip_is_corrected_and_two_in_a_code_are_detected(tmp_path):
    """In codes, sums and check bits of both; a pair in the sums may well be silent."""
    found = upsets(config_of("two"), doubles=2, seed=2, folder=tmp_path)
    single = [one for one in found if len(one.bits) == 1]
    assert len(single) > 40
    assert outcomes(single) == {"masked", "corrected"}
    double = outcomes(one for one in found if len(one.bits) == 2 and ".codes." in one.register)
    assert "detected" in double
    assert double <= {"masked", "corrected", "detected"}  # corrected: written anew before it was needed


def test_with_parity_a_code_is_lost_until_its_row_is_written(tmp_path):
    config = config_of("parity", rows=5, priority_width=4, batch=4)
    found = upsets(config, doubles=0, repeats=3, only="codes_0", seed=2, folder=tmp_path)
    assert "detected" in outcomes(found)
    assert outcomes(found) <= {"masked", "corrected", "detected"}


def test_without_protection_some_are_silent(tmp_path):
    found = upsets(config_of("two", protection="none"), doubles=0, only="level_0", seed=2, repeats=4, folder=tmp_path)
    assert "silent" in outcomes(found)


@pytest.mark.long
@pytest.mark.parametrize("build", ["three", "parity", "banks"])
def test_no_single_flip_is_silent(tmp_path, build):
    """Banks with a draw and a write a cycle."""
    more = {"draw_ports": 1, "write_ports": 1} if build == "banks" else {}
    found = upsets(config_of(build, **more), doubles=0, seed=2, folder=tmp_path)
    assert {"corrected"} < outcomes(found) <= {"masked", "corrected"} | ({"detected"} if build == "parity" else set())


@pytest.mark.parametrize("width", range(4, 33))
def test_hsiaos_code_tells_one_flip_from_two(width):
    columns = hsiao_columns(width)
    checks = check_width(columns)
    turned = [*columns, *(1 << check for check in range(checks))]
    assert len(set(turned)) == width + checks
    assert all(each.bit_count() % 2 for each in turned)  # so two together turn an even number, and not none
    assert sum(comb(checks - 1, weight) for weight in range(3, checks, 2)) < width
    loads = [sum(column >> check & 1 for column in columns) for check in range(checks)]
    assert max(loads) <= min(loads) + 2
