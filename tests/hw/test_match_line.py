"""Ternary match lines in simulation."""

import pytest

from amper_verif import components


@pytest.mark.parametrize("priority_width", [4, 8, 16])
@pytest.mark.parametrize("rows", [1, 2, 7, 64, 100, 257])
def test_lines_match_the_pattern(simulate, rows, priority_width):
    trials = 200 if rows < 100 else 60
    report = simulate(components.match_line(rows=rows, priority_width=priority_width, trials=trials))
    assert report["compared"] == trials * rows
    assert 0 < report["matches"] < report["compared"]


def test_lines_match_the_pattern_in_verilator(simulate):
    unit = components.match_line(rows=64, priority_width=16)
    assert simulate(unit, simulator="verilator")["matches"] > 0
