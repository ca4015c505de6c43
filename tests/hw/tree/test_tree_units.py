"""The parts of organisation tree in simulation, each against a model of its own."""

from __future__ import annotations

import itertools

import pytest

from amper import AmperConfig
from amper_hw.tree.shape import levels
from amper_verif.harness import tree_components

# rows, priority_width, level: the root with two children and with four, alone; nodes that are not full; wide sums
LEVELS = [
    *((2, 4, 0), (3, 8, 0), (17, 16, 1), (1000, 32, 0), (4096, 4, 5), (70_000, 32, 5)),
    *(pytest.param(*each, marks=pytest.mark.long) for each in ((17, 16, 2), (1000, 16, 4))),
]


def config_of(rows, priority_width, **more):
    return AmperConfig(rows=rows, priority_width=priority_width, organisation="tree", **more)


@pytest.mark.parametrize(("rows", "priority_width", "level"), LEVELS)
def test_a_level_does_one_operation_after_the_other(simulate, rows, priority_width, level):
    """Draws and stores of one node in every distance, also in the next cycle."""
    config = config_of(rows, priority_width, primitives="blocks" if level % 2 else "gates")
    report = simulate(tree_components.tree_level(config, level=level))
    assert report["compared"] > 1000
    assert set(range(1, 8)) <= set(report["distances"])


@pytest.mark.long
def test_a_level_in_columns_of_a_block_ram_in_verilator(simulate):
    """17,500 nodes, so a memory a bit."""
    config = config_of(70_000, 16, primitives="blocks")
    report = simulate(tree_components.tree_level(config, level=8), simulator="verilator")
    assert report["compared"] > 18_000


@pytest.mark.parametrize("rows", [2, 3, 17, 1000])
def test_codes_are_exchanged(simulate, rows):
    report = simulate(tree_components.codes(config_of(rows, 16)))
    assert report["compared"] > 1000
    assert report["again"] > 300


@pytest.mark.parametrize("rows", [2, 3, 4, 5, 8, 17, 1000, 4096, 65_535, 65_536, 1 << 20])
def test_the_shape_holds_all_rows_and_all_sums(rows):
    shapes = levels(config_of(rows, 16))
    assert shapes[0].nodes == 1
    assert shapes[0].node_width == config_of(rows, 16).total_width
    assert shapes[-1].below == 0
    for above, shape in itertools.pairwise(shapes):
        assert above.nodes < shape.nodes <= above.nodes * above.children
        assert shape.node_width == above.child_width
    assert shapes[-1].nodes * shapes[-1].children >= rows
    for shape in shapes:
        child = ((1 << 16) - 1) << shape.below
        assert all(child * (place + 1) < 1 << width for place, width in enumerate(shape.sum_widths))
