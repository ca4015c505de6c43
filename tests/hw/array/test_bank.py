"""One bank in simulation."""

import pytest
from configurations import table

from amper import AmperConfig
from amper_verif.harness import components

SIZES = table(
    "rows priority_width pipeline variant search_ports draw_ports write_ports result_priority",
    (1, 4, "deep", "fr", 1, 1, 1, True),
    (1, 8, "shallow", "fr-prefix", 4, 2, 2, True),
    (2, 16, "shallow", "fr", 2, 1, 1, True),
    (7, 32, "deep", "fr-dithered", 2, 2, 2, True),
    (64, 8, "deep", "k", 4, 4, 4, True),
    (100, 8, "shallow", "fr-dithered", 1, 1, 1, False),
    (257, 4, "deep", "fr-dithered", 1, 2, 2, True),
)


def one_bank(rows, **settings):
    settings = {"variant": "fr-dithered"} | settings
    return AmperConfig(rows=rows, bank_rows=max(2, 1 << (rows - 1).bit_length()), **settings)


@pytest.mark.parametrize("settings", SIZES)
def test_every_answer_is_right_and_in_its_cycle(simulate, settings):
    report = simulate(components.bank(one_bank(**settings), rounds=80))
    assert report["least"] > 30
    assert report["early"] > 5
    assert report["overlapping"] > 20


@pytest.mark.parametrize("pipeline", ["deep", "shallow"])
@pytest.mark.parametrize("rows", [1, 37])
def test_codes_read_from_a_memory_are_those_of_the_rows(simulate, rows, pipeline):
    ways = {"pipeline": pipeline, "primitives": "blocks", "draw_ports": 2, "write_ports": 2}
    report = simulate(components.bank(one_bank(rows, priority_width=8, **ways), rounds=80))
    assert report["compared"] > 1000


@pytest.mark.long
def test_every_answer_is_right_in_verilator(simulate):
    report = simulate(components.bank(one_bank(64, priority_width=8), rounds=200), simulator="verilator")
    assert report["compared"] > 3000
    assert report["cleared"] > 0
