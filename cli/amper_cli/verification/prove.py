"""``amper prove``: properties of the generated Verilog for every input and for ever."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from amper_cli.arguments import folder
from amper_cli.errors import reporting
from amper_cli.options import add_configuration, configuration

DESCRIPTION = """\
Prove properties of the components of the generated Verilog, by induction over time from any power-up state on. The
exit code is 1 if one fails or stays open.
"""

EXAMPLES = """\
examples:
  amper prove
  amper prove --rows 64 --bank-rows 16 --only rank-select
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    parser.add_argument("--only", metavar="NAME", help="this property, not all")
    parser.add_argument("--seconds", type=int, default=300, metavar="S", help="for each step of one (default 300)")
    parser.add_argument("--json", action="store_true", help="print one JSON object in place of a table")
    parser.add_argument("-o", "--output", type=folder, metavar="DIR", default="build/prove", help="default build/prove")
    add_configuration(parser)
    parser.set_defaults(run=run)


@reporting("prove", "synth")
def run(options: argparse.Namespace) -> int:
    """One property after the other, whatever the bus of the configuration."""
    from pathlib import Path

    from amper_report.tables import table
    from amper_verif.prove.engine import prove
    from amper_verif.prove.properties import PROPERTIES

    names = [one.name for one in PROPERTIES]
    if options.only is not None and options.only not in names:
        raise ValueError(f"only must be one of {', '.join(names)}, not {options.only}")
    config = configuration(options)
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
