"""``amper cycles``: measure the cycles of a batch in simulation."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from amper import AMPER_VARIANTS
from amper_cli.options import fail
from amper_spec.config import PIPELINES

_DESCRIPTION = """\
Build samplers of several sizes, simulate single batches and batches back to back, and make a table of their cycles
beside what the formula says. The exit code is 1 if a batch takes other than the formula's cycles or differs from the
golden model; 2 on bad input.
"""

_EXAMPLES = """\
examples:
  amper cycles --rows 64 --ports 1                    a quick look
  amper cycles --rows 64 1024 -o docs/measurements/cycles.md       the table of the documentation
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "cycles",
        help="measure the cycles of a batch",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    numbers: list[tuple[str, list[int], str]] = [
        ("rows", [64, 1024], "n, rows"),
        ("groups", [8, 20], "m, groups"),
        ("batch", [32, 64], "b, draws of a batch"),
    ]
    for name, default, text in numbers:
        shown = " ".join(map(str, default))
        parser.add_argument(
            f"--{name}", type=int, nargs="+", default=default, metavar="N", help=f"{text} (default {shown})"
        )
    parser.add_argument(
        "--ports",
        type=_ports,
        nargs="+",
        default=[(1, 1), (4, 4)],
        metavar="PxD",
        help="P and D, searches and draws a cycle; one number for both (default 1 4)",
    )
    parser.add_argument("--pipelines", nargs="+", choices=PIPELINES, default=PIPELINES, help="default both")
    parser.add_argument(
        "--variants", nargs="+", choices=AMPER_VARIANTS, default=AMPER_VARIANTS, help="default all four"
    )
    parser.add_argument("--sim", choices=("icarus", "verilator"), default="verilator", help="default verilator")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the table here; default standard output")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Measure, with progress on standard error."""
    try:
        from amper_verif.cycle_table import Point, page, sweep
        from amper_verif.harness.simulation import SimulationError
    except ImportError as error:
        return fail("cycles", ImportError(f"{error}. Install it by: pip install 'amper[sim]'"))
    points = [
        Point(variant, groups, batch)
        for groups in options.groups
        for batch in options.batch
        for variant in options.variants
    ]
    try:
        measurements = sweep(
            rows=options.rows,
            ports=options.ports,
            pipelines=options.pipelines,
            points=points,
            simulator=options.sim,
            say=lambda text: print(text, file=sys.stderr, flush=True),
        )
        text = page(measurements, command=command(options), simulator=options.sim)
        if options.output:
            Path(options.output).write_text(text, encoding="utf-8")
    except (OSError, ValueError, TypeError) as error:
        return fail("cycles", error)
    except SimulationError as error:
        return fail("cycles", error, code=1)
    if not options.output:
        print(text)
    return 0 if all(one.agrees for one in measurements) else 1


def _ports(text: str) -> tuple[int, int]:
    """ "4" or "1x4" as (P, D)."""
    searches, _, draws = text.partition("x")
    return int(searches), int(draws or searches)


def command(options: argparse.Namespace) -> str:
    """The command that measures the same."""
    words = ["amper", "cycles"]
    for name in ("rows", "groups", "batch", "ports", "pipelines", "variants"):
        values = getattr(options, name)
        texts = [f"{p}x{d}" for p, d in values] if name == "ports" else map(str, values)
        words += [f"--{name}", *texts]
    return shlex.join(words)
