"""Arguments that a mutant is equivalent, in ``arguments.toml``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from amper import AmperConfig
from amper_verif.mutants.netlist import Mutant


@dataclass(frozen=True)
class Argument:
    """``module``, ``source``, ``change``, ``register`` : regular expressions of a mutant's whole module, line of
    Verilog, name and register.
    ``variants`` : that a configuration may have built in; any if there are none. ``values`` : that its parameters have.
    ``reason`` : why nothing can differ.
    """

    module: str
    source: str
    reason: str
    change: str = ".*"
    register: str = ".*"
    variants: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)

    def covers(self, mutant: Mutant, config: AmperConfig) -> bool:
        """Whether it speaks of the mutant."""
        said = (
            (self.module, mutant.module),
            (self.source, mutant.source),
            (self.change, mutant.name),
            (self.register, mutant.register),
        )
        return (
            all(re.fullmatch(like, text) for like, text in said)
            and (not self.variants or set(config.variants) <= set(self.variants))
            and all(getattr(config, name) == value for name, value in self.values.items())
        )


def argued(mutant: Mutant, config: AmperConfig) -> str:
    """The reason of the first argument that speaks of the mutant, else nothing."""
    text = files(__package__).joinpath("arguments.toml").read_text(encoding="utf-8")
    arguments = [
        Argument(**one | {"variants": tuple(one.get("variants", ()))}) for one in tomllib.loads(text)["argument"]
    ]
    return next((one.reason for one in arguments if one.covers(mutant, config)), "")
