"""The controller in simulation."""

import pytest
from configurations import config_of, table

from amper import AmperConfig
from amper_verif.harness import components

SIZES = table(
    "rows groups batch priority_width search_ports pipeline variants",
    (1, 1, 1, 4, 1, "deep", ["fr-dithered"]),
    (2, 3, 2, 8, 1, "shallow", ["fr-prefix", "fr"]),
    (7, 20, 5, 16, 4, "deep", ["fr", "k"]),
    (257, 3, 64, 8, 1, "shallow", ["fr-dithered", "k"]),
    (1000, 9, 3, 8, 2, "deep", ["k"]),
)


@pytest.mark.parametrize("settings", SIZES)
def test_batches_take_their_steps_in_order(simulate, settings):
    assert min(simulate(components.controller(config_of(**settings)))["statuses"].values()) > 5


@pytest.mark.parametrize("pipeline", ["deep", "shallow"])
def test_batches_follow_without_a_gap(simulate, pipeline):
    config = AmperConfig(rows=64, variant="fr-dithered", groups=20, batch=4, pipeline=pipeline)
    assert simulate(components.controller(config))["gapless"] > 20


@pytest.mark.long
def test_batches_take_their_steps_in_order_in_verilator(simulate):
    config = AmperConfig(rows=7, variant="fr-dithered", groups=3, batch=5, priority_width=8)
    assert simulate(components.controller(config, batches=300), simulator="verilator")["compared"] > 10_000
