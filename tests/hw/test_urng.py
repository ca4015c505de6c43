"""The random number generator in simulation; tests/test_urng.py has the golden stream itself."""

import pytest

from amper import AmperConfig
from amper_verif import components

# The words' parts that the units take: the draw unit the high half, the query generator both ends, and the extremes.
PARTS = [(32, 0), (24, 15), (12, 3), (1, 1), (0, 5), (32, 32), (64, 0)]


@pytest.mark.parametrize("stream", [0, 1])
@pytest.mark.parametrize(("high_width", "low_width"), PARTS)
def test_words_are_the_golden_stream(simulate, stream, high_width, low_width):
    config = AmperConfig(rows=1, seed=0x123456789ABCDEF0 + high_width)
    unit = components.urng(config, stream=stream, high_width=high_width, low_width=low_width)
    assert simulate(unit)["compared"] > 300


@pytest.mark.parametrize("seed", [0, 1, (1 << 64) - 1])
def test_every_seed_has_its_stream(simulate, seed):
    assert simulate(components.draw_urng(AmperConfig(rows=1, seed=seed)))["compared"] > 300


def test_words_are_the_golden_stream_in_verilator(simulate):
    unit = components.urng(AmperConfig(rows=1, seed=7), stream=0, high_width=24, low_width=15)
    assert simulate(unit, simulator="verilator")["compared"] > 300
