"""The cells of one or more Liberty files: which are there for what, and the ones a flow needs by itself."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from amper_synth.liberty.function import truth_table
from amper_synth.liberty.reader import Group, LibertyError, read_liberty

_TIME = {"fs": 1e-15, "ps": 1e-12, "ns": 1e-9, "us": 1e-6}
_CAPACITANCE = {"ff": 1e-15, "pf": 1e-12}
_INVERTER, _BUFFER, _NAND2 = (1, 0), (0, 1), (1, 1, 1, 0)  # truth tables
_GATE_ROLES = {
    "clock": "clock_gate_clock_pin",
    "enable": "clock_gate_enable_pin",
    "test": "clock_gate_test_pin",
    "output": "clock_gate_out_pin",
}
# What no synthesis may use of its own accord.
_SPECIAL = (
    "dont_use",
    "is_isolation_cell",
    "is_level_shifter",
    "always_on",
    "retention_cell",
    "switch_cell_type",
    "is_macro_cell",
    "is_pad",
    "pad_cell",
)


@dataclass(frozen=True)
class Pin:
    """A pin; the function of an output is in Liberty's notation, empty if none is given."""

    name: str
    direction: str
    capacitance: float  # F
    function: str
    role: str = ""  # of a clock gate's pin: "clock", "enable", "test" or "output"


@dataclass(frozen=True)
class Cell:
    """A cell of a library."""

    name: str
    area: float  # in the library's unit, by custom um2
    pins: tuple[Pin, ...]
    kind: str  # "logic", "flip-flop", "latch", "clock gate" or "other"
    special: bool  # not for synthesis: dont_use, isolation, level shifter, always on, ...
    gate: str = ""  # the kind of clock gate, as "latch_posedge"
    clock: str = ""  # the clock pin of a flip-flop, the enable of a latch

    def inputs(self) -> list[Pin]:
        """Its input pins."""
        return [pin for pin in self.pins if pin.direction == "input"]

    def outputs(self) -> list[Pin]:
        """Its output pins."""
        return [pin for pin in self.pins if pin.direction == "output"]


@dataclass(frozen=True)
class Library:
    """One or more Liberty files as one library; units are the first file's."""

    paths: tuple[Path, ...]
    names: tuple[str, ...]
    time_unit: float  # s
    capacitance_unit: float  # F
    voltage: float  # V, nominal
    wire_load: str  # the default wire-load model, empty if there is none
    wire_loads: tuple[str, ...]
    cells: dict[str, Cell]

    @property
    def gate_area(self) -> float:
        """The area of the smallest two-input NAND, the unit of gate equivalents."""
        return self.nand2.area

    @property
    def nand2(self) -> Cell:
        """The smallest two-input NAND."""
        return self._smallest("a two-input NAND", _NAND2)

    @property
    def inverter(self) -> Cell:
        """The smallest inverter."""
        return self._smallest("an inverter", _INVERTER)

    @property
    def buffer(self) -> Cell:
        """The driving cell of inputs: the second smallest buffer, about as strong as a flip-flop; else an inverter."""
        return self._buffer(smallest=2)

    @property
    def reset_buffer(self) -> Cell:
        """The driving cell of the reset, which goes to many: the largest buffer; else an inverter."""
        return self._buffer()

    def _buffer(self, smallest: int | None = None) -> Cell:
        """The largest of all buffers, or of those of the ``smallest`` areas; the inverter where there are none."""
        buffers = sorted((cell.area, cell.name) for cell in self._usable() if _computes(cell, _BUFFER))
        if not buffers:
            return self.inverter
        area = sorted({area for area, _ in buffers})[:smallest][-1]
        return self.cells[min(name for each, name in buffers if each == area)]

    @property
    def load(self) -> float:
        """The load of outputs in F: four of the smallest inverters."""
        return 4 * self.inverter.inputs()[0].capacitance

    def constant(self, value: int) -> tuple[str, str] | None:
        """(cell, pin) that ties to 0 or 1, if the library has one."""
        for cell in self._usable():
            for pin in cell.outputs():
                if not cell.inputs() and pin.function == str(value):
                    return cell.name, pin.name
        return None

    def has(self, kind: str) -> bool:
        """Whether there is a cell of a kind that may be used."""
        return any(cell.kind == kind for cell in self._usable())

    def require(self, kind: str) -> None:
        """Raise LibertyError unless there is a cell of a kind that may be used."""
        if not self.has(kind):
            raise LibertyError(f"{', '.join(map(str, self.paths))}: the library must have a {kind}, and has none")

    def excluded(self) -> list[str]:
        """Cells that synthesis must not use."""
        return sorted(cell.name for cell in self.cells.values() if cell.special)

    def _usable(self) -> Iterable[Cell]:
        return (cell for cell in self.cells.values() if not cell.special)

    def _smallest(self, what: str, table: tuple[int, ...]) -> Cell:
        found = [cell for cell in self._usable() if _computes(cell, table)]
        if not found:
            raise LibertyError(f"{', '.join(map(str, self.paths))}: the library must have {what}, and has none")
        return min(found, key=lambda cell: (cell.area, cell.name))


