"""What FPGA targets there are: the synthesis command, the devices, the names of their cells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

PINS = "pins.txt"


@dataclass(frozen=True)
class Target:
    """A family of FPGAs that Yosys and nextpnr know.

    Attributes
    ----------
    synthesis : Yosys's command with its options. device_synthesis : more options, by device.
    tool : nextpnr's binary; ``yowasp-<tool>`` is its Python package.
    devices : nextpnr's options that choose each device, the default first. options : nextpnr's options for any device;
        the wrapper's four pins may go anywhere. configuration : option that names the file of the routed design.
    cells : a pattern of cell types for each resource; a cell counts for the first that matches.
    luts_of_lutram : look-up tables that a small memory takes, those that its write port makes useless among them.
    finish : Yosys commands for the flat netlist. pins : by device, where the wrapper's pins must be told one by one, in
        lines of the form ``pin_line`` in a file of the name ``PINS``. placer : nextpnr's, if not its default.
    output_registers : whether registers behind block RAMs become the RAMs' own, see ``output_registers``.
    """

    synthesis: str
    tool: str
    devices: dict[str, tuple[str, ...]]
    options: tuple[str, ...]
    configuration: str
    cells: dict[str, str]
    device_synthesis: dict[str, str] = field(default_factory=dict)
    finish: str = ""
    luts_of_lutram: int = 0
    pins: dict[str, dict[str, str]] = field(default_factory=dict)
    pin_line: str = ""
    placer: str = ""
    output_registers: bool = False

    def resource(self, cell_type: str) -> str | None:
        """The resource that a cell of this type takes; None for what costs nothing, such as a pin."""
        for name, pattern in self.cells.items():
            if re.fullmatch(pattern, cell_type):
                return name
        return None

    def luts(self, cells: Mapping[str, int]) -> int:
        """Look-up tables of cells by resource, those that small memories take among them."""
        return cells.get("lut", 0) + cells.get("lutram", 0) * self.luts_of_lutram


def _ecp5(size: str, grade: int) -> tuple[str, ...]:
    return (f"--{size}", "--package", "CABGA381", "--speed", str(grade))


_ECP5_SIZES = ("85k", "45k", "25k")

FPGAS = {
    "ecp5": Target(
        synthesis="synth_ecp5 -nowidelut",
        tool="nextpnr-ecp5",
        devices={size: _ecp5(size, 6) for size in _ECP5_SIZES}
        | {f"{size}-{grade}": _ecp5(size, grade) for size in _ECP5_SIZES for grade in (7, 8)},
        options=("--lpf-allow-unconstrained",),
        placer="static",
        configuration="--textcfg",
        cells={
            "lut": "LUT4",
            "register": "TRELLIS_FF",
            "carry": "CCU2C",
            "multiplier": "MULT18X18D",
            "lutram": "TRELLIS_DPR16X4",
            "bram": "DP16KD|PDPW16KD",
            "mux": "PFUMX|L6MUX21",
        },
        luts_of_lutram=6,
        output_registers=True,
    ),
    "ice40": Target(
        synthesis="synth_ice40",
        device_synthesis={"up5k": "-dsp"},  # the other has no multipliers
        tool="nextpnr-ice40",
        devices={
            "up5k": ("--up5k", "--package", "sg48"),
            "hx8k": ("--hx8k", "--package", "ct256"),
        },
        options=("--pcf-allow-unconstrained",),
        configuration="--asc",
        cells={
            "lut": "SB_LUT4",
            "register": "SB_DFF.*",
            "carry": "SB_CARRY",
            "multiplier": "SB_MAC16",
            "bram": "SB_RAM.*",
        },
    ),
    "nexus": Target(
        # nextpnr-nexus 0.11 refuses carry chains that start from a constant, as Yosys 0.70 makes them.
        synthesis="synth_nexus -noccu2",
        tool="nextpnr-nexus",
        devices={"lifcl-40": ("--device", "LIFCL-40-9BG400CES")},
        options=("--pdc", PINS, "--router", "router1"),  # router2, the default, does not get from pin to clock net
        configuration="--fasm",
        cells={
            "lut": "LUT4",
            "register": "FD1P3.*",
            "carry": "CCU2",
            "multiplier": "MULT.*",
            "lutram": "DPR16X4",
            "bram": "(DP|PDP|PDPSC)16K.*",
            "mux": "WIDEFN9|PFUMX|L6MUX21",
        },
        luts_of_lutram=6,
        pin_line="ldc_set_location -site {{{pin}}} [get_ports {port}]\n",
        # Clock, button and serial port of Lattice's evaluation board.
        pins={"lifcl-40": {"clk": "L13", "rst": "G19", "serial_in": "F16", "serial_out": "F18"}},
    ),
    "gowin": Target(
        # Its own buffers would sit in every component.
        synthesis="synth_gowin -noiopads",
        finish="iopadmap -bits -inpad IBUF O:I -outpad OBUF I:O\n",
        tool="nextpnr-himbaechel-gowin",
        devices={
            "gw2a-18c": ("--device", "GW2A-LV18PG256C8/I7", "--vopt", "family=GW2A-18C"),
            "gw1n-9c": ("--device", "GW1NR-LV9QN88PC6/I5", "--vopt", "family=GW1N-9C"),
        },
        options=("--vopt", f"cst={PINS}"),
        configuration="--write",
        cells={
            "lut": "LUT[1-4]",
            "register": "DFF.*",
            "carry": "ALU",
            "multiplier": "MULT.*",
            "lutram": "RAM16.*",
            "bram": "(SP|DP|SDP)X?9?B?",
            "mux": "MUX2_LUT[5-8]",
        },
        luts_of_lutram=4,
        pin_line='IO_LOC "{port}" {pin};\n',
        # Clock, button and serial port of the Tang Primer 20K and the Tang Nano 9K.
        pins={
            "gw2a-18c": {"clk": "H11", "rst": "T10", "serial_in": "T13", "serial_out": "M11"},
            "gw1n-9c": {"clk": "52", "rst": "4", "serial_in": "18", "serial_out": "17"},
        },
    ),
}
