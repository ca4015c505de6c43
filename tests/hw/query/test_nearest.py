"""The searches of variant k in simulation."""

import pytest
from configurations import table

from amper import AMPER_VARIANTS, AmperConfig
from amper_hw.base.latency import nearest_cycles
from amper_verif.harness.components import nearest


@pytest.mark.share(3)
@pytest.mark.parametrize("pipeline", ["deep", "shallow"])
@pytest.mark.parametrize(
    "settings", table("rows groups priority_width", (1, 1, 4), (7, 3, 8), (60, 20, 16), (9, 2, 32))
)
def test_match_sets_are_the_golden_ones_and_the_cycles_the_stated_ones(simulate, settings, pipeline):
    config = AmperConfig(variant="k", pipeline=pipeline, batch=1, seed=settings["rows"], **settings)
    report = simulate(nearest(config))
    assert report["searches"] >= 24
    assert report["timed"] >= 8
    assert report["empty"] > 0 or config.groups == 1  # a single group has every row


@pytest.mark.parametrize("pipeline", ["deep", "shallow"])
def test_counts_that_just_suffice(simulate, pipeline):
    """Few codes and many rows: count * Vmax is often lambda V_i C_i to the bit, or off by less than 1."""
    config = AmperConfig(rows=25, groups=3, priority_width=4, variant="k", pipeline=pipeline, batch=1)
    assert simulate(nearest(config, stretches=200))["searches"] >= 200


@pytest.mark.parametrize("neighbour_scale", [0.0, 15.9])
def test_extreme_neighbours_behind_a_tree(simulate, neighbour_scale):
    config = AmperConfig(
        rows=30,
        bank_rows=2,
        fan_out=2,
        groups=5,
        priority_width=8,
        variant="k",
        variants=AMPER_VARIANTS,
        search_ports=4,
        batch=1,
        neighbour_scale=neighbour_scale,
    )
    assert simulate(nearest(config))["searches"] >= 50


@pytest.mark.long
def test_match_sets_are_the_golden_ones_in_verilator(simulate):
    config = AmperConfig(rows=40, groups=20, variant="k", batch=1)
    assert simulate(nearest(config), simulator="verilator")["searches"] >= 200


def test_the_default_size_leaves_60_cycles_for_everything_but_queries_and_draws():
    config = AmperConfig(rows=1024, variant="k")
    assert nearest_cycles(config, 20) <= 20 * (16 + 2) + 60 - 38
