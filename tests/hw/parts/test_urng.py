"""The random number generator in simulation; tests/sw/spec/test_urng.py has the golden stream itself."""

import gc
import re

import pytest

from amper import AmperConfig
from amper_hw.parts.urng import Urng
from amper_verif.harness import components

# The words' parts that the units take: the draw unit the high half, the query generator both ends, and the extremes.
PARTS = [(32, 0), (24, 15), (12, 3), (1, 1), (0, 5), (32, 32), (64, 0)]


@pytest.mark.share(3)
@pytest.mark.parametrize("words", [1, 4])
@pytest.mark.parametrize(("high_width", "low_width"), PARTS)
def test_words_are_the_golden_stream(simulate, high_width, low_width, words):
    config = AmperConfig(rows=1, seed=0x123456789ABCDEF0 + high_width)
    unit = components.urng(config, stream=words % 2, words=words, high_width=high_width, low_width=low_width)
    report = simulate(unit)
    assert report["compared"] > 300
    assert report["refused"] > 0


@pytest.mark.parametrize("pipeline", ["deep", "shallow"])
@pytest.mark.parametrize("words", [1, 2, 3, 8])
def test_any_number_of_words_and_stages(simulate, words, pipeline):
    config = AmperConfig(rows=1, seed=words, pipeline=pipeline)
    assert simulate(components.urng(config, stream=0, words=words, high_width=24, low_width=15))["compared"] > 300


@pytest.mark.parametrize("seed", [0, 1, (1 << 64) - 1])
def test_every_seed_has_its_stream(simulate, seed):
    assert simulate(components.draw_urng(AmperConfig(rows=1, seed=seed)))["compared"] > 300


@pytest.mark.long
def test_words_are_the_golden_stream_in_verilator(simulate):
    unit = components.urng(AmperConfig(rows=1, seed=7), stream=0, words=2, high_width=24, low_width=15)
    assert simulate(unit, simulator="verilator")["compared"] > 300


@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"s0": 0, "s1": 0}, "s0 and s1 must not both be 0: the generator would stay at 0"),
        ({"words": 0}, "words must be at least 1, not 0"),
        ({"high_width": 60}, "high_width + low_width must be 1 to 64, not 65"),
        ({"high_width": 0, "low_width": 0}, "high_width + low_width must be 1 to 64, not 0"),
        ({"stages": 3}, "stages must be 1 or 2, not 3"),
    ],
)
def test_illegal_parameters(change, message):
    legal = {"s0": 1, "s1": 0, "words": 1, "high_width": 5, "low_width": 5, "stages": 2}
    with pytest.raises(ValueError, match=rf"\A{re.escape(message)}\Z"):
        Urng(**legal | change)
    gc.collect()  # now, while the warning of a component that was never elaborated is ignored
