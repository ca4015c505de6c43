"""``amper synth --target generic``: gates and logic depth."""

from __future__ import annotations

import argparse
import json

from amper_cli.errors import reporting
from amper_spec.config import AmperConfig

TARGETS: tuple[str, ...] = ("generic",)
DEFAULTS: dict[str, str] = {}

SUMMARY = """\
  generic   no target: gates, registers, and the logic depth in gates, of the whole and of each component. It tells how
            the clock scales with a parameter; it is no estimate of a clock in any technology.
"""

EXAMPLES = """\
  amper synth --target generic --rows 256 -o build/synth
  amper synth --target generic --rows 4096 -o build/synth
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """It has none of its own."""


@reporting("synth", "synth")
def run(options: argparse.Namespace, config: AmperConfig) -> int:
    """Synthesise and print."""
    from amper_synth.generic import synthesise

    result = synthesise(config, folder=options.output)
    if options.json:
        print(json.dumps(result.to_dict(), indent=2))
        return 0
    print(result.yosys)
    print(f"{result.cells} gates and registers, {result.registers} of them registers")
    print(f"{result.depth} gates on the longest path between registers; inside the components:")
    for name, depth in sorted(result.depth_by_component.items(), key=lambda item: (-item[1], item[0])):
        print(f"  {depth:3}  {name}")
    return 0
