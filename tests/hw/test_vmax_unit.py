"""The Vmax unit in simulation."""

import pytest

from amper import AmperConfig
from amper_verif import components

# rows, bank_rows, fan_out: the deeper the tree, the later the answers to its probes.
TREES = [(1, 64, 8), (2, 2, 2), (7, 2, 2), (20, 4, 2), (64, 64, 8), (100, 16, 4), (257, 64, 8)]


@pytest.mark.parametrize("priority_width", [4, 8, 16])
@pytest.mark.parametrize(("rows", "bank_rows", "fan_out"), TREES)
def test_vmax_is_right_whenever_it_is_exact(simulate, rows, bank_rows, fan_out, priority_width):
    config = AmperConfig(rows=rows, priority_width=priority_width, bank_rows=bank_rows, fan_out=fan_out)
    report = simulate(components.vmax_unit(config))
    assert report["compared"] > 300
    # The promised bound is kept, which the bench checks, and reached: the promise is not too long either.
    assert report["longest_settle"] == report["settle_cycles"]


def test_vmax_is_right_in_verilator(simulate):
    config = AmperConfig(rows=20, priority_width=8, bank_rows=4, fan_out=2)
    assert simulate(components.vmax_unit(config, stretches=200), simulator="verilator")["compared"] > 2500
