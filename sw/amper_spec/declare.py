"""How a parameter of a configuration is declared: once, on its field of a dataclass.

Range checks, defaults, docstrings, TOML, the command line's options, the pages' tables, random configurations and
sweeps are read from the declarations. CONTRIBUTING.md, "Adding a parameter", has an example.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Literal, TypeVar

from amper_spec.rules import Rule

Changes = Literal["build", "reset", "software"]
DERIVED: Any = None  # the default of a parameter whose value then follows from others

_KEY = "declaration"
_known: dict[type, Mapping[str, Declaration]] = {}
_Class = TypeVar("_Class", bound=type)


@dataclass(frozen=True)
class Declaration:
    """All that is known of a parameter.

    Parameters
    ----------
    name : of the field. default : ``MISSING`` if it has none, ``DERIVED`` if it follows from others by ``derive``,
    which ``default_text`` then explains; None, without ``derive``, if None is legal. rule : the legal values. metavar
    : stands for a value in the command line's help. help : what it is, without the legal values and the default.
    changes : "build", what is built; "reset", only numbers that the hardware holds after reset; "software", nothing in
    hardware. after : the parameter behind which it stands in files and tables; "" for the one declared before it.
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
        if self.required or (self.default is None and not self.default_text):
            return ""
        return self.default_text or word(self.default)

    @property
    def text(self) -> str:
        """What it is, what is legal, and the default."""
        default = f"; default {self.default_word}" if self.default_word else ""
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


def parameter(default: Any, rule: Rule, metavar: str, text: str, **more: Any) -> Any:
    """A field that is declared and has a default; ``declared`` has the rest."""
    return field(default=default, metadata=declared(rule, metavar, text, **more))


def declarations(cls: type) -> Mapping[str, Declaration]:
    """The parameters of a dataclass by name, in the order of files and tables."""
    if cls not in _known:
        _known[cls] = _read(cls)
    return _known[cls]


def _read(cls: type) -> dict[str, Declaration]:
    order: list[Declaration] = []
    late: list[Declaration] = []
    for each in fields(cls):
        found = Declaration(name=each.name, default=each.default, **each.metadata[_KEY])
        (late if found.after else order).append(found)
    for found in late:
        places = {each.name: place for place, each in enumerate(order)}
        order.insert(places.get(found.after, len(order) - 1) + 1, found)
    return {each.name: each for each in order}


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
            if value is None and each.default is None:
                if each.derive is None:
                    continue
                value = each.derive(self)
            object.__setattr__(self, name, each.rule.check(name, value))  # frozen; this is its constructor


def documented(cls: _Class) -> _Class:
    """Put the text of every parameter where the docstring says ``{parameters}``."""
    lines = [f"{name} : {each.text}." for name, each in declarations(cls).items()]
    cls.__doc__ = (cls.__doc__ or "").replace("{parameters}", "\n    ".join(lines))
    return cls
