"""Registers right behind block RAMs become the RAMs' own, and no others do."""

import copy

import pytest

from amper_synth.fpga.output_registers import absorb

CLOCK = 2


def ram(outputs, *, width=18, clock=CLOCK):
    connections = {"CLKA": [clock], "CLKB": [clock], "OCEA": ["0"], "OCEB": ["1"]}
    connections |= {port: [net] for port, net in outputs.items()}
    directions = {port: "output" if port.startswith("DO") else "input" for port in connections}
    parameters = {"DATA_WIDTH_B": f"{width:032b}", "REGMODE_A": "NOREG", "REGMODE_B": "NOREG"}
    return {"type": "DP16KD", "connections": connections, "port_directions": directions, "parameters": parameters}


def register(data, output, *, clock=CLOCK, reset="0", **parameters):
    connections = {"CLK": [clock], "DI": [data], "LSR": [reset], "Q": [output]}
    directions = dict.fromkeys(connections, "input") | {"Q": "output"}
    parameters = {"CEMUX": "1 ", "CLKMUX": "CLK", "REGSET": "RESET"} | parameters
    return {"type": "TRELLIS_FF", "connections": connections, "port_directions": directions, "parameters": parameters}


def gate(*inputs):
    return {
        "type": "LUT4",
        "connections": {"A": list(inputs)},
        "port_directions": {"A": "input"},
        "parameters": {},
    }


def test_a_register_becomes_the_rams_own():
    cells = {"ram": ram({"DOB0": 10, "DOB1": 11, "DOB2": 12}), "x": register(10, 20), "y": register(11, 21)}
    cells["z"] = gate(20, 21)
    assert absorb(cells) == 2
    assert set(cells) == {"ram", "z"}
    assert [cells["ram"]["connections"][f"DOB{bit}"] for bit in range(3)] == [[20], [21], [12]]  # the last goes nowhere
    assert cells["ram"]["parameters"] | {"REGMODE_A": "NOREG", "REGMODE_B": "OUTREG"} == cells["ram"]["parameters"]
    assert absorb(cells) == 0  # what lies behind now is none of the RAM's


def test_a_word_of_36_bits_comes_out_at_both_sides():
    cells = {"ram": ram({"DOA0": 10, "DOB1": 11}, width=36), "x": register(10, 20), "y": register(11, 21)}
    assert absorb(cells) == 2
    assert {cells["ram"]["parameters"][f"REGMODE_{side}"] for side in "AB"} == {"OUTREG"}
    assert {cells["ram"]["connections"][f"OCE{side}"][0] for side in "AB"} == {"1"}


@pytest.mark.parametrize(
    "other",
    [
        {"y": register(11, 21, clock=3)},
        {"y": register(11, 21, CEMUX="CE")},
        {"y": register(11, 21, CLKMUX="INV")},
        {"y": register(11, 21, REGSET="SET")},
        {"y": register(11, 21, reset=5)},
        {"y": gate(11)},
        {"y": register(11, 21), "z": gate(11)},  # twice used
        {"y": register(30, 21), "z": gate(11)},
    ],
    ids=["clock", "enable", "edge", "start", "reset", "gate", "both", "one of two"],
)
def test_others_stay(other):
    """One output that cannot move keeps all of its side."""
    cells = {"ram": ram({"DOB0": 10, "DOB1": 11}), "x": register(10, 20), **other}
    before = copy.deepcopy(cells)
    assert absorb(cells) == 0
    assert cells == before
