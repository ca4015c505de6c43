"""``amper prove``: properties of the generated Verilog for every input and for ever."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from amper_cli.arguments import folder, source
from amper_cli.errors import reporting, say
from amper_cli.options import add_configuration, configuration

if TYPE_CHECKING:
    from amper import AmperConfig

DESCRIPTION = """\
Prove properties of the components of the generated Verilog, by induction over time from any power-up state on; or that
every module of its netlist does what the Verilog says. The exit code is 1 if something fails or stays open.
"""

EXAMPLES = """\
examples:
  amper prove
  amper prove --rows 64 --bank-rows 16 --only rank-select
  amper prove --rows 64 --simulate
  amper prove --rows 12 --bank-rows 4 --netlist
  amper prove --rows 12 --bank-rows 4 --netlist --liberty sky130hd_tt.lib.gz
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    parser.add_argument("--only", metavar="NAME", help="this property, not all")
    parser.add_argument(
        "--netlist", action="store_true", help="each module against its netlist, in place of properties"
    )
    parser.add_argument(
        "--simulate",
        action="store_true",
        help="watch the properties, and what their proofs assume, in Verilator, in place of proving them",
    )
    parser.add_argument(
        "--liberty",
        nargs="+",
        type=source,
        default=[],
        metavar="FILE",
        help="with --netlist: of these cells (.gz or not)",
    )
    parser.add_argument("--seconds", type=int, default=300, metavar="S", help="for each step of one (default 300)")
    parser.add_argument("--json", action="store_true", help="print one JSON object in place of a table")
    parser.add_argument("-o", "--output", type=folder, metavar="DIR", default="build/prove", help="default build/prove")
    add_configuration(parser)
    parser.set_defaults(run=run)


@reporting("prove", "synth")
def run(options: argparse.Namespace) -> int:
    """One property after the other, whatever the bus of the configuration."""
    from amper_report.tables import table
    from amper_verif.prove.engine import prove
    from amper_verif.prove.properties import PROPERTIES

    names = [one.name for one in PROPERTIES]
    if options.only is not None and options.only not in names:
        raise ValueError(f"only must be one of {', '.join(names)}, not {options.only}")
    if options.liberty and not options.netlist:
        raise ValueError("liberty needs --netlist")
    if options.seconds < 1:
        raise ValueError(f"seconds must be at least 1, not {options.seconds}")
    if options.simulate and options.netlist:
        raise ValueError("simulate cannot go with netlist")
    config = configuration(options)
    if options.simulate:
        return _watch(config, options)
    if options.netlist:
        return _compare(config, options)
    proofs = [
        prove(one, config, Path(options.output) / one.name, seconds=options.seconds)
        for one in PROPERTIES
        if options.only in (None, one.name)
    ]
    if options.json:
        print(json.dumps([asdict(proof) for proof in proofs], indent=2))
    else:
        rows = [
            [one.name, one.about, one.rows, one.verdict, one.depth, one.reached, f"{one.seconds:.1f}"] for one in proofs
        ]
        print(table(("property", "says", "n", "verdict", "cycles", "its case is reached in", "seconds"), rows))
    return 0 if all(proof.passed for proof in proofs) else 1


def _watch(config: AmperConfig, options: argparse.Namespace) -> int:
    """The properties beside the sampler, in simulation."""
    from amper_report.tables import table
    from amper_verif.prove.watch import groups, watch

    found = [
        watch(its, goals, Path(options.output) / f"watch-{place}")
        for place, (its, goals) in enumerate(groups(config))
        if options.only is None or options.only in [goal.name for goal in goals]
    ]
    if not found:
        raise ValueError(f"only must be a property that can be watched, not {options.only}")
    if options.json:
        print(json.dumps([asdict(one) for one in found], indent=2))
    else:
        rows = [
            [", ".join(one.names), one.rows, one.bus, one.batches, one.compared, one.error or "held"] for one in found
        ]
        print(table(("properties", "n", "bus", "batches", "indices", "verdict"), rows))
    return 0 if all(one.passed for one in found) else 1


def _compare(config: AmperConfig, options: argparse.Namespace) -> int:
    """Each module against its netlist."""
    from amper_report.tables import table
    from amper_synth.liberty.reader import liberty_text
    from amper_verif.prove.netlist import compare_netlist

    found = compare_netlist(
        config,
        Path(options.output) / "netlist",
        liberty=[liberty_text(file) for file in options.liberty],
        seconds=options.seconds,
        say=say,
    )
    if options.json:
        print(json.dumps([asdict(one) for one in found], indent=2))
    else:
        rows = [
            [
                one.module,
                one.points,
                "equal" if one.passed else f"open: {', '.join(one.open_points)}",
                f"{one.seconds:.1f}",
            ]
            for one in found
        ]
        print(table(("module", "bits compared", "verdict", "seconds"), rows))
    return 0 if all(one.passed for one in found) else 1
