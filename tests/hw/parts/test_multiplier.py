"""The pipelined multiplier in simulation."""

import gc

import pytest

from amper_hw.parts.multiplier import PipelinedMultiplier
from amper_verif.harness import components

SIZES = [(1, 1), (5, 3), (4, 4), (16, 9), (33, 17), (24, 25), (7, 32), (40, 25)]


@pytest.mark.share(2)
@pytest.mark.parametrize(("stages", "blocks"), [(1, False), (2, False), (2, True)])
@pytest.mark.parametrize(("a_width", "b_width"), SIZES)
def test_products_are_exact_and_in_their_cycle(simulate, a_width, b_width, stages, blocks):
    unit = components.multiplier(a_width=a_width, b_width=b_width, stages=stages, blocks=blocks)
    assert simulate(unit)["compared"] > 900


@pytest.mark.long
def test_products_are_exact_in_verilator(simulate):
    assert simulate(components.multiplier(a_width=40, b_width=25), simulator="verilator")["compared"] > 900


@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
def test_illegal_stages():
    with pytest.raises(ValueError, match=r"\Astages must be 1 or 2, not 0\Z"):
        PipelinedMultiplier(a_width=1, b_width=1, stages=0)
    gc.collect()  # now, while the warning of a component that was never elaborated is ignored
