"""Named configurations: every one is legal, its name is checked, and what is said beside it goes before it."""

import re

import pytest

from amper import AmperConfig
from amper_spec.presets import PRESETS

NAMES = "small, medium, large, paper, fast, latches, fpga, soc"


def test_names():
    assert ", ".join(PRESETS) == NAMES
    assert AmperConfig.preset("small") == AmperConfig(rows=64)
    paper = AmperConfig.preset("paper")
    assert (paper.rows, paper.groups, paper.batch, paper.variant) == (2000, 20, 64, "fr-prefix")
    fast = AmperConfig.preset("fast")
    assert (fast.search_ports, fast.draw_ports, fast.write_ports) == (1, 4, 4)
    assert AmperConfig.preset("fpga").primitives == "blocks"


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_says_what_differs_from_the_defaults_and_what_it_is_for(name):
    config = AmperConfig.preset(name)
    assert AmperConfig.from_dict(config.given()) == config
    assert set(config.given()) <= set(PRESETS[name].values)
    assert PRESETS[name].purpose


def test_changes_go_before_the_preset_and_leave_it_as_it_was():
    changed = AmperConfig.preset("fast", rows=7, draw_ports=8)
    assert changed == AmperConfig(rows=7, draws="stratified", draw_ports=8, write_ports=4)
    assert AmperConfig.preset("fast").rows == 1024


def test_what_follows_follows_from_the_change():
    assert AmperConfig.preset("large", rows=64).fan_out == AmperConfig(rows=64).fan_out == 2


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("huge", ValueError, f"preset must be one of {NAMES}, not 'huge'"),
        ("", ValueError, f"preset must be one of {NAMES}, not ''"),
        ("Small", ValueError, f"preset must be one of {NAMES}, not 'Small'"),
        (None, TypeError, "preset must be a string, not None"),
        (3, TypeError, "preset must be a string, not 3"),
    ],
)
def test_no_such_preset(name, kind, message):
    with pytest.raises(kind, match=rf"\A{re.escape(message)}\Z"):
        AmperConfig.preset(name)


def test_a_change_that_is_not_legal():
    with pytest.raises(ValueError, match=r"\Arows must be 1 to 1048576, not 0\Z"):
        AmperConfig.preset("small", rows=0)
    with pytest.raises(ValueError, match=r"\A'row' is not a parameter; the parameters are rows, "):
        AmperConfig.preset("small", row=3)
