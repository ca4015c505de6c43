"""The commands of ``amper``: name, module and one line of help. A module is loaded only if its command is given."""

from __future__ import annotations

import argparse
from types import ModuleType

#: Each module has DESCRIPTION, if it likes EXAMPLES, and add_arguments(parser), which also sets ``run``: a function of
#: the parsed options that returns the exit code.
COMMANDS: dict[str, tuple[str, str]] = {
    "generate": ("amper_cli.generate", "write the Verilog of a sampler"),
    "verify": ("amper_cli.verification.verify", "simulate it against the golden model"),
    "mutate": ("amper_cli.verification.mutate", "which small changes of the Verilog verify notices"),
    "prove": ("amper_cli.verification.prove", "prove properties of its components"),
    "upsets": ("amper_cli.verification.upsets", "what becomes of a flipped register bit"),
    "signoff": ("amper_cli.verification.signoff", "all of verification, and a page of what passed"),
    "presets": ("amper_cli.presets", "named configurations, all parameters"),
    "cycles": ("amper_cli.cycles", "measure the cycles of a batch"),
    "synth": ("amper_cli.synth.command", "synthesise: area, clock, power; gates and logic depth"),
    "explore": ("amper_cli.explore", "area, clock and batch latency of many configurations, and a predictor of others"),
    "bench": ("amper_cli.bench.command", "measure"),
    "compare": ("amper_cli.compare", "the RTL against software and GPUs"),
    "train": ("amper_cli.train", "train DQN with any of the samplers"),
    "reproduce": ("amper_cli.reproduce", "run the published experiments again"),
    "record": ("amper_cli.record", "record a trace of real priorities from a DQN agent"),
    "demo": ("amper_cli.demo", "generate, lint, verify on real priorities, and make a page of pictures"),
}


def add_command(
    parsers: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str, module: ModuleType
) -> None:
    """Add the command that ``module`` is."""
    parser = parsers.add_parser(
        name,
        help=text,
        description=module.DESCRIPTION,
        epilog=getattr(module, "EXAMPLES", None),
    )
    module.add_arguments(parser)
