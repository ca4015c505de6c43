"""The timing diagrams: what they show is what the ports do."""

import json
from pathlib import Path

import pytest

from amper_verif import timing_diagrams
from amper_verif.timing_diagrams import GROUPS, Group, Lane, simulated, wavedrom

PICTURES = Path(__file__).parents[2] / "docs/pictures"


@pytest.mark.parametrize("bus", GROUPS)
def test_the_pictures_are_up_to_date(bus, tmp_path):
    """Else: python -m amper_verif.timing_diagrams"""
    from wavedrom import render

    made = wavedrom(bus, simulated(bus, tmp_path))
    assert json.loads((PICTURES / f"timing-{bus}.json").read_text(encoding="utf-8")) == made
    assert (PICTURES / f"timing-{bus}.svg").read_text(encoding="utf-8") == render(json.dumps(made)).tostring() + "\n"


def test_waves(monkeypatch):
    """A letter a cycle: levels, unknown bits, and numbers only where they are valid."""
    lanes = [Lane("a_valid"), Lane("a_bit"), Lane("a_number", "a_valid", "x")]
    monkeypatch.setitem(GROUPS, "test", [Group("a_", lanes), Group("", [Lane("busy")])])
    valid, bits, numbers, busy = [0, 1, 1, 1, 0], [None, None, 0, 1, 1], [None, 17, 17, 3, 3], [0, 0, 1, 1, 0]
    cycles = [
        {"a_valid": each[0], "a_bit": each[1], "a_number": each[2], "busy": each[3]}
        for each in zip(valid, bits, numbers, busy, strict=True)
    ]
    assert timing_diagrams.wavedrom("test", cycles)["signal"] == [
        {"name": "clk", "wave": "p...."},
        {},
        [
            "a_",
            {"name": "valid", "wave": "01..0"},
            {"name": "bit", "wave": "x.01."},
            {"name": "number", "wave": "x=.=x", "data": ["11", "3"]},
        ],
        {"name": "busy", "wave": "0.1.0"},
    ]
