"""One bank in simulation."""

import pytest

from amper import AmperConfig
from amper_verif import components


def config_of(rows: int, priority_width: int) -> AmperConfig:
    return AmperConfig(rows=rows, priority_width=priority_width, bank_rows=max(2, 1 << (rows - 1).bit_length()))


@pytest.mark.parametrize("priority_width", [4, 8, 16])
@pytest.mark.parametrize("rows", [1, 2, 7, 64, 100, 257])
def test_every_answer_is_right_and_in_its_cycle(simulate, rows, priority_width):
    report = simulate(components.bank(config_of(rows, priority_width), rounds=40))
    assert min(report[name] for name in ("match", "count", "selected", "data")) > 30


def test_every_answer_is_right_in_verilator(simulate):
    assert simulate(components.bank(config_of(64, 8)), simulator="verilator")["compared"] > 500
