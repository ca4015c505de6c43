"""The page of results: ``python -m amper_synth.results_page docs/results > docs/results.md``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from amper_synth.asic_table import differences, tables

_HEAD = """\
# Silicon in numbers

Made by `python -m amper_synth.results_page docs/results > docs/results.md` from the files that the commands below left;
each table names its tools. What the numbers are and are not: [asic.md](asic.md), [fpga.md](fpga.md),
[compare.md](compare.md), [explore.md](explore.md). Unless said otherwise Q = 16, m = 20, b = 64, fr-dithered,
P = D = W = 1, deep pipeline, rows in flip-flops, results with their priorities, no bus."""


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
            command = f"`amper synth --target asic --liberty ... --rows N`, [asic-{library}-*.json](results)"
            parts += [f"## {title}", f"Before layout; {command}; made {_dates(results)}.", tables(results)]
    boards = _results(folder, "fpga-*.json")
    if boards:
        command = "`amper synth --target ... --seeds N`, [fpga-*.json](results)"
        parts += ["## FPGAs", f"Placed and routed; {command}; made {_dates(boards)}.", _boards(boards)]
    for name, title in (("compare", "Beside software and GPUs"), ("explore", "Many configurations")):
        if (folder / f"{name}.md").exists():
            parts += [f"## {title}", f"`amper {name}`: [{name}.md](results/{name}.md)."]
    return "\n\n".join(parts) + "\n"


def _results(folder: Path, pattern: str) -> list[dict[str, Any]]:
    """By number of rows, the default before its relatives."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob(pattern)]
    return sorted(found, key=lambda each: (each["config"]["rows"], differences(each["config"])))


def _dates(results: list[dict[str, Any]]) -> str:
    dates = sorted({each["date"] for each in results})
    return " to ".join(dates if len(dates) < 2 else (dates[0], dates[-1]))


def _boards(results: list[dict[str, Any]]) -> str:
    titles = (
        "target",
        "configuration",
        "MHz: median (lowest to highest)",
        "LUT4 a row",
        "of the row array",
        "batch ns",
    )
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for each in results:
        clock = each["fmax_mhz"]
        cells = (
            f"{each['target']} {each['device']}",
            differences(each["config"]),
            f"{clock['median']:.1f} ({clock['lowest']:.1f} to {clock['highest']:.1f} of {len(each['runs'])})",
            f"{each['luts_per_row']:.1f}",
            f"{each['array_luts_per_row']:.1f}",
            f"{each['batch_ns']:.0f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    tools = sorted({", ".join(f"{name} {version}" for name, version in each["versions"].items()) for each in results})
    return "\n".join([*lines, "", *(f"{each}." for each in tools)])


if __name__ == "__main__":
    print(page(Path(sys.argv[1])), end="")
