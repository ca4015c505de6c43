"""How a parameter of a configuration is declared: once, on its field of a dataclass.

Range checks, defaults, docstrings, TOML, the command line's options, the pages' tables, random configurations and
sweeps are read from the declarations. CONTRIBUTING.md, "Adding a parameter", has an example.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar, Literal, TypeVar

from amper_spec.checks import checked_choice, checked_integer, checked_real

Changes = Literal["build", "reset", "software"]
DERIVED: Any = None  # the default of a parameter whose value then follows from others

_KEY = "declaration"
_known: dict[type, Mapping[str, Declaration]] = {}
_Class = TypeVar("_Class", bound=type)


class Rule(ABC):
    """Which values are legal. ``kind`` : the type of a value."""

    kind: ClassVar[type]

    @property
    @abstractmethod
    def legal(self) -> str:
        """The legal values, for a reader."""

    @abstractmethod
    def check(self, name: str, value: object) -> Any:
        """The value as it is kept; TypeError of the wrong kind, ValueError out of range, both naming ``name``."""

    @abstractmethod
    def read(self, text: str) -> Any:
        """A value from a word of the command line, not yet checked; ValueError if it can be none."""

    @abstractmethod
    def draw(self, chance: random.Random) -> Any:
        """A legal value by chance."""


@dataclass(frozen=True)
class Integer(Rule):
    """From ``low`` to ``high``, both included; if so wanted only powers of two."""

    low: int
    high: int
    power_of_two: bool = False
    kind = int

    @property
    def legal(self) -> str:
        return f"{'a power of two, ' * self.power_of_two}{_short(self.low)} to {_short(self.high)}"

    def check(self, name: str, value: object) -> int:
        number = checked_integer(name, value, self.low, self.high)
        if self.power_of_two and number & (number - 1):
            raise ValueError(f"{name} must be a power of two, not {number}")
        return number

    def read(self, text: str) -> int:
        return int(text)

    def draw(self, chance: random.Random) -> int:
        if self.power_of_two:
            return 1 << chance.randint(self.low.bit_length() - 1, self.high.bit_length() - 1)
        return chance.randint(self.low, self.high)


@dataclass(frozen=True)
class Real(Rule):
    """A finite number; its ``bounds``, in words, depend on other parameters and are checked with them."""

    bounds: str
    kind = float

    @property
    def legal(self) -> str:
        return self.bounds

    def check(self, name: str, value: object) -> float:
        return checked_real(name, value)

    def read(self, text: str) -> float:
        return float(text)

    def draw(self, chance: random.Random) -> float:
        raise ValueError(f"of the real numbers {self.bounds} none is drawn by chance: who wants one says how")


@dataclass(frozen=True)
class Choice(Rule):
    """One of several names."""

    names: tuple[str, ...]
    kind = str

    @property
    def legal(self) -> str:
        return ", ".join(self.names)

    def check(self, name: str, value: object) -> str:
        return checked_choice(name, value, self.names)

    def read(self, text: str) -> str:
        return text

    def draw(self, chance: random.Random) -> str:
        return chance.choice(self.names)


@dataclass(frozen=True)
class Names(Rule):
    """Some of several names; kept once each, in the order of ``names``."""

    names: tuple[str, ...]
    kind = tuple

    @property
    def legal(self) -> str:
        return f"of {', '.join(self.names)}"

    def check(self, name: str, value: object) -> tuple[str, ...]:
        if isinstance(value, str) or not isinstance(value, (list, tuple)):
            raise TypeError(f"{name} must be a list of {name}, not {value!r}")
        given = [checked_choice(name, each, self.names) for each in value]
        return tuple(each for each in self.names if each in given)

    def read(self, text: str) -> tuple[str, ...]:
        return read_names(text)

    def draw(self, chance: random.Random) -> tuple[str, ...]:
        return tuple(chance.sample(self.names, chance.randint(1, len(self.names))))


class Switch(Rule):
    """True or False."""

    kind = bool

    @property
    def legal(self) -> str:
        return "yes or no"

    def check(self, name: str, value: object) -> bool:
        if not isinstance(value, bool):
            raise TypeError(f"{name} must be True or False, not {value!r}")
        return value

    def read(self, text: str) -> bool:
        if text not in ("yes", "no"):
            raise ValueError(f"must be {self.legal}, not {text!r}")
        return text == "yes"

    def draw(self, chance: random.Random) -> bool:
        return chance.random() < 0.5


@dataclass(frozen=True)
class Declaration:
    """All that is known of a parameter.

    Parameters
    ----------
    name : of the field. default : ``MISSING`` if it has none, ``DERIVED`` if it follows from others by ``derive``,
    which ``default_text`` then explains. rule : the legal values. metavar : stands for a value in the command line's
    help. help : what it is, without the legal values and the default. changes : "build", what is built; "reset", only
    numbers that the hardware holds after reset; "software", nothing in hardware. after : the parameter behind which it
    stands in files and tables; "" for the one declared before it.
    """

    name: str
    default: Any
    rule: Rule
    metavar: str
    help: str
    changes: Changes
    derive: Callable[[Any], Any] | None
    default_text: str
    after: str

    @property
    def required(self) -> bool:
        """Whether it has no default."""
        return self.default is MISSING

    @property
    def option(self) -> str:
        """Of the command line."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def default_word(self) -> str:
        """The default, for a reader; "" if there is none."""
        return "" if self.required else self.default_text or word(self.default)

    @property
    def text(self) -> str:
        """What it is, what is legal, and the default."""
        default = f"; default {self.default_word}" if not self.required else ""
        return f"{self.help} ({self.rule.legal}{default})"


