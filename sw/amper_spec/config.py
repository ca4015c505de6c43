"""``AmperConfig``: the parameters of the algorithm and of the build as one, to and from files."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amper_spec.algorithm import (
    AMPER_VARIANTS,
    COEFFICIENT_WIDTH,
    DRAW_RANDOM_WIDTH,
    RADIUS_WIDTH,
    RANDOM_WIDTH,
    SCALE_FRACTION_WIDTH,
    VARIANTS,
    Algorithm,
    Variant,
)
from amper_spec.build import BUSES, PIPELINES, Build
from amper_spec.declare import declarations, documented, word
from amper_spec.presets import preset_values

__all__ = [
    "AMPER_VARIANTS",
    "BUSES",
    "COEFFICIENT_WIDTH",
    "DRAW_RANDOM_WIDTH",
    "PIPELINES",
    "RADIUS_WIDTH",
    "RANDOM_WIDTH",
    "SCALE_FRACTION_WIDTH",
    "VARIANTS",
    "Algorithm",
    "AmperConfig",
    "Build",
    "Variant",
]


@documented
@dataclass(frozen=True, kw_only=True)
class AmperConfig(Build, Algorithm):
    """A sampler, in hardware or software: what ``Algorithm`` and ``Build`` have, of which the latter changes no index.

    Parameters
    ----------
    {parameters}

    Raises
    ------
    TypeError : a value of the wrong kind. ValueError : a value out of its range.
    """

    @property
    def range_match(self) -> bool:
        """Whether the RTL's match lines compare with a range; else, with a ternary key."""
        return "fr" in self.variants or "k" in self.variants

    @property
    def algorithm(self) -> Algorithm:
        """The part that decides every index: equal in two configurations that draw the same rows."""
        return Algorithm(**{name: getattr(self, name) for name in declarations(Algorithm)})

    def to_dict(self) -> dict[str, Any]:
        """The parameters by name, in the order of files."""
        values = {name: getattr(self, name) for name in declarations(AmperConfig)}
        return {**values, "variants": list(self.variants)}  # a list: what TOML and JSON read back

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> AmperConfig:
        """The configuration of named ``values``. TypeError : no mapping. ValueError : an unknown or missing name."""
        if not isinstance(values, Mapping):
            raise TypeError(f"values must be a mapping, not {values!r}")
        known = declarations(cls)
        for name in values:
            if name not in known:
                raise ValueError(f"{name!r} is not a parameter; the parameters are {', '.join(known)}")
        for name, each in known.items():
            if each.required and name not in values:
                raise ValueError(f"{name} must be given: it has no default")
        return cls(**values)

    def given(self) -> dict[str, Any]:
        """The fewest parameters that make this configuration: what is the default, or follows, is left out."""
        values = self.to_dict()
        for name in reversed(tuple(values)):  # what follows from others comes behind them
            rest = {other: value for other, value in values.items() if other != name}
            try:
                if AmperConfig.from_dict(rest) == self:
                    values = rest
            except ValueError:
                pass  # it is needed
        return values

    def changed(self, **changes: Any) -> AmperConfig:
        """With ``changes``; what follows from other parameters follows anew, unlike in ``dataclasses.replace``.

        So a native sampler that gets a bus has the registers that it would have had with it from the start.
        TypeError, ValueError : as the constructor.
        """
        return AmperConfig.from_dict(self.given() | changes)

    def options(self, **rename: str) -> list[str]:
        """The words of a command line that make this configuration; ``rename`` as of the command."""
        words = []
        for name, value in self.given().items():
            option = rename.get(name, name).replace("_", "-")
            if isinstance(value, bool):
                words.append(f"--{option}" if value else f"--no-{option}")
            else:
                words += [f"--{option}", word(value)]
        return words

    def save(self, path: str | Path) -> None:
        """Write a TOML file, one line a parameter."""
        # JSON's strings and numbers are TOML's too, and the table is flat: no TOML writer is needed.
        lines = [f"{name} = {json.dumps(value)}\n" for name, value in self.to_dict().items()]
        Path(path).write_text("".join(lines), encoding="utf-8")

    @classmethod
    def preset(cls, name: str, **changes: Any) -> AmperConfig:
        """A named configuration, with ``changes``; TypeError, ValueError : no such name, or as the constructor."""
        return cls.from_dict(preset_values(name) | changes)

    @staticmethod
    def read(path: str | Path) -> dict[str, Any]:
        """The parameters that a TOML file names, not yet checked. OSError: unreadable. ValueError: not TOML."""
        try:
            return tomllib.loads(Path(path).read_bytes().decode("utf-8"))
        except ValueError as error:
            raise ValueError(f"{path}: not a TOML file: {error}") from error

    @classmethod
    def load(cls, path: str | Path) -> AmperConfig:
        """Read a TOML file that ``save`` or a person wrote.

        Raises
        ------
        OSError : the file cannot be read. ValueError, TypeError : it is not TOML, or a value is not legal; the message
        begins with the path.
        """
        values = cls.read(path)
        try:
            return cls.from_dict(values)
        except (ValueError, TypeError) as error:
            raise type(error)(f"{path}: {error}") from error
