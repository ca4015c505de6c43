"""``amper cycles``: measure the cycles of a batch in simulation."""

from __future__ import annotations

import argparse
import itertools
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from amper_cli.arguments import Different, target
from amper_cli.errors import reporting, say
from amper_cli.options import add_preset, preset_of
from amper_spec.algorithm import ORGANISATIONS
from amper_spec.config import PIPELINES, VARIANTS, AmperConfig
from amper_spec.declare import declarations

DESCRIPTION = """\
Build samplers of several sizes, simulate single batches and batches back to back, and make a table of their cycles
beside what the formula says. The exit code is 1 if a batch takes other than the formula's cycles or differs from the
golden model; 2 on bad input.
"""

EXAMPLES = """\
examples:
  amper cycles --rows 64 --ports 1                    a quick look
  amper cycles --preset fast                          one named configuration
  amper cycles --organisations tree --rows 1000       rows in RAM
  amper cycles --organisations parallel tree -o docs/measurements/cycles.md      the table of the documentation
"""


_DEFAULTS: dict[str, Sequence[Any]] = {
    "rows": (64, 1024),
    "groups": (8, 20),
    "batch": (32, 64),
    "ports": ((1, 1), (4, 4)),
    "pipelines": PIPELINES,
    "variants": VARIANTS,
}
#: What organisation tree has one kind of.
_OF_THE_TREE: dict[str, Sequence[Any]] = {"ports": ((1, 1),), "pipelines": ("deep",), "variants": ("exact",)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    add_preset(parser)
    for name in ("rows", "groups", "batch"):
        known = declarations(AmperConfig)[name]
        shown = f"{known.help} (default {' '.join(map(str, _DEFAULTS[name]))})"
        parser.add_argument(known.option, type=int, action=Different, nargs="+", metavar=known.metavar, help=shown)
    parser.add_argument(
        "--ports",
        type=_ports,
        action=Different,
        nargs="+",
        metavar="PxD",
        help="P and D, searches and draws a cycle; one number for both (default 1 4)",
    )
    parser.add_argument("--pipelines", action=Different, nargs="+", choices=PIPELINES, help="default both")
    parser.add_argument("--variants", action=Different, nargs="+", choices=VARIANTS, help="default all five")
    parser.add_argument(
        "--organisations",
        action=Different,
        nargs="+",
        choices=ORGANISATIONS,
        default=["parallel"],
        help="default parallel; tree: variant exact, one draw a cycle, the deep pipeline, whatever else is asked for",
    )
    parser.add_argument("--sim", choices=("icarus", "verilator"), default="verilator", help="default verilator")
    parser.add_argument(
        "-o", "--output", type=target, metavar="FILE", help="write the table here; default standard output"
    )
    parser.set_defaults(run=run)


@reporting("cycles", "sim")
def run(options: argparse.Namespace) -> int:
    """Measure, with progress on standard error."""
    from amper_verif.cycle_table import Point, page, sweep

    preset = preset_of(options)
    measurements = []
    for organisation in options.organisations:
        axes = _axes(options, organisation)
        sizes = itertools.product(axes["groups"], axes["batch"], axes["variants"])
        # m changes nothing of exact, of which one is measured.
        points = [
            Point(variant, groups, batch)
            for groups, batch, variant in sizes
            if variant != "exact" or groups == axes["groups"][0]
        ]
        measurements += sweep(
            rows=axes["rows"],
            ports=axes["ports"],
            pipelines=axes["pipelines"],
            points=points,
            base=preset | {"organisation": organisation},
            simulator=options.sim,
            say=say,
        )
    text = page(measurements, command=command(options), simulator=options.sim)
    if options.output:
        Path(options.output).write_text(text, encoding="utf-8")
    if not options.output:
        print(text)
    return 0 if all(one.agrees for one in measurements) else 1


def _ports(text: str) -> tuple[int, int]:
    """ "4" or "1x4" as (P, D)."""
    searches, _, draws = text.partition("x")
    return int(searches), int(draws or searches)


def _axes(options: argparse.Namespace, organisation: str | None = None) -> dict[str, Sequence[Any]]:
    """The values of each option, of which ``organisation`` has; of the preset, or the default, where none is given."""
    axes = dict(_DEFAULTS)
    if options.preset is not None:
        config = AmperConfig.preset(options.preset)
        axes = {name: [getattr(config, name)] for name in ("rows", "groups", "batch")}
        axes |= {"ports": [(config.search_ports, config.draw_ports)], "pipelines": [config.pipeline]}
        axes["variants"] = config.variants
    axes = {name: getattr(options, name) or values for name, values in axes.items()}
    if organisation == "tree":  # what it does not have is refused only where nothing else was asked for
        for name, known in _OF_THE_TREE.items():
            axes[name] = [value for value in axes[name] if value in known] or axes[name]
    return axes


def command(options: argparse.Namespace) -> str:
    """The command that measures the same."""
    words = ["amper", "cycles", *(["--preset", options.preset] if options.preset else [])]
    words += ["--organisations", *options.organisations] if options.organisations != ["parallel"] else []
    for name, values in _axes(options).items():
        texts = [f"{p}x{d}" for p, d in values] if name == "ports" else map(str, values)
        words += [f"--{name}", *texts]
    return shlex.join(words)
