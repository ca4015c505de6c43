"""Area and time over the rows, for both organisations of variant exact, beside software: docs/hardware/how-large.md.

``python -m amper_synth.how_large cells --rows 256,1024 --organisation parallel`` maps to an ECP5 without placing and
keeps the cells in the folder of results, with ``--target xcup`` to an UltraScale+ of AMD's, which only Yosys knows;
``python -m amper_synth.how_large picture`` draws.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amper import AmperConfig
from amper_hw.base.latency import batch_cycles, census_cycles
from amper_hw.output.generate import TOP, generate
from amper_report.figures import COLOURS, MARKERS, figure_file
from amper_report.tables import table
from amper_spec.errors import ToolError
from amper_synth.fpga.flow import counted, synthesise_only
from amper_synth.fpga.targets import FPGAS
from amper_synth.predict.organisation import memory_bits
from amper_verif.harness.yosys import run_script, yosys_version

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RESULTS = Path("docs/measurements/results")
TARGET = "ecp5"
LUTS_OF_CARRY = 2  # look-up tables that a carry cell of an ECP5 takes
#: um2 a bit of sky130_sram_2kbyte_1rw1r_32x512_8, an OpenRAM macro, by its LEF: SIZE 683.1 BY 416.54, 16,384 bits.
MACRO_UM2_A_BIT = 683.1 * 416.54 / 16_384
XILINX = "xcup"
XILINX_SCRIPT = f"""\
read_verilog {TOP}.v
synth_xilinx -family {XILINX} -flatten -top {TOP}
tee -q -o cells.json stat -json
"""
XILINX_CELLS = {
    "lut": "LUT[1-6]",
    "register": "FD[RSCP]E",
    "shift": "SRL16E|SRLC32E",
    "carry": "CARRY[48]",
    "lutram": "RAM(32|64|128|256).*",
    "bram36": "RAMB36E2",
    "bram18": "RAMB18E2",
    "multiplier": "DSP48E2",
}
SIZES_OF_TREE = tuple(1 << bits for bits in range(8, 21))  # for the estimate of the macros

_HEAD = """\
# Area and time over the rows

Made by `python -m amper_synth.how_large picture` from the files beside it: [how large?](../../hardware/how-large.md)

![area and time over the rows](how-large.svg)"""


@dataclass(frozen=True)
class Series:
    """A line of a picture: what it is of, and its points by rows."""

    title: str
    points: tuple[tuple[int, float], ...]


def step_cycles(config: AmperConfig) -> int:
    """A write of each row of a batch, then a batch, awaited: the most that it takes with uniform priorities."""
    waits = {"blocks": 3, "gates": 4}[config.primitives] if config.organisation == "tree" else 2 + census_cycles(config)
    return -(-config.batch // config.write_ports) + waits + batch_cycles(config)


def luts(cells: dict[str, int]) -> int:
    """Look-up tables of an ECP5 with those that carry cells and small memories take."""
    return FPGAS[TARGET].luts(cells) + LUTS_OF_CARRY * cells.get("carry", 0)


def cells(rows: Sequence[int], organisation: str, target: str, folder: Path, results: Path) -> None:
    """Map the sampler of each size, and keep its cells as ``cells-<target>-<organisation>-<n>.json``."""
    for each in rows:
        config = AmperConfig(rows=each, variant="exact", organisation=organisation, primitives="blocks")
        name = f"{target}-{organisation}-{each}"
        if target == TARGET:
            found, versions = synthesise_only(config, target, folder=folder / name)
        else:
            found, versions = _xilinx(config, folder / name)
        line = {"date": date.today().isoformat(), "config": config.to_dict(), "target": target, "cells": found}
        text = json.dumps(line | {"versions": versions}, indent=2)
        (results / f"cells-{name}.json").write_text(text + "\n", encoding="utf-8")


def _xilinx(config: AmperConfig, folder: Path) -> tuple[dict[str, int], dict[str, str]]:
    """Cells of a flat UltraScale+ netlist by resource, as Yosys maps it; and the versions."""
    generated = generate(config, name=TOP)
    generated.save(folder)
    run_script(folder, XILINX, XILINX_SCRIPT)
    counts = json.loads((folder / "cells.json").read_text(encoding="utf-8"))["design"]["num_cells_by_type"]
    found = {
        name: sum(counted(entry) for cell, entry in counts.items() if re.fullmatch(pattern, cell))
        for name, pattern in XILINX_CELLS.items()
    }
    return found, {"yosys": yosys_version(folder)} | generated.description["versions"]


def _read(folder: Path, pattern: str) -> list[tuple[AmperConfig, dict[str, Any]]]:
    """Results of the default exact sampler, D = W = 1 and rows not in latches, by rows."""
    found = []
    for path in folder.glob(pattern):
        result = json.loads(path.read_text(encoding="utf-8"))
        config = AmperConfig.from_dict(result["config"])
        if config.variants == ("exact",) and config.draw_ports == 1 and config.storage == "flip-flops":
            found.append((config, result))
    return sorted(found, key=lambda each: each[0].rows)


def _series(title: str, points: Sequence[tuple[int, float]]) -> list[Series]:
    return [Series(title, tuple(points))] if points else []


def areas(folder: Path) -> list[Series]:
    """mm2 in sky130: measured side by side, of the tree the macros alone by their published size."""
    asic = [(config.rows, each["area"]["total_um2"] / 1e6) for config, each in _read(folder, "asic-sky130-*.json")]
    macros = [
        (rows, memory_bits(AmperConfig(rows=rows, organisation="tree")) * MACRO_UM2_A_BIT / 1e6)
        for rows in SIZES_OF_TREE
    ]
    return _series("parallel, flip-flops", asic) + _series("tree, RAM macros alone (estimated)", macros)


def tables_of_fpga(folder: Path) -> list[Series]:
    """Look-up tables of an ECP5 by organisation."""
    found = _read(folder, f"cells-{TARGET}-*.json") + _read(folder, f"fpga-{TARGET}-*.json")
    by_name: dict[str, dict[int, float]] = {}
    for config, each in found:
        by_name.setdefault(config.organisation, {})[config.rows] = luts(each["cells"])
    return [Series(name, tuple(sorted(points.items()))) for name, points in sorted(by_name.items())]


def times(folder: Path) -> list[Series]:
    """Microseconds of a step of 64 writes and 64 draws, awaited."""
    lines = []
    for library in ("sky130", "asap7"):
        found = _read(folder, f"asic-{library}-*.json")
        lines += _series(
            f"parallel, {library}", [(config.rows, step_cycles(config) / each["fmax_mhz"]) for config, each in found]
        )
    for organisation in ("parallel", "tree"):
        found = [each for each in _read(folder, f"fpga-{TARGET}-*.json") if each[0].organisation == organisation]
        points = [(config.rows, step_cycles(config) / each["fmax_mhz"]["median"]) for config, each in found]
        lines += _series(f"{organisation}, ECP5", points)
    return lines + _software(folder / "software.json")


def _software(path: Path) -> list[Series]:
    """A sample and an update of 64 without transitions, wall clock, of our sum tree and of cpprb's."""
    measured = json.loads(path.read_text(encoding="utf-8"))["times"]
    lines: list[Series] = []
    for contestant in ("amper per", "cpprb"):
        sums: dict[int, float] = {}
        for each in measured:
            if each["contestant"] == contestant and each["operation"] in ("sample", "update") and not each["payload"]:
                sums[each["rows"]] = sums.get(each["rows"], 0.0) + each["wall_us"]["median"]
        lines += _series(f"{contestant}, software", sorted(sums.items()))
    return lines


