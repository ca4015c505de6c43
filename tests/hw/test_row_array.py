"""The row array in simulation: trees of all depths, with unequal tails."""

import pytest

from amper import AmperConfig
from amper_verif import components

# rows, bank_rows, fan_out, levels: a bank alone, even trees, tails of one row, last nodes with fewer banks.
TREES = [
    (1, 2, 2, 0),
    (2, 2, 2, 0),
    (7, 2, 2, 2),
    (7, 4, 2, 1),
    (64, 16, 4, 1),
    (64, 8, 2, 3),
    (100, 8, 4, 2),
    (100, 64, 8, 1),
    (257, 64, 8, 1),
    (257, 16, 4, 3),
    (257, 32, 8, 2),
]


@pytest.mark.parametrize(("rows", "bank_rows", "fan_out", "levels"), TREES)
@pytest.mark.parametrize("priority_width", [4, 16])
def test_every_answer_is_right_and_in_its_cycle(simulate, rows, bank_rows, fan_out, levels, priority_width):
    config = AmperConfig(rows=rows, priority_width=priority_width, bank_rows=bank_rows, fan_out=fan_out)
    report = simulate(components.row_array(config, rounds=40))
    assert report["levels"] == levels
    assert min(report[name] for name in ("match", "count", "selected", "data")) > 30


def test_every_answer_is_right_in_verilator(simulate):
    config = AmperConfig(rows=100, priority_width=8, bank_rows=8, fan_out=4)
    assert simulate(components.row_array(config), simulator="verilator")["compared"] > 500
