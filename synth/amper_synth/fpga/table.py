"""The results of several runs of the FPGA flow as a page's tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amper_report.tables import table
from amper_synth.asic.table import differences, versions
from amper_synth.fpga.boundary import WRAPPER
from amper_synth.fpga.targets import FPGAS

_COLUMNS = (
    "device",
    "configuration",
    "MHz: median (lowest to highest)",
    "LUT4 a row",
    "of the row array",
    "LUT4",
    "registers",
    "multipliers",
    "batch ns",
)


def tables(results: Sequence[dict[str, Any]], paths: int = 12) -> str:
    """Three tables of results as ``result.json`` has them: what each costs and how fast it is, the look-up tables of
    each component, and the longest paths of the last."""
    luts = [[f"`{name}`", *(_luts(each, name) for each in results)] for name in _by_size(results)]
    last = results[-1]
    longest = [(f"{worst['ns']:.2f}", f"`{name}`", f"`{worst['register']}`") for name, worst in _worst(last, paths)]
    parts = (
        table(_COLUMNS, map(_line, results)),
        table(["LUT4, each component mapped alone", *map(_title, results)], luts),
        table([f"longest paths, {_title(last)}: ns", "into", "register"], longest),
        "\n".join(sorted({versions(each) for each in results})),
    )
    return "\n\n".join(parts)


def _title(result: dict[str, Any]) -> str:
    return f"{result['device']}, {_configuration(result)}"


def _configuration(result: dict[str, Any]) -> str:
    """n, and what else is not as it is by default in an FPGA."""
    return differences(result["config"], primitives="blocks")


def _line(result: dict[str, Any]) -> Sequence[str]:
    clock, cells = result["fmax_mhz"], result["cells"]
    return (
        result["device"],
        _configuration(result),
        f"{clock['median']:.1f} ({clock['lowest']:.1f} to {clock['highest']:.1f} of {len(result['runs'])})",
        f"{result['luts_per_row']:.1f}",
        f"{result['array_luts_per_row']:.1f}",
        f"{cells['lut']:,}",
        f"{cells['register']:,}",
        f"{cells.get('multiplier', 0)}",
        f"{result['batch_ns']:.0f}",
    )


def _by_size(results: Sequence[dict[str, Any]]) -> list[str]:
    """The sampler's components that have look-up tables, the largest first."""
    names = {name for each in results for name in each["components"]} - {WRAPPER}
    sizes = {name: max(_count(each, name) for each in results) for name in names}
    return sorted((name for name, size in sizes.items() if size), key=lambda name: (-sizes[name], name))


def _count(result: dict[str, Any], component: str) -> int:
    """Look-up tables of all its instances, with those that small memories take."""
    entry = result["components"].get(component, {})
    return FPGAS[result["target"]].luts(entry) * int(entry.get("instances", 0))


def _luts(result: dict[str, Any], component: str) -> str:
    return f"{_count(result, component):,}" if component in result["components"] else ""


def _worst(result: dict[str, Any], paths: int) -> list[tuple[str, dict[str, Any]]]:
    """The longest path into each component, the longest first, in the run with the median clock."""
    run = next(each for each in result["runs"] if each["fmax_mhz"] == result["fmax_mhz"]["median"])
    return sorted(run["worst"].items(), key=lambda item: -item[1]["ns"])[:paths]
