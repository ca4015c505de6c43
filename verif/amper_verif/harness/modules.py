"""The modules in a text of ``amper generate``: ports, one a line, and parts, each beginning with ``module name (``."""

from __future__ import annotations

import re
from typing import NamedTuple

_MODULE = re.compile(r"^module (\w+) \((.*?)^\);.*?^endmodule$", re.MULTILINE | re.DOTALL)
_PORT = re.compile(r"^\s*(input|output)\s+(?:wire|reg)\s*(\[[^\]]+\])?\s*(\w+)", re.MULTILINE)
_PART = re.compile(r"^  (\w+) (\w+) \($", re.MULTILINE)


class Port(NamedTuple):
    """``direction`` : "input" or "output". ``span`` : as written, "[7:0]", or nothing for one bit."""

    direction: str
    span: str
    name: str

    @property
    def width(self) -> int:
        """In bits."""
        return int(self.span.partition(":")[0][1:] or 0) + 1


class Module(NamedTuple):
    """``text`` : from its first word to its last. ``parts`` : the module of each instance."""

    name: str
    text: str
    ports: list[Port]
    parts: dict[str, str]

    @property
    def declared(self) -> str:
        """The ports in the head of a module around it, where every one is a wire."""
        return ", ".join(f"{port.direction} wire {port.span} {port.name}" for port in self.ports)

    @property
    def connected(self) -> str:
        """The ports of an instance, each connected to what has its name."""
        return ", ".join(f".{port.name}({port.name})" for port in self.ports)


def modules_of(verilog: str) -> dict[str, Module]:
    """By name, in the order of the text."""
    found = {}
    for each in _MODULE.finditer(verilog):
        parts = {label: part for part, label in _PART.findall(each[0])}
        found[each[1]] = Module(each[1], each[0], [Port(*port) for port in _PORT.findall(each[2])], parts)
    return found
