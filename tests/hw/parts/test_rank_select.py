"""The select stage in simulation."""

import gc

import pytest

from amper_hw.parts.rank_select import BitSelect
from amper_verif.harness import components


@pytest.mark.share(2)
@pytest.mark.parametrize("stages", [1, 4])
@pytest.mark.parametrize(("width", "tag_width"), [(1, 0), (2, 3), (7, 0), (8, 3), (9, 3), (64, 0), (257, 2)])
def test_position_of_the_rank(simulate, width, tag_width, stages):
    unit = components.rank_select(width=width, tag_width=tag_width, stages=stages, cycles=600)
    assert simulate(unit)["compared"] > 200


@pytest.mark.parametrize("stages", [1, 4])
@pytest.mark.parametrize("width", [33, 60, 64])
def test_position_of_the_rank_with_an_fpgas_adders(simulate, width, stages):
    unit = components.rank_select(width=width, tag_width=2, stages=stages, blocks=True, cycles=600)
    assert simulate(unit)["compared"] > 200


@pytest.mark.long
@pytest.mark.parametrize("stages", [1, 4])
def test_position_of_the_rank_in_verilator(simulate, stages):
    unit = components.rank_select(width=64, tag_width=3, stages=stages)
    assert simulate(unit, simulator="verilator")["compared"] > 300


@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
def test_other_numbers_of_stages_are_refused():
    with pytest.raises(ValueError, match=r"\Astages must be 1 or 4, not 2\Z"):
        BitSelect(width=8, tag_width=0, stages=2)
    gc.collect()  # now, while the warning of a component that was never elaborated is ignored
