"""The draw unit in simulation."""

import pytest
from configurations import table

from amper import AmperConfig
from amper_verif.harness import components

SIZES = table(
    "rows bank_rows fan_out batch priority_width pipeline draw_ports result_priority",
    (1, 64, 8, 1, 4, "deep", 1, True),
    (1, 64, 8, 3, 4, "shallow", 4, True),
    (2, 2, 2, 3, 16, "shallow", 1, True),
    (7, 2, 2, 5, 4, "deep", 2, True),
    (64, 64, 8, 40, 16, "deep", 4, False),
    (100, 16, 4, 33, 8, "shallow", 2, True),
    (257, 64, 8, 64, 16, "deep", 1, True),
)


@pytest.mark.share(3)
@pytest.mark.parametrize("primitives", ["gates", "blocks"])
@pytest.mark.parametrize("settings", SIZES)
def test_draws_are_the_golden_ones_and_in_their_cycle(simulate, settings, primitives):
    config = AmperConfig(variant="fr-dithered", primitives=primitives, seed=settings["rows"], **settings)
    report = simulate(components.draw_unit(config, batches=80))
    assert report["compared"] >= 70
    assert report["timed"] >= 30
    assert report["gapless"] > 0


@pytest.mark.long
def test_draws_are_the_golden_ones_in_verilator(simulate):
    config = AmperConfig(
        rows=100, variant="fr-dithered", priority_width=8, bank_rows=16, fan_out=4, batch=33, draw_ports=2
    )
    assert simulate(components.draw_unit(config, batches=160), simulator="verilator")["compared"] > 500
