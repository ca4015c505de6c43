"""Match lines in simulation, of ternary keys and of ranges."""

import pytest

from amper_verif.harness import components


@pytest.mark.parametrize("range_match", [False, True])
@pytest.mark.parametrize(("rows", "priority_width"), [(1, 16), (2, 4), (7, 32), (100, 8), (257, 4)])
def test_lines_match_the_key(simulate, rows, priority_width, range_match):
    trials = 200 if rows < 100 else 60
    unit = components.match_line(rows=rows, priority_width=priority_width, range_match=range_match, trials=trials)
    report = simulate(unit)
    assert report["compared"] == trials * rows
    assert 0 < report["matches"] < report["compared"]


@pytest.mark.long
@pytest.mark.parametrize("range_match", [False, True])
def test_lines_match_the_key_in_verilator(simulate, range_match):
    unit = components.match_line(rows=64, priority_width=16, range_match=range_match)
    assert simulate(unit, simulator="verilator")["matches"] > 0
