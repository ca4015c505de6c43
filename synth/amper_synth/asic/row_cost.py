"""What a row costs by its parts, counted in the netlist of the ASIC flow.

A register belongs to the part that its name says. A gate belongs to the first part, in the order of ``PARTS``, that has
a register which takes its result before any other register does: what two parts share counts for the first.

Run it as ``python -m amper_synth.asic.row_cost DIR...`` on folders that ``amper synth --target asic`` left.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from amper_report.tables import table
from amper_synth.liberty.cells import Library, load_library

# A part, and its registers' names as the netlist has them.
PARTS: dict[str, str] = {
    "codes": r"match_lines_\d+\.priorities|storage\.(codes|place\[\d+\]\.stored)",
    "valid bits": r"storage\.(occupied|place\[\d+\]\.present)",
    "write: data and lines": r"storage\.|write_|clear_stage",
    "CSP bitmap, match lines": r"csp\b",
    "drawn bitmap": r"drawn\b|transfer_stage",
    "rows of a plane": r"plane_rows\b",
    "bitmap's way out": r"selected_|select_valid|rank_",
    "count": r"(plane_)?count_|partial_|bitmap_complete|census_stage",
    "read port": r"data_|read_",
    "any match": r"match_(any|\d+)",
    "changed valid bits": r"chang(ed|ing)_|was_valid",
    "key or plane": r"key_|search_valid|plane_lines",
    "others": r"",
}
_INSTANCE = re.compile(r"(?ms)^  (\w+) (\\\S+ |\w+) \(\n(.*?)^  \);$")
_PIN = re.compile(r"\.(\w+)\((.*?)\)(?=,\n|\n)")
_ASSIGN = re.compile(r"(?m)^  assign (\S+) = (\S+);$")


def row_cost(netlist: str, library: Library, rows: int) -> dict[str, float]:
    """Gate equivalents a row, by part, of the banks in the text of a netlist.

    Raises
    ------
    ValueError : there is no bank in it.
    """
    modules = {match[2]: match[1] for match in re.finditer(r"(?ms)^(module (\w+)\(.*?^endmodule)$", netlist)}
    banks = [name for name in modules if re.fullmatch(r"amper_bank_\d+", name)]
    if not banks:
        raise ValueError("netlist must have a module amper_bank_N, and has none")
    areas = dict.fromkeys(PARTS, 0.0)
    for name in banks:
        for part, area in _areas(modules[name], library).items():
            areas[part] += _copies(modules, name) * area
    return {part: area / library.gate_area / rows for part, area in areas.items()}


def _copies(modules: Mapping[str, str], name: str) -> int:
    """How often a module is there: as often as those that instantiate it; once, if none does."""
    inside = {parent: len(re.findall(rf"(?m)^  {name} ", text)) for parent, text in modules.items()}
    return sum(count * _copies(modules, parent) for parent, count in inside.items() if count) or 1


def _areas(text: str, library: Library) -> dict[str, float]:
    """Area by part, of one module."""
    cells = {
        name.strip().lstrip("\\"): (library.cells[kind], {pin: net.strip() for pin, net in _PIN.findall(pins)})
        for kind, name, pins in _INSTANCE.findall(text)
        if kind in library.cells
    }
    same = dict(_ASSIGN.findall(text))  # another name of a net
    drivers = {
        pins[pin.name]: name for name, (cell, pins) in cells.items() for pin in cell.outputs() if pin.name in pins
    }
    owners: dict[str, str] = {}
    for name, (cell, _) in cells.items():
        if cell.kind in ("flip-flop", "latch"):
            owners[name] = next(part for part, pattern in PARTS.items() if re.match(pattern, name))
    for part in PARTS:
        waiting = [name for name, owner in owners.items() if owner == part]
        while waiting:
            cell, pins = cells[waiting.pop()]
            for pin in cell.inputs():
                source = drivers.get(_resolved(pins.get(pin.name, ""), same), "")
                if source and source not in owners:
                    owners[source] = part
                    waiting.append(source)
    areas = dict.fromkeys(PARTS, 0.0)
    for name, (cell, _) in cells.items():
        areas[owners.get(name, "others")] += cell.area
    return areas


def _resolved(net: str, same: Mapping[str, str]) -> str:
    while net in same:
        net = same[net]
    return net


def tables(folders: Sequence[Path]) -> str:
    """The parts of each folder's rows as a page's table."""
    results = [json.loads((folder / "asic.json").read_text(encoding="utf-8")) for folder in folders]
    costs = []
    for folder, result in zip(folders, results, strict=True):
        library = load_library(sorted(folder.glob("library_*.lib")), result["options"]["dont_use"])
        netlist = (folder / "netlist.v").read_text(encoding="utf-8")
        costs.append(row_cost(netlist, library, result["config"]["rows"]))
    there = [part for part in PARTS if any(cost[part] > 0 for cost in costs)]
    lines = [[part, *(f"{cost[part]:.1f}" for cost in costs)] for part in there]
    lines.append(["**the row**", *(f"{sum(cost.values()):.1f}" for cost in costs)])
    lines.append(["um2", *(f"{result['area']['row_um2']:.2f}" for result in results)])
    return table(["GE a row", *(f"{_library(result)}, {result['config']['storage']}" for result in results)], lines)


def _library(result: Mapping[str, dict[str, Sequence[str]]]) -> str:
    return result["library"]["names"][0].split("__")[0].split("_")[0]


if __name__ == "__main__":
    print(tables([Path(name) for name in sys.argv[1:]]))
