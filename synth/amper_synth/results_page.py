"""The page of results, docs/measurements/results.md; its first lines have the command."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from amper_synth.asic import table as asic_table
from amper_synth.asic.table import differences
from amper_synth.fpga import table as fpga_table
from amper_synth.fpga.targets import FPGAS

_HEAD = """\
# Silicon in numbers

Made by `python -m amper_synth.results_page docs/measurements/results > docs/measurements/results.md` from the files
that the commands below left there; each table names its tools. How they are made, and what they are not:
[cell libraries](../hardware/asic.md), [FPGAs](../hardware/fpga.md). What was tried to get there:
[what was tried](trials.md). Unless said otherwise Q = 16, b = 64, the named variant alone, m = 20
where it has groups, P = D = W = 1, deep pipeline, rows in flip-flops, results with their priorities, no bus; in FPGAs
`primitives = blocks`.

The libraries: SkyWater `sky130_fd_sc_hd`, typical, 25 C, 1.80 V; ASAP7 predictive, RVT, slow corner, 100 C, 0.63 V;
`osu018` of Debian's `qflow-tech-osu018`. Power is that of `--power`: the registers' clock pins at the whole clock, and
work back to back."""

_PAGES = (
    ("compare", "compare.md", "Beside software and GPUs"),
    ("explore", "explore-exact/index.html", "Many configurations of exact"),
    ("explore", "explore/index.html", "Many configurations of AMPER's variants"),
)


def page(folder: Path) -> str:
    """The whole page, from the files in ``folder``; a part without a file is left out."""
    parts = [_HEAD]
    for library, title in (
        ("sky130", "SkyWater 130 nm"),
        ("asap7", "ASAP7, 7 nm predictive"),
        ("osu018", "OSU 180 nm"),
    ):
        results = _results(folder, f"asic-{library}-*.json")
        if results:
            command = f"`amper synth --target asic --liberty ... --variant V --rows N`, `results/asic-{library}-*.json`"
            parts += [f"## {title}", f"Before layout; {command};\nmade {_dates(results)}.", asic_table.tables(results)]
    for target in FPGAS:
        results = _results(folder, f"fpga-{target}-*.json")
        if results:
            command = f"`amper synth --target {target} --rows N --seeds S`, `results/fpga-{target}-*.json`"
            made = f"Placed and routed; {command};\nmade {_dates(results)}."
            parts += [f"## FPGA: {target}", made, fpga_table.tables(results)]
    for command, file, title in _PAGES:
        if (folder / file).exists():
            parts += [f"## {title}", f"`amper {command}`: [{file}](results/{file})."]
    return "\n\n".join(parts) + "\n"


def _results(folder: Path, pattern: str) -> list[dict[str, Any]]:
    """By device and number of rows, the default before its relatives."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob(pattern)]
    return sorted(found, key=lambda each: (each.get("device", ""), each["config"]["rows"], differences(each["config"])))


def _dates(results: list[dict[str, Any]]) -> str:
    dates = sorted({each["date"] for each in results})
    return " to ".join(dates if len(dates) < 2 else (dates[0], dates[-1]))


if __name__ == "__main__":
    print(page(Path(sys.argv[1])), end="")
