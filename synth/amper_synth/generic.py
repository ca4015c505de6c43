"""Generic synthesis: gates and logic depth of a generated sampler, without a target.

The depth is counted in two-input gates and multiplexers between registers, so it tells how the clock scales, not what
it is. Banks are synthesised once and kept as they are: in a deep pipeline registers bound them, so the longest path of
the whole is the longest path of a part. Everything else is flattened.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from amper import AmperConfig
from amper_hw.output.generate import TOP, generate
from amper_report.tables import table
from amper_synth.generation import in_common
from amper_verif.harness.yosys import SynthesisError, run_script, yosys_version

DEPTH_SIZES = (256, 1024, 4096, 16_384)

SCRIPT = """\
read_verilog {verilog}
hierarchy -check -top {top}
synth -noabc -top {top}
tee -q -o components.txt ltp -noff * t:amper_* %d
tee -q -o cells.json stat -json
setattr -mod -set keep_hierarchy 1 amper_bank_*
flatten
opt -full
tee -q -o depth.txt ltp -noff * t:amper_* %d
"""


@dataclass(frozen=True)
class GenericResult:
    """What generic synthesis says of a configuration."""

    config: dict[str, Any]
    depth: int  # gates on the longest path between registers
    depth_by_component: dict[str, int]  # the longest path inside each module
    cells: int  # of the whole design, registers included
    registers: int
    yosys: str

    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold."""
        return asdict(self)


def synthesise(config: AmperConfig, *, folder: str | Path | None = None) -> GenericResult:
    """Generate and synthesise; ``folder`` keeps the Verilog, the script and the log.

    Raises
    ------
    SynthesisError : see there. ValueError : a configuration that the hardware does not have.
    """
    if folder is None:
        with tempfile.TemporaryDirectory() as temporary:
            return synthesise(config, folder=temporary)
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    (target / "amper.v").write_text(generate(config, name=TOP).verilog, encoding="utf-8")
    version = yosys_version(target)
    run_script(target, "generic", SCRIPT.format(verilog="amper.v", top=TOP))
    depths = _depths(target / "depth.txt")
    components = _depths(target / "components.txt")
    cells, registers = _cells(json.loads((target / "cells.json").read_text(encoding="utf-8")))
    return GenericResult(config.to_dict(), max(depths.values()), components, cells, registers, version)


def _depths(report: Path) -> dict[str, int]:
    """Longest path by module; a module without a gate has none."""
    text = report.read_text(encoding="utf-8")
    depths = {name: int(length) for name, length in re.findall(r"path in (\w+) \(length=(\d+)\)", text)}
    if not depths:
        raise SynthesisError(f"Yosys reported no path: {text[:500]}")
    return depths


def _cells(statistics: dict[str, Any]) -> tuple[int, int]:
    """(cells, registers) of the whole design."""
    by_type: dict[str, Any] = statistics["design"]["num_cells_by_type"]
    gates = {name: _count(entry) for name, entry in by_type.items() if name.startswith("$_")}
    registers = sum(count for name, count in gates.items() if "DFF" in name or "DLATCH" in name)
    return sum(gates.values()), registers


def _count(entry: Any) -> int:
    return int(entry["count"]) if isinstance(entry, dict) else int(entry)


def depth_markdown(results: Sequence[GenericResult]) -> str:
    """Logic depths of several sizes as a page's table: the whole, and the components over 20 gates."""
    sizes = [result.config["rows"] for result in results]
    depths: dict[str, list[int]] = {}
    for index, result in enumerate(results):
        for name, depth in result.depth_by_component.items():
            # Banks and nodes come in several sizes, and the ranks' multiplier grows with n: the deepest stands for all.
            kind = re.sub(r"^(amper_(?:bank|node_\d+|match_lines|row_storage))_\d+$", r"\1", name)
            kind = re.sub(r"^amper_multiplier_32x\d+_in_\d$", "amper_multiplier (rank)", kind)
            line = depths.setdefault(kind, [0] * len(results))
            line[index] = max(line[index], depth)
    shown = sorted((name for name in depths if max(depths[name]) > 20), key=lambda name: (-max(depths[name]), name))
    lines: list[Iterable[object]] = [
        ["**the whole**", *(result.depth for result in results)],
        *([f"`{name}`", *(value or "" for value in depths[name])] for name in shown),
        ["gates and registers", *(result.cells for result in results)],
        ["registers", *(result.registers for result in results)],
    ]
    made_with = in_common([result.config for result in results])
    titles = ["gates between registers", *(f"n = {size}" for size in sizes)]
    return f"{table(titles, lines)}\n\n{results[0].yosys.split(' (')[0]}; {made_with}."
