"""``amper presets``: the named configurations and all parameters, as the page docs/hardware/configurations.md."""

from __future__ import annotations

import argparse

from amper_hw.base.latency import batch_cycles
from amper_report.tables import table
from amper_spec.algorithm import Algorithm
from amper_spec.build import Build
from amper_spec.config import AmperConfig
from amper_spec.declare import declarations, word
from amper_spec.presets import PRESETS

_PAGE = """\
# Configurations

Written by `amper presets`. `--preset NAME` gives every command that takes a configuration these values, and
`AmperConfig.preset("NAME")` the library; what a TOML file of `--config` says goes before them, and an option before
both. Everything else has its default.

{presets}

Cycles are those of a batch of b alone, from request to last result.

## Parameters of the algorithm

Every index can depend on these. Those that change "reset" are only numbers that the hardware holds after reset and that
can be changed [while it runs](parameters.md); "software" has no part in the hardware.

{algorithm}

## Parameters of the build

None of these changes an index.

{build}
"""


DESCRIPTION = "Print the named configurations and all parameters, with their ranges and defaults, as Markdown."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none."""
    parser.set_defaults(run=run)


def run(_: argparse.Namespace) -> int:
    """Print the page."""
    print(page(), end="")
    return 0


def page() -> str:
    """What ``docs/hardware/configurations.md`` says."""
    presets = []
    for name, each in PRESETS.items():
        values = ", ".join(f"{key} = {word(value)}" for key, value in each.values.items())
        presets.append([f"`{name}`", each.purpose, values, batch_cycles(AmperConfig.preset(name))])
    return _PAGE.format(
        presets=table(["name", "for", "parameters", "cycles"], presets),
        algorithm=_parameters(Algorithm),
        build=_parameters(Build),
    )


def _parameters(part: type) -> str:
    rows = [
        [f"`{name}`", each.help, each.rule.legal, each.default_word or "must be given", each.changes]
        for name, each in declarations(part).items()
    ]
    return table(["name", "what it is", "legal", "default", "changes"], rows)
