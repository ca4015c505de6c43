"""The query generator in simulation."""

import pytest
from configurations import config_of, table

from amper_verif.harness import components

COLUMNS = "search_ports groups priority_width variants"


@pytest.mark.share(3)
@pytest.mark.parametrize("pipeline", ["deep", "shallow"])
@pytest.mark.parametrize(
    "settings",
    table(
        COLUMNS,
        (1, 3, 4, ["fr-dithered"]),
        (1, 20, 16, ["fr-prefix"]),
        (2, 1, 8, ["fr"]),
        (2, 20, 32, ["fr-dithered", "fr-prefix"]),
        (4, 7, 16, ["fr-dithered", "fr-prefix", "fr"]),
    ),
)
def test_keys_are_the_golden_ones_and_in_their_cycle(simulate, settings, pipeline):
    config = config_of(rows=9, pipeline=pipeline, seed=settings["groups"], **settings)
    report = simulate(components.query_generator(config))
    assert report["compared"] >= 60
    assert report["timed"] >= 20


@pytest.mark.parametrize("pipeline", ["deep", "shallow"])
@pytest.mark.parametrize(
    "settings",
    table(
        COLUMNS, (1, 3, 4, ["k"]), (2, 5, 8, ["fr-dithered", "k"]), (1, 4, 8, ["fr-dithered", "fr-prefix", "fr", "k"])
    ),
)
def test_k_beside_the_other_variants(simulate, settings, pipeline):
    config = config_of(rows=9, pipeline=pipeline, seed=settings["groups"], **settings)
    report = simulate(components.query_generator(config))
    assert report["compared"] >= 60


@pytest.mark.long
def test_keys_are_the_golden_ones_in_verilator(simulate):
    config = config_of(rows=9, search_ports=2, groups=20, priority_width=16, variants=["fr-dithered", "fr"], seed=20)
    assert simulate(components.query_generator(config), simulator="verilator")["compared"] >= 60
