"""The draw unit in simulation."""

import pytest

from amper import AmperConfig
from amper_verif import components

# rows, bank_rows, fan_out, batch
SIZES = [(1, 64, 8, 1), (2, 2, 2, 3), (7, 2, 2, 5), (64, 64, 8, 40), (100, 16, 4, 33), (257, 64, 8, 64)]


@pytest.mark.parametrize("priority_width", [4, 16])
@pytest.mark.parametrize(("rows", "bank_rows", "fan_out", "batch"), SIZES)
def test_draws_are_the_golden_ones_and_in_their_cycle(simulate, rows, bank_rows, fan_out, batch, priority_width):
    config = AmperConfig(
        rows=rows, priority_width=priority_width, bank_rows=bank_rows, fan_out=fan_out, batch=batch, seed=rows
    )
    report = simulate(components.draw_unit(config))
    assert report["compared"] >= 40
    assert report["timed"] > 50


def test_draws_are_the_golden_ones_in_verilator(simulate):
    config = AmperConfig(rows=100, priority_width=8, bank_rows=16, fan_out=4, batch=33)
    assert simulate(components.draw_unit(config), simulator="verilator")["compared"] > 300
