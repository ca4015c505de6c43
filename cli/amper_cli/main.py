"""The command ``amper``."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Collection
from importlib import import_module
from importlib.metadata import version
from typing import Any

from amper_cli.commands import COMMANDS, add_command

_DESCRIPTION = """\
AMPER: prioritized experience replay by an associative memory (arXiv 2207.07791),
as synthesizable RTL with a golden model.
"""

_EXAMPLES = """\
examples:
  amper generate --rows 1024 -o build/amper      Verilog for 1024 rows
  amper verify --rows 257 --sim verilator        simulate it against the golden model
  amper verify --fuzz 20                         the same of 20 random configurations
  amper demo                                     all of it on recorded priorities, with a page of pictures
"""


class _Parser(argparse.ArgumentParser):
    """Shows its text as it is written, and so do the parsers of the commands, which argparse makes of this class."""

    def __init__(self, **named: Any) -> None:
        super().__init__(**{"formatter_class": argparse.RawDescriptionHelpFormatter} | named)


def build_parser(given: Collection[str] = tuple(COMMANDS)) -> argparse.ArgumentParser:
    """The command line, with the options of the commands ``given``; the others are only named, and stay unloaded."""
    parser: argparse.ArgumentParser = _Parser(prog="amper", description=_DESCRIPTION, epilog=_EXAMPLES)
    parser.add_argument("--version", action="version", version=f"amper {version('amper')}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, (module, text) in COMMANDS.items():
        if name in given:
            add_command(subparsers, name, text, import_module(module))
        else:
            subparsers.add_parser(name, help=text)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code: 0 success, 1 failure, 2 bad input, 130 interrupted."""
    if arguments is None:
        # As Ctrl-C, an exception: what waits for a simulator or a tool then ends it. Some of them heed no SIGTERM.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    words = sys.argv[1:] if arguments is None else arguments
    options = build_parser(words[:1]).parse_args(words)
    code: int = options.run(options)
    return code


if __name__ == "__main__":
    sys.exit(main())
