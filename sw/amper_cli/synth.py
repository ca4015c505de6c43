"""``amper synth``: what a configuration costs."""

from __future__ import annotations

import argparse
import json

from amper_cli.options import add_configuration, configuration, fail

_DESCRIPTION = """\
Synthesise the sampler of a configuration.

  generic   no target: gates, registers, and the logic depth in gates, of the whole and of each component. It tells how
            the clock scales with a parameter; it is no estimate of a clock in any technology.

The Verilog, the script and the log stay in DIR.
"""

_EXAMPLES = """\
examples:
  amper synth --target generic --rows 256 -o build/synth
  amper synth --target generic --rows 4096 -o build/synth
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "synth",
        help="synthesise: gates and logic depth",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--target", choices=("generic",), required=True, help="what to synthesise for")
    parser.add_argument("-o", "--output", metavar="DIR", required=True, help="folder for the files, made if need be")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    add_configuration(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Synthesise and print."""
    try:
        config = configuration(options)
        from amper_synth.generic import SynthesisError, synthesise
    except (OSError, ValueError, TypeError) as error:
        return fail("synth", error)
    except ImportError as error:
        return fail("synth", ImportError(f"{error}. Install it by: pip install 'amper[synth]'"))
    try:
        result = synthesise(config, folder=options.output)
    except OSError as error:
        return fail("synth", error)
    except SynthesisError as error:
        return fail("synth", error, code=1)
    if options.json:
        print(json.dumps(result.to_dict(), indent=2))
        return 0
    print(result.yosys)
    print(f"{result.cells} gates and registers, {result.registers} of them registers")
    print(f"{result.depth} gates on the longest path between registers; inside the components:")
    for name, depth in sorted(result.depth_by_component.items(), key=lambda item: (-item[1], item[0])):
        print(f"  {depth:3}  {name}")
    return 0
