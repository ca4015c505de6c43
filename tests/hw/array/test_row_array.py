"""The row array in simulation: trees of all depths, with unequal tails."""

import pytest
from configurations import table

from amper import AmperConfig
from amper_verif.harness import components

# A bank alone, even trees, tails of one row, last nodes with fewer banks.
TREES = table(
    "rows bank_rows fan_out levels",
    (1, 2, 2, 0),
    (2, 2, 2, 0),
    (7, 2, 2, 2),
    (7, 4, 2, 1),
    (64, 8, 2, 3),
    (100, 8, 4, 2),
    (129, 64, 8, 1),
)
KINDS = table(
    "pipeline variant priority_width search_ports draw_ports write_ports result_priority",
    ("deep", "fr-dithered", 8, 1, 1, 1, True),
    ("shallow", "k", 4, 2, 4, 2, True),
    ("deep", "fr", 16, 4, 2, 4, False),
)


@pytest.mark.share(3)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tree", TREES)
def test_every_answer_is_right_and_in_its_cycle(simulate, tree, kind):
    settings = tree | kind
    levels = settings.pop("levels")
    report = simulate(components.row_array(AmperConfig(**settings), rounds=40))
    assert report["levels"] == levels
    assert report["least"] > 20
    assert report["early"] > 1
    assert report["overlapping"] > 10


@pytest.mark.long
def test_every_answer_is_right_in_verilator(simulate):
    config = AmperConfig(
        rows=42,
        variant="fr-dithered",
        priority_width=8,
        bank_rows=8,
        fan_out=4,
        search_ports=2,
        draw_ports=2,
        write_ports=2,
    )
    report = simulate(components.row_array(config, rounds=200), simulator="verilator")
    assert report["compared"] > 5000
    assert report["cleared"] > 0
