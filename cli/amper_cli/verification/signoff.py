"""``amper signoff``: all of verification in one run, with a page of what passed."""

from __future__ import annotations

import argparse
import json

from amper_cli.arguments import Different, folder, target
from amper_cli.errors import reporting, say

DESCRIPTION = """\
Run every stage of verification, over presets, shapes and simulators, and write what passed as signoff.json and as one
page. A stage that finished is kept while sources, tools and plan are the same. The exit code is 1 if one failed.
"""

EXAMPLES = """\
examples:
  amper signoff --quick
  amper signoff -o build/signoff
  amper signoff --only prove soak
"""

# Those of amper_verif.signoff, which loads much.
STAGES = ("verify", "prove", "watch", "netlist", "resets", "coverage", "mutate", "soak", "sanitize")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    parser.add_argument("--quick", action="store_true", help="a little of each stage, in minutes")
    parser.add_argument("--only", nargs="+", choices=STAGES, action=Different, default=list(STAGES), help="stages")
    parser.add_argument("--json", action="store_true", help="print signoff.json in place of the page's overview")
    parser.add_argument("--page", type=target, metavar="FILE", help="of the page (default trust.md in the folder)")
    parser.add_argument(
        "-o", "--output", type=folder, metavar="DIR", help="default build/signoff, build/signoff-quick with --quick"
    )
    parser.set_defaults(run=run)


@reporting("signoff", "sim,synth", resumes=True)
def run(options: argparse.Namespace) -> int:
    """The stages, then the page."""
    from pathlib import Path

    from amper_verif.signoff.page import overview, page
    from amper_verif.signoff.plan import FULL, QUICK
    from amper_verif.signoff.signoff import signoff

    output = Path(options.output or ("build/signoff-quick" if options.quick else "build/signoff"))
    found = signoff(QUICK if options.quick else FULL, output, names=options.only, say=say)
    words = f"amper signoff{' --quick' if options.quick else ''}"
    words += f" --only {' '.join(options.only)}" if len(options.only) < len(STAGES) else ""
    file = options.page or output / "trust.md"
    file.write_text(page(found, words), encoding="utf-8")
    print(json.dumps(found, indent=1) if options.json else f"{overview(found)}\n\nwritten: {file}")
    return 0 if found["passed"] else 1
