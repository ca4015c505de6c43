"""The representatives in simulation."""

import pytest
from configurations import config_of, table

from amper import AmperConfig
from amper_verif.harness import components


@pytest.mark.share(3)
@pytest.mark.parametrize("pipeline", ["deep", "shallow"])
@pytest.mark.parametrize(
    "settings",
    table(
        "search_ports groups priority_width variants",
        (1, 1, 4, ["fr"]),
        (1, 20, 16, ["fr-dithered"]),
        (2, 3, 32, ["fr-prefix", "fr"]),
        (2, 1, 8, ["fr-dithered", "k"]),
        (4, 20, 16, ["fr-dithered", "fr-prefix", "fr", "k"]),
        (4, 3, 8, ["fr-dithered"]),
        (8, 13, 25, ["fr", "k"]),
        (4, 6, 16, ["k"]),
    ),
)
def test_points_are_the_golden_ones_and_in_their_cycle(simulate, settings, pipeline):
    config = config_of(rows=5, pipeline=pipeline, seed=settings["groups"], **settings)
    report = simulate(components.representative(config))
    assert report["compared"] > 60
    assert report["timed"] > 30


def test_many_groups(simulate):
    config = AmperConfig(rows=5, groups=256, search_ports=2, variants=["fr-dithered", "k"])
    assert simulate(components.representative(config, batches=8))["compared"] > 1000


@pytest.mark.long
def test_points_are_the_golden_ones_in_verilator(simulate):
    config = AmperConfig(rows=5, groups=20, search_ports=4, variants=["fr-dithered", "k"])
    assert simulate(components.representative(config), simulator="verilator")["compared"] > 60
