"""Rules of parameters: which values are legal, how one is read from a word, and how one is drawn by chance."""

from __future__ import annotations

import random
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from amper_spec.checks import checked_choice, checked_integer, checked_real
from amper_spec.systemverilog import KEYWORDS


class Rule(ABC):
    """Which values are legal. ``kind`` : the type of a value. ``legal`` : the legal values, for a reader."""

    kind: ClassVar[type]

    @property
    @abstractmethod
    def legal(self) -> str: ...

    @abstractmethod
    def check(self, name: str, value: object) -> Any:
        """The value as it is kept; TypeError of the wrong kind, ValueError out of range, both naming ``name``."""

    def read(self, text: str) -> Any:
        """A value from a word of the command line, not yet checked; ValueError if it can be none."""
        return self.kind(text)

    def draw(self, chance: random.Random) -> Any:
        """A legal value by chance; ValueError where there is no natural way to choose one."""
        raise ValueError(f"of {self.legal} nothing is drawn by chance: who wants one says how")


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


@dataclass(frozen=True)
class Between(Rule):
    """A number from ``low`` to ``high``, both included."""

    low: float
    high: float
    kind = float

    @property
    def legal(self) -> str:
        return f"{self.low:g} to {self.high:g}"

    def check(self, name: str, value: object) -> float:
        number = checked_real(name, value)
        if not self.low <= number <= self.high:
            raise ValueError(f"{name} must be {self.legal}, not {number}")
        return number


@dataclass(frozen=True)
class Text(Rule):
    """A string."""

    kind = str
    legal = "a string"

    def check(self, name: str, value: object) -> str:
        if not isinstance(value, str):
            raise TypeError(f"{name} must be a string, not {value!r}")
        return value


@dataclass(frozen=True)
class Identifier(Rule):
    """A name that Verilog, C and file systems take as it is."""

    kind = str
    legal = "a letter, then letters, digits and single underscores, at most 40, no word of SystemVerilog"

    def check(self, name: str, value: object) -> str:
        if not isinstance(value, str):
            raise TypeError(f"{name} must be a string, not {value!r}")
        if not re.fullmatch(r"[A-Za-z](_?[A-Za-z0-9])*", value) or len(value) > 40 or value in KEYWORDS:
            raise ValueError(f"{name} must be {self.legal}, not {value!r}")
        return value


@dataclass(frozen=True)
class Switch(Rule):
    """True or False."""

    kind = bool
    legal = "yes or no"

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
class Choice(Rule):
    """One of several names."""

    names: tuple[str, ...]
    kind = str

    @property
    def legal(self) -> str:
        return ", ".join(self.names)

    def check(self, name: str, value: object) -> str:
        return checked_choice(name, value, self.names)

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


def read_names(text: str) -> tuple[str, ...]:
    """The names of a list with commas; ValueError if one comes twice or has a space around it."""
    found = tuple(text.split(","))
    if len(set(found)) < len(found) or any(name != name.strip() for name in found):
        raise ValueError(f"must be different names with commas between and no spaces, not {text!r}")
    return found


def _short(number: int) -> str:
    """A power of two from 2^16 on, or one less, as such."""
    for off, suffix in ((0, ""), (1, " - 1")):
        power = (number + off).bit_length() - 1
        if power >= 16 and number + off == 1 << power:
            return f"2^{power}{suffix}"
    return str(number)
