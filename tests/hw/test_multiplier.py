"""The pipelined multiplier in simulation."""

import pytest

from amper_verif import components

SIZES = [(1, 1), (5, 3), (4, 4), (16, 9), (33, 17), (24, 25), (7, 32), (40, 25)]


@pytest.mark.parametrize(("a_width", "b_width"), SIZES)
def test_products_are_exact_and_in_their_cycle(simulate, a_width, b_width):
    assert simulate(components.multiplier(a_width=a_width, b_width=b_width))["compared"] > 900


def test_products_are_exact_in_verilator(simulate):
    assert simulate(components.multiplier(a_width=40, b_width=25), simulator="verilator")["compared"] > 900
