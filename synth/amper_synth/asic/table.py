"""The results of several runs of the ASIC flow as a page's tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from amper import AmperConfig
from amper_report.tables import table

_COLUMNS = ("library and corner", "configuration", "area um2", "GE", "row um2", "row GE", "MHz", "ns", "batch ns", "mW")


def tables(results: Sequence[dict[str, Any]], paths: int = 12) -> str:
    """Tables of results as ``asic.json`` has them: what each costs; of each variant the components, and the longest
    paths of its last result; the tools."""
    variants = list(dict.fromkeys(each["config"]["variant"] for each in results))
    parts = [table(_COLUMNS, map(_line, results))]
    for variant in variants:
        parts += _inside([each for each in results if each["config"]["variant"] == variant], paths)
    tools = dict.fromkeys(versions(each) for each in results)
    return "\n\n".join([*parts, "\n".join(tools)])


def _inside(results: Sequence[dict[str, Any]], paths: int) -> list[str]:
    """What results consist of, and the longest paths of the last."""
    components = sorted({name for each in results for name in each["area"]["by_component"]})
    shares = [[f"`{name}`", *(_share(each, name) for each in results)] for name in components]
    last = results[-1]
    longest = [
        (f"`{path['source']}` to `{path['target']}`", f"{path['delay_ns']:.3f}", f"{path['levels']}")
        for path in last["timing"]["paths"][:paths]
    ]
    titles = [differences(each["config"]) for each in results]
    return [table(["area, percent", *titles], shares), table([f"longest paths, {titles[-1]}", "ns", "cells"], longest)]


def versions(result: dict[str, Any]) -> str:
    """A line of the tools that made it, without the revisions that some tell."""
    numbers = {name: number.split(" (")[0].removeprefix("Yosys ") for name, number in result["versions"].items()}
    return ", ".join(f"{name} {number}" for name, number in numbers.items()) + "."


def differences(config: dict[str, Any], **usual: Any) -> str:
    """Variant, n, and what else is not as it is by default, or as is ``usual`` where that differs."""
    default = asdict(AmperConfig(rows=config["rows"], variant=config["variant"], **usual))
    others = [
        f"{name} = {value}" for name, value in config.items() if name != "rows" and value != _plain(default[name])
    ]
    return ", ".join([config["variant"], f"n = {config['rows']}", *others])


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _library(result: dict[str, Any]) -> str:
    """Its name, which says the corner where the vendor does, and the voltage."""
    library = result["library"]
    return f"{library['names'][0]}, {library['voltage']:g} V"


def _line(result: dict[str, Any]) -> Sequence[str]:
    area, power = result["area"], result["power"]
    return (
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


def _share(result: dict[str, Any], component: str) -> str:
    area = result["area"]
    value = area["by_component"].get(component)
    return "" if value is None else f"{100 * value / area['total_um2']:.1f}"
