"""``amper synth``: what a configuration costs. Each family of targets has a module beside this one."""

from __future__ import annotations

import argparse
from types import ModuleType

from amper_cli.arguments import folder
from amper_cli.errors import reporting
from amper_cli.options import add_configuration, configuration
from amper_cli.synth import asic, fpga, generic

#: Modules with TARGETS, a tuple of names; DEFAULTS, parameters of the configuration where nothing else is said;
#: SUMMARY, lines of the description; EXAMPLES, commands; add_options(parser); run(options, config), which prints and
#: returns the exit code.
FAMILIES: tuple[ModuleType, ...] = (generic, asic, fpga)

_DESCRIPTION = """\
Synthesise the sampler of a configuration.

{summaries}
The Verilog, the scripts and their logs stay in DIR.
"""


DESCRIPTION = _DESCRIPTION.format(summaries="".join(family.SUMMARY for family in FAMILIES))
EXAMPLES = "examples:\n" + "".join(family.EXAMPLES for family in FAMILIES)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    targets = [target for family in FAMILIES for target in family.TARGETS]
    parser.add_argument("--target", choices=targets, required=True, help="what to synthesise for")
    parser.add_argument(
        "-o", "--output", type=folder, metavar="DIR", required=True, help="folder for the files, made if need be"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    for family in FAMILIES:
        family.add_options(parser)
    add_configuration(parser)
    parser.set_defaults(run=run)


@reporting("synth", "synth")
def run(options: argparse.Namespace) -> int:
    """Hand over to the target's family."""
    (family,) = (family for family in FAMILIES if options.target in family.TARGETS)
    config = configuration(options, **family.DEFAULTS)
    code: int = family.run(options, config)
    return code
