"""``amper upsets``: what becomes of a flipped bit, for every register of a sampler."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from amper_cli.arguments import folder
from amper_cli.errors import reporting
from amper_cli.options import add_configuration, configuration

DESCRIPTION = """\
Flip every register bit of a sampler once, at a random cycle of a short program of writes and batches, and tell what
became of it: masked, detected (a status or row_fault said so), hang, or silent (other rows were drawn and nothing was
said). Then pairs of bits of each row. Of organisation tree, every bit of its RAM instead, and pairs in each word;
corrected: something was refused, and then all was right again without a new write. The exit code is 1 if a single flip
in a row, or in the RAM, was silent or hung.
"""

EXAMPLES = """\
examples:
  amper upsets --rows 8 --bank-rows 4 --priority-width 4 --batch 4 --protection parity
  amper upsets --rows 8 --bank-rows 4 --priority-width 4 --batch 4
  amper upsets --organisation tree --rows 8 --priority-width 4 --batch 4 --protection secded --repeats 4
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    parser.add_argument("--doubles", type=int, default=4, metavar="N", help="pairs of bits in each row (default 4)")
    parser.add_argument(
        "--repeats", type=int, default=1, metavar="N", help="of each flip, of organisation tree (default 1)"
    )
    parser.add_argument("--only", default="", metavar="NAME", help="modules, or words, with NAME in their names")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of program and cycles (default 1)")
    parser.add_argument("--json", action="store_true", help="print one JSON object in place of a table")
    parser.add_argument(
        "-o", "--output", type=folder, metavar="DIR", default="build/upsets", help="default build/upsets"
    )
    add_configuration(parser, rename={"seed": "device_seed"})
    parser.set_defaults(run=run)


@reporting("upsets", "sim")
def run(options: argparse.Namespace) -> int:
    """One campaign."""
    from pathlib import Path

    from amper_verif.upsets import by_module, upsets

    config = configuration(options)
    found = upsets(
        config,
        doubles=options.doubles,
        repeats=options.repeats,
        only=options.only,
        seed=options.seed,
        folder=Path(options.output),
        progress=not options.json,
    )
    if options.json:
        print(json.dumps({"configuration": config.to_dict(), "upsets": [asdict(one) for one in found]}, indent=2))
    else:
        print(by_module(found, config))
    tree = config.organisation == "tree"
    missed = [one for one in found if (tree or "row_storage" in one.module) and len(one.bits) == 1]
    return int(any(one.outcome in ("hang", "silent") for one in missed))
