"""Options that several commands share: the configuration."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from amper_cli.arguments import source, worded
from amper_spec.config import Algorithm, AmperConfig, Build
from amper_spec.declare import Declaration, declarations
from amper_spec.presets import PRESETS, preset_values


def add_configuration(parser: argparse.ArgumentParser, *, rename: dict[str, str] | None = None) -> None:
    """Add ``--preset``, ``--config`` and one option a parameter; ``rename`` gives a parameter another option name."""
    group = parser.add_argument_group(
        "configuration", "An option goes before the file, and the file before the preset."
    )
    add_preset(group)
    group.add_argument(
        "--config", type=source, metavar="F.toml", help="a TOML file with these parameters, named with underscores"
    )
    add_parts(parser, rename)


def add_parts(parser: argparse.ArgumentParser, rename: Mapping[str, str] | None, *, several: bool = False) -> None:
    """Add the options of the algorithm's parameters and of the build's, each part under its own title."""
    for part, title in ((Algorithm, "the algorithm"), (Build, "the build, which changes no index")):
        group = parser.add_argument_group(f"configuration: {title}")
        add_declared(group, declarations(part).values(), rename=rename, prefix="config_", several=several)


def add_preset(group: argparse._ActionsContainer) -> None:
    """Add ``--preset``."""
    names = ", ".join(PRESETS)
    group.add_argument("--preset", metavar="NAME", help=f"a named configuration: {names}; amper presets shows them")


def add_declared(
    group: argparse._ActionsContainer,
    known: Iterable[Declaration],
    *,
    defaults: object = None,
    rename: Mapping[str, str] | None = None,
    prefix: str = "",
    several: bool = False,
) -> None:
    """Add an option for each parameter, which takes one value or ``several``; a switch of one value is two options.

    Parameters
    ----------
    defaults : has the defaults as members of the same names; None: what is not given is None. rename : other names of
    options. prefix : of the names in the parsed options.
    """
    for each in known:
        option = f"--{(rename or {}).get(each.name, each.name).replace('_', '-')}"
        default = None if defaults is None else getattr(defaults, each.name)
        shown = each if defaults is None else replace(each, default=default)
        named: dict[str, Any] = {"dest": prefix + each.name, "default": default, "help": shown.text.replace("%", "%%")}
        if each.rule.kind is bool and not several:
            named["action"] = argparse.BooleanOptionalAction
        else:
            kind = each.rule.kind if each.rule.kind in (int, float) else worded(each.rule.read)
            named |= {"type": kind, "nargs": "+" if several else None, "metavar": each.metavar}
        group.add_argument(option, **named)


def given(options: argparse.Namespace) -> dict[str, Any]:
    """The parameters that the parsed options name."""
    values = {name: getattr(options, f"config_{name}") for name in declarations(AmperConfig)}
    return {name: value for name, value in values.items() if value is not None}


def configuration(options: argparse.Namespace, **defaults: Any) -> AmperConfig:
    """The configuration of the parsed options; ``defaults`` for what neither they nor file and preset say.

    Raises
    ------
    OSError, ValueError, TypeError : see ``AmperConfig``.
    """
    return AmperConfig.from_dict(values_of(options, **defaults))


def values_of(options: argparse.Namespace, **defaults: Any) -> dict[str, Any]:
    """The parameters that ``configuration`` makes it of, not yet checked."""
    values = defaults | preset_of(options)
    if options.config is not None:
        values.update(AmperConfig.read(options.config))
    return values | given(options)


def preset_of(options: argparse.Namespace) -> dict[str, Any]:
    """The parameters of the preset that the options name, if any; ValueError : there is no such preset."""
    return {} if options.preset is None else preset_values(options.preset)
