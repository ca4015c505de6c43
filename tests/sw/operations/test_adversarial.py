"""The adversarial operations: that they bring what they say, in the golden model alone."""

import pytest

from amper import AmperConfig
from amper.operations.adversarial import adversarial_operations, extreme_memories, one_row
from amper.operations.corners import corner_operations
from amper.operations.vocabulary import Beat, Sample


def test_memories_are_at_their_ends():
    equal, outlier, alone, zero, largest = extreme_memories(5, 15)
    assert equal == [7] * 5
    assert outlier == [1, 1, 1, 1, 15]
    assert alone == [0, 0, 9, 0, 0]
    assert zero == [0] * 5
    assert largest == [15] * 5


@pytest.mark.parametrize(("rows", "priority_width"), [(2, 4), (3, 32), (100, 8)])
def test_codes_fit_and_all_distances_come(rows, priority_width):
    config = AmperConfig(rows=rows, priority_width=priority_width, batch=4, organisation="tree")
    operations = adversarial_operations(config)
    writes = [write for each in operations if isinstance(each, Beat) for write in each.writes]
    assert all(0 <= write.row < rows and 0 <= write.priority <= config.priority_max for write in writes)
    assert any(write.priority == config.priority_max for write in writes)
    runs, run = set(), 0
    for each in one_row(config):
        run = run + 1 if isinstance(each, Beat) else 0
        runs.add(run)
    assert set(range(1, 13)) <= runs


@pytest.mark.parametrize(("organisation", "there"), [("tree", True), ("parallel", False)])
def test_corners_of_the_tree_have_them(organisation, there):
    config = AmperConfig(rows=6, priority_width=4, batch=3, organisation=organisation)
    listed = [each for each in corner_operations(config, 1) if isinstance(each, (Beat, Sample))]
    wanted = [each for each in adversarial_operations(config) if isinstance(each, (Beat, Sample))]
    found = any(listed[begin : begin + len(wanted)] == wanted for begin in range(len(listed)))
    assert found == there
