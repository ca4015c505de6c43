"""The results of several runs of the ASIC flow as a page's tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from amper import AmperConfig


def tables(results: Sequence[dict[str, Any]], paths: int = 12) -> str:
    """Two tables of results as ``asic.json`` has them: what each costs, and the longest paths of the last."""
    columns = ("library", "configuration", "area um2", "GE", "row um2", "row GE", "MHz", "ns", "batch ns", "mW")
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
    return "\n".join([*lines, "", versions(last)])


def versions(result: dict[str, Any]) -> str:
    """A line of the tools that made it, without the revisions that some tell."""
    numbers = {name: number.split(" (")[0].removeprefix("Yosys ") for name, number in result["versions"].items()}
    return ", ".join(f"{name} {number}" for name, number in numbers.items()) + "."


def differences(config: dict[str, Any], **usual: Any) -> str:
    """n, and what else is not as it is by default, or as is ``usual`` where that differs."""
    default = asdict(AmperConfig(rows=config["rows"], **usual))
    others = [
        f"{name} = {value}" for name, value in config.items() if name != "rows" and value != _plain(default[name])
    ]
    return ", ".join([f"n = {config['rows']}", *others])


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _title(result: dict[str, Any]) -> str:
    return f"{_library(result)}, {differences(result['config'])}"


def _library(result: dict[str, Any]) -> str:
    name: str = result["library"]["names"][0]
    return name.split("__")[0]


def _line(result: dict[str, Any]) -> str:
    area, power = result["area"], result["power"]
    cells = (
        _library(result),
        differences(result["config"]),
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
