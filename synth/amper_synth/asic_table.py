"""The results of several runs of the ASIC flow as a page's tables: ``python -m amper_synth.asic_table FILE...``."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def tables(results: Sequence[dict[str, Any]], paths: int = 12) -> str:
    """Two tables of results as ``asic.json`` has them: what each costs, and the longest paths of the last."""
    columns = ("library", "n", "area um2", "GE", "row um2", "row GE", "MHz", "ns", "batch ns", "mW")
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|", *(_line(each) for each in results), ""]
    components = sorted({name for each in results for name in each["area"]["by_component"]})
    lines += [
        f"| area, percent | {' | '.join(_title(each) for each in results)} |",
        "|---" * (len(results) + 1) + "|",
        *(f"| `{name}` | {' | '.join(_share(each, name) for each in results)} |" for name in components),
        "",
    ]
    last = results[-1]
    lines += [f"| longest paths, {_title(last)} | ns | cells |", "|---|---|---|"]
    lines += [
        f"| `{path['source']}` to `{path['target']}` | {path['delay_ns']:.3f} | {path['levels']} |"
        for path in last["timing"]["paths"][:paths]
    ]
    tools = ", ".join(
        f"{name} {number.split(' (')[0].removeprefix('Yosys ')}" for name, number in last["versions"].items()
    )
    parameters = {name: value for name, value in last["config"].items() if name not in ("rows", "seed")}
    return "\n".join([*lines, "", f"{tools}; {', '.join(f'{name} = {value}' for name, value in parameters.items())}."])


def _title(result: dict[str, Any]) -> str:
    return f"{result['library']['names'][0].split('__')[0]}, n = {result['config']['rows']}"


def _line(result: dict[str, Any]) -> str:
    area, power = result["area"], result["power"]
    cells = (
        *_title(result).split(", n = "),
        f"{area['total_um2']:,.0f}",
        f"{area['gate_equivalents']:,.0f}",
        f"{area['row_um2']:.1f}",
        f"{area['row_gate_equivalents']:.0f}",
        f"{result['fmax_mhz']:.0f}",
        f"{result['timing']['period_ns']:.3f}",
        f"{result['batch_ns']:.1f}",
        f"{power['total_mw']:.3g}" if power else "",
    )
    return f"| {' | '.join(cells)} |"


def _share(result: dict[str, Any], component: str) -> str:
    area = result["area"]
    value = area["by_component"].get(component)
    return "" if value is None else f"{100 * value / area['total_um2']:.1f}"


if __name__ == "__main__":
    print(tables([json.loads(Path(name).read_text(encoding="utf-8")) for name in sys.argv[1:]]))