def load_library(paths: Sequence[str | Path], dont_use: Sequence[str] = ()) -> Library:
    """Read the files; ``dont_use`` are names of more cells that must not be used, with * and ?.

    Raises
    ------
    LibertyError : damaged, no Liberty, or without what every design needs (flip-flop, inverter, NAND). OSError.
    """
    if not paths:
        raise ValueError("liberty must name at least one file, not none")
    groups = [read_liberty(path) for path in paths]
    cells: dict[str, Cell] = {}
    for path, group in zip(paths, groups, strict=True):
        try:
            found = [_cell(each, dont_use) for each in group.all("cell")]
        except ValueError as error:
            raise LibertyError(f"{path}: {error}") from None
        cells.update({cell.name: cell for cell in found})
    first = groups[0]
    library = Library(
        tuple(Path(path) for path in paths),
        tuple(group.name for group in groups),
        _unit(paths[0], first, "time_unit", _TIME),
        _unit(paths[0], first, "capacitive_load_unit", _CAPACITANCE),
        first.number("nom_voltage", 0.0),
        first.attributes.get("default_wire_load", ""),
        tuple(group.name for group in first.all("wire_load")),
        {
            name: _in_farads(cell, _unit(paths[0], first, "capacitive_load_unit", _CAPACITANCE))
            for name, cell in cells.items()
        },
    )
    library.require("flip-flop")
    _ = library.inverter, library.nand2  # both say what is missing
    return library


def _unit(path: str | Path, group: Group, name: str, scales: dict[str, float]) -> float:
    """``1ns``, ``100ps`` or ``1,pf`` in SI units; Liberty's default is the first that is usual: ns, pF."""
    text = group.attributes.get(name, "1ns" if name == "time_unit" else "1,pf")
    found = re.fullmatch(r'([\d.]+)\s*,?\s*"?([a-z]+)"?', text.strip(), re.IGNORECASE)
    if found is None or found[2].lower() not in scales:
        raise LibertyError(f"{path}: {name} must be a number and one of {', '.join(scales)}, not {text!r}")
    return float(found[1]) * scales[found[2].lower()]


def _cell(group: Group, dont_use: Sequence[str]) -> Cell:
    pins = tuple(
        Pin(
            name,
            pin.attributes.get("direction", ""),
            pin.number("capacitance", 0.0),
            pin.attributes.get("function", ""),
            next((role for role, name in _GATE_ROLES.items() if pin.attributes.get(name) == "true"), ""),
        )
        for pin in group.all("pin")
        for name in pin.names
    )
    special = any(group.attributes.get(name, "false").lower() not in ("false", "0") for name in _SPECIAL)
    special |= any(fnmatch.fnmatchcase(group.name, pattern) for pattern in dont_use)
    gate = group.attributes.get("clock_gating_integrated_cell", "")
    storage = next((each for kind in ("ff", "latch") for each in group.all(kind)), None)
    clock = storage.attributes.get("clocked_on", storage.attributes.get("enable", "")) if storage else ""
    clock = re.sub(r"[^\w]", "", clock)  # "!CLK", "(CLK)'"
    return Cell(group.name, group.number("area", 0.0), pins, _kind(group, pins), special, gate, clock)


def _kind(group: Group, pins: tuple[Pin, ...]) -> str:
    if "clock_gating_integrated_cell" in group.attributes:
        return "clock gate"
    for kind, name in (("ff", "flip-flop"), ("latch", "latch")):
        if any(group.all(kind)):
            return name
    outputs = [pin for pin in pins if pin.direction == "output"]
    if outputs and all(pin.function for pin in outputs) and not any(group.all("statetable")):
        return "logic"
    return "other"


def _in_farads(cell: Cell, unit: float) -> Cell:
    return replace(cell, pins=tuple(replace(pin, capacitance=pin.capacitance * unit) for pin in cell.pins))


def _computes(cell: Cell, table: tuple[int, ...]) -> bool:
    """Whether the cell has one output, and that is the function with this truth table of all inputs."""
    inputs, outputs = cell.inputs(), cell.outputs()
    if cell.kind != "logic" or len(outputs) != 1 or 2 ** len(inputs) != len(table):
        return False
    try:
        return truth_table(outputs[0].function, [pin.name for pin in inputs]) == table
    except ValueError:
        return False  # a function of what is no input, as of some special cell