def picture(folder: Path) -> str:
    """Write ``how-large.svg`` and ``how-large.md`` into the folder of results; returns the latter's text."""
    panels = (
        ("area in sky130, mm2", areas(folder)),
        ("look-up tables of an ECP5", tables_of_fpga(folder)),
        ("a step of 64 writes and 64 draws, us", times(folder)),
    )
    with figure_file(folder / "how-large.svg", 13, 4.2, font_size=9) as figure:
        axes = figure.subplots(1, len(panels))
        for axis, (title, series) in zip(axes, panels, strict=True):
            _panel(axis, title, series)
    parts = [_HEAD, *(f"## {title[0].upper()}{title[1:]}\n\n{_table(series)}" for title, series in panels)]
    text = "\n\n".join(parts) + "\n"
    (folder / "how-large.md").write_text(text, encoding="utf-8")
    return text


def _table(series: Sequence[Series]) -> str:
    """A column a line of the picture, a row a size."""
    sizes = sorted({rows for each in series for rows, _ in each.points})
    found = [dict(each.points) for each in series]
    lines = [(f"{rows:,}", *(_number(each.get(rows)) for each in found)) for rows in sizes]
    return table(("n", *(each.title for each in series)), lines)


def _number(value: float | None) -> str:
    """Three digits, or all before the point."""
    if value is None:
        return ""
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def _panel(axis: Axes, title: str, series: Sequence[Series]) -> None:
    for index, each in enumerate(series):
        rows, values = zip(*each.points, strict=True)
        axis.plot(rows, values, marker=MARKERS[index], color=COLOURS[index], label=each.title)
    axis.set_xscale("log", base=2)
    axis.set_xlim(32, 1 << 21)  # the same for all
    axis.set_yscale("log")
    axis.set_xlabel("rows n")
    axis.set_title(title)
    axis.grid(alpha=0.3)
    axis.legend(fontsize=7)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m amper_synth.how_large", description=__doc__)
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FOLDER", help="(default: %(default)s)")
    commands = parser.add_subparsers(dest="command", required=True)
    mapping = commands.add_parser("cells", help="map without placing")
    mapping.add_argument("--rows", required=True, metavar="N,N")
    mapping.add_argument("--organisation", required=True, choices=("parallel", "tree"))
    mapping.add_argument("--target", default=TARGET, choices=(TARGET, XILINX))
    mapping.add_argument("-o", "--output", type=Path, default=Path("build/how-large"), metavar="FOLDER")
    commands.add_parser("picture", help="draw how-large.svg, and print its numbers")
    options = parser.parse_args(arguments)
    try:
        if options.command == "cells":
            if not all(each.isdecimal() for each in options.rows.split(",")):
                raise ValueError(f"rows must be integers with commas between, not {options.rows}")
            rows = [int(each) for each in options.rows.split(",")]
            cells(rows, options.organisation, options.target, options.output, options.results)
        else:
            print(picture(options.results))
    except (ValueError, OSError, ToolError, ImportError) as error:
        print(f"how_large: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
