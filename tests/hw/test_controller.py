"""The controller in simulation."""

import pytest

from amper import AmperConfig
from amper_verif import components

# rows, groups, batch, priority_width
SIZES = [(1, 1, 1, 4), (2, 3, 2, 8), (7, 20, 5, 16), (257, 3, 64, 8)]


@pytest.mark.parametrize(("rows", "groups", "batch", "priority_width"), SIZES)
def test_a_batch_takes_its_steps_in_order(simulate, rows, groups, batch, priority_width):
    config = AmperConfig(rows=rows, groups=groups, batch=batch, priority_width=priority_width)
    assert min(simulate(components.controller(config))["statuses"].values()) > 5


def test_a_batch_takes_its_steps_in_order_in_verilator(simulate):
    config = AmperConfig(rows=7, groups=3, batch=5, priority_width=8)
    assert simulate(components.controller(config), simulator="verilator")["compared"] > 10_000
