"""One bank in simulation."""

from dataclasses import replace

import pytest

from amper import AmperConfig
from amper_verif.harness import components

# rows, priority_width, pipeline, variant, search_ports, draw_ports, result_priority
SIZES = [
    (1, 4, "deep", "fr", 1, 1, True),
    (1, 8, "shallow", "fr-prefix", 4, 2, True),
    (2, 16, "shallow", "fr", 2, 1, True),
    (7, 32, "deep", "fr-dithered", 2, 2, True),
    (64, 8, "deep", "k", 4, 4, True),
    (100, 8, "shallow", "fr-dithered", 1, 1, False),
    (257, 4, "deep", "fr-dithered", 1, 2, True),
]


def config_of(rows: int, priority_width: int) -> AmperConfig:
    return AmperConfig(rows=rows, priority_width=priority_width, bank_rows=max(2, 1 << (rows - 1).bit_length()))


@pytest.mark.parametrize(("rows", "priority_width", "pipeline", "variant", "searches", "draws", "priorities"), SIZES)
def test_every_answer_is_right_and_in_its_cycle(
    simulate, rows, priority_width, pipeline, variant, searches, draws, priorities
):
    config = replace(
        config_of(rows, priority_width),
        pipeline=pipeline,
        variant=variant,
        variants=None,
        search_ports=searches,
        draw_ports=draws,
        write_ports=draws,
        result_priority=priorities,
    )
    report = simulate(components.bank(config, rounds=80))
    assert report["least"] > 30
    assert report["early"] > 5
    assert report["overlapping"] > 20


@pytest.mark.parametrize("pipeline", ["deep", "shallow"])
@pytest.mark.parametrize("rows", [1, 37])
def test_codes_read_from_a_memory_are_those_of_the_rows(simulate, rows, pipeline):
    config = replace(config_of(rows, 8), pipeline=pipeline, primitives="blocks", draw_ports=2, write_ports=2)
    report = simulate(components.bank(config, rounds=80))
    assert report["compared"] > 1000


def test_every_answer_is_right_in_verilator(simulate):
    report = simulate(components.bank(config_of(64, 8), rounds=200), simulator="verilator")
    assert report["compared"] > 3000
    assert report["cleared"] > 0
