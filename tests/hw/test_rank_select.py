"""The select stage in simulation."""

import pytest

from amper_verif import components


@pytest.mark.parametrize("tag_width", [0, 3])
@pytest.mark.parametrize("width", [1, 2, 7, 8, 9, 64, 100, 257])
def test_position_of_the_rank(simulate, width, tag_width):
    assert simulate(components.rank_select(width=width, tag_width=tag_width))["compared"] > 300


def test_position_of_the_rank_in_verilator(simulate):
    assert simulate(components.rank_select(width=64, tag_width=3), simulator="verilator")["compared"] > 300
