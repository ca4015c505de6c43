"""Options that several commands share: the configuration."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from amper import AMPER_VARIANTS, AmperConfig
from amper_spec.config import BUSES, PIPELINES, PRIMITIVES, STORAGES


def _names(text: str) -> list[str]:
    """The names of a list with commas."""
    return text.split(",")


_HELP: dict[str, tuple[Callable[[str], Any], str, str]] = {
    "rows": (int, "N", "rows of the associative memory, 1 to 2^20, any value"),
    "priority_width": (int, "Q", "bits of a priority, 4 to 32"),
    "groups": (int, "M", "groups of the priority range, 1 to 256"),
    "batch": (int, "B", "largest batch, 1 to 4096"),
    "variant": (str, "V", f"the active one after reset: {', '.join(AMPER_VARIANTS)}"),
    "radius_scale": (float, "L", "lambda' of the fr variants: about |CSP|/n for uniform priorities"),
    "neighbour_scale": (float, "L", "lambda of variant k"),
    "seed": (int, "S", "of the random streams, 64 bits"),
    "priority_scale": (float, "F", "codes per unit of float priority, for --trace; default 2^(Q // 2)"),
    "bank_rows": (int, "R", "rows of a bank, a power of two; changes no index"),
    "fan_out": (int, "F", "children of a node, a power of two; default 8, or as few as need no more levels"),
    "variants": (_names, "V,V", "variants built in, to choose from at run time; default only the active one"),
    "search_ports": (int, "P", "searches a cycle: 1, 2, 4 or 8"),
    "draw_ports": (int, "D", "draws a cycle: 1, 2, 4 or 8"),
    "write_ports": (int, "W", "writes a cycle: 1, 2, 4 or 8"),
    "pipeline": (str, "X", f"{' for the clock, or '.join(PIPELINES)} for the fewest cycles"),
    "bus": (str, "BUS", f"{', '.join(BUSES)}"),
    "storage": (str, "CELLS", f"of the rows: {' or '.join(STORAGES)}, which are smaller in a cell library"),
    "primitives": (str, "X", f"{PRIMITIVES[0]}, or an FPGA's {PRIMITIVES[1]}: multipliers, small memories"),
}


def add_configuration(parser: argparse.ArgumentParser, *, rename: dict[str, str] | None = None) -> None:
    """Add ``--config`` and one option a parameter; ``rename`` gives a parameter another option name."""
    defaults = {field.name: field.default for field in fields(AmperConfig)}
    group = parser.add_argument_group("configuration", "What is given here goes before what the file says.")
    group.add_argument("--config", metavar="F.toml", help="a TOML file with these parameters, named with underscores")
    for name, (kind, metavar, text) in _HELP.items():
        default = defaults[name]
        shown = f" (default {default})" if isinstance(default, (int, float, str)) else ""
        group.add_argument(
            f"--{(rename or {}).get(name, name).replace('_', '-')}",
            dest=f"config_{name}",
            type=kind,
            metavar=metavar,
            help=text + shown,
        )
    group.add_argument(
        "--result-priority",
        dest="config_result_priority",
        action=argparse.BooleanOptionalAction,
        help="whether results carry the priorities of the drawn rows (default yes); without, writes wait less",
    )


def configuration(options: argparse.Namespace, **defaults: Any) -> AmperConfig:
    """The configuration of the parsed options; ``defaults`` for what neither they nor the file say.

    Raises
    ------
    OSError, ValueError, TypeError : see ``AmperConfig``.
    """
    values = dict(defaults)
    if options.config is not None:
        values.update(AmperConfig.read(options.config))
    given = {name: getattr(options, f"config_{name}") for name in (*_HELP, "result_priority")}
    values.update({name: value for name, value in given.items() if value is not None})
    return AmperConfig.from_dict(values)


def fail(command: str, error: BaseException, code: int = 2) -> int:
    """Print an error the same way everywhere; returns the exit code."""
    print(f"amper {command}: error: {error}", file=sys.stderr)
    return code
