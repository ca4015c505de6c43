"""The radius and the key of a point in simulation."""

import gc

import pytest
from configurations import config_of, table

from amper import AmperConfig
from amper_hw.query.radius import RadiusKeys
from amper_verif.harness import components


@pytest.mark.share(3)
@pytest.mark.parametrize("pipeline", ["deep", "shallow"])
@pytest.mark.parametrize(
    "settings",
    table(
        "search_ports priority_width variants",
        (1, 4, ["fr-dithered"]),
        (2, 16, ["fr-prefix"]),
        (1, 32, ["fr"]),
        (1, 16, ["fr-dithered", "fr-prefix"]),
        (2, 5, ["fr-dithered", "fr"]),
        (1, 8, ["fr-prefix", "fr"]),
        (1, 16, ["fr-dithered", "k"]),
        (4, 8, ["fr-dithered", "fr-prefix", "fr", "k"]),
    ),
)
def test_keys_are_the_golden_ones_and_in_their_cycle(simulate, settings, pipeline):
    config = config_of(rows=5, pipeline=pipeline, **settings)
    report = simulate(components.radius(config))
    assert report["compared"] >= 1500
    assert report["timed"] > 300


@pytest.mark.long
def test_keys_are_the_golden_ones_in_verilator(simulate):
    config = AmperConfig(rows=5, priority_width=32, search_ports=2, variants=["fr-dithered", "fr"])
    assert simulate(components.radius(config), simulator="verilator")["compared"] >= 1500


@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
def test_k_alone_has_no_radius():
    with pytest.raises(ValueError, match=r"\Avariants must have an fr variant for a radius, not only k\Z"):
        RadiusKeys(AmperConfig(rows=5, variant="k"))
    gc.collect()  # now, while the warning of a component that was never elaborated is ignored