def declared(
    rule: Rule,
    metavar: str,
    text: str,
    *,
    changes: Changes = "build",
    derive: Callable[[Any], Any] | None = None,
    default_text: str = "",
    after: str = "",
) -> Mapping[str, Any]:
    """The metadata that declares a field; ``Declaration`` says what is what."""
    known = {"rule": rule, "metavar": metavar, "help": text, "changes": changes}
    return {_KEY: {**known, "derive": derive, "default_text": default_text, "after": after}}


def declarations(cls: type) -> Mapping[str, Declaration]:
    """The parameters of a dataclass by name, in the order of files and tables."""
    if cls not in _known:
        _known[cls] = _read(cls)
    return _known[cls]


def _read(cls: type) -> dict[str, Declaration]:
    order: list[Declaration] = []
    late: list[Declaration] = []
    for field in fields(cls):
        found = Declaration(name=field.name, default=field.default, **field.metadata[_KEY])
        (late if found.after else order).append(found)
    for found in late:
        places = {each.name: place for place, each in enumerate(order)}
        order.insert(places.get(found.after, len(order) - 1) + 1, found)
    return {each.name: each for each in order}


def read_names(text: str) -> tuple[str, ...]:
    """The names of a list with commas; ValueError if one comes twice or has a space around it."""
    found = tuple(text.split(","))
    if len(set(found)) < len(found) or any(name != name.strip() for name in found):
        raise ValueError(f"must be different names with commas between and no spaces, not {text!r}")
    return found


def word(value: Any) -> str:
    """A value as the command line and the tables write it; ``Rule.read`` reads it back."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ",".join(value) if isinstance(value, (list, tuple)) else str(value)


class Declared:
    """Base of frozen dataclasses whose fields are declared parameters: every value is checked by its rule."""

    def __post_init__(self) -> None:
        for name, each in declarations(type(self)).items():
            value = getattr(self, name)
            if value is None and each.derive is not None:
                value = each.derive(self)
            object.__setattr__(self, name, each.rule.check(name, value))  # frozen; this is its constructor


def documented(cls: _Class) -> _Class:
    """Put the text of every parameter where the docstring says ``{parameters}``."""
    lines = [f"{name} : {each.text}." for name, each in declarations(cls).items()]
    cls.__doc__ = (cls.__doc__ or "").replace("{parameters}", "\n    ".join(lines))
    return cls


def _short(number: int) -> str:
    """A power of two from 2^16 on, or one less, as such."""
    for off, suffix in ((0, ""), (1, " - 1")):
        power = (number + off).bit_length() - 1
        if power >= 16 and number + off == 1 << power:
            return f"2^{power}{suffix}"
    return str(number)
