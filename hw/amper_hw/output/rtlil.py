"""Amaranth's output as data: modules of wires, cells and processes, read from RTLIL.

RTLIL is the documented text format of Yosys (manual, "RTLIL text representation"); read here is what Amaranth writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass(eq=False)
class Wire:
    """A named vector. ``port`` : "input", "output" or "" for what is inside."""

    name: str
    width: int
    port: str = ""

    @property
    def is_temporary(self) -> bool:
        """Whether Amaranth made the name up."""
        return self.name.startswith("$")


class Chunk(NamedTuple):
    """``width`` bits of a wire from bit ``low`` on, or, without a wire, the constant ``low``."""

    wire: Wire | None
    low: int
    width: int

    def part(self, start: int, width: int) -> Chunk:
        """``width`` of its bits, from its bit ``start`` on."""
        if self.wire is None:
            return Chunk(None, self.low >> start & (1 << width) - 1, width)
        return Chunk(self.wire, self.low + start, width)


class Bits(tuple[Chunk, ...]):
    """Chunks, the lowest first: whatever stands where a value is asked for. No two neighbours could be one chunk."""

    def __new__(cls, chunks: tuple[Chunk, ...] | list[Chunk] = ()) -> Bits:
        """Join neighbours; chunks without bits go."""
        joined: list[Chunk] = []
        for chunk in chunks:
            before = joined[-1] if joined else None
            if not chunk.width:
                continue
            if before and before.wire is chunk.wire is None:
                joined[-1] = Chunk(None, before.low | chunk.low << before.width, before.width + chunk.width)
            elif before and before.wire is chunk.wire and before.low + before.width == chunk.low:
                joined[-1] = Chunk(before.wire, before.low, before.width + chunk.width)
            else:
                joined.append(chunk)
        return super().__new__(cls, joined)

    @classmethod
    def constant(cls, value: int, width: int) -> Bits:
        """``value`` in ``width`` bits."""
        return cls([Chunk(None, value, width)])

    @classmethod
    def of(cls, wire: Wire) -> Bits:
        """All bits of a wire."""
        return cls([Chunk(wire, 0, wire.width)])

    @property
    def width(self) -> int:
        """How many bits."""
        return sum(chunk.width for chunk in self)

    @property
    def whole(self) -> Wire | None:
        """The wire, if these are all bits of one and nothing else."""
        only = self[0] if len(self) == 1 else None
        return only.wire if only and only.wire and only.width == only.wire.width else None

    @property
    def value(self) -> int | None:
        """The number, if it is constant."""
        if not self:
            return 0
        return self[0].low if len(self) == 1 and self[0].wire is None else None

    def part(self, start: int, width: int) -> Bits:
        """``width`` of the bits, from bit ``start`` on."""
        parts = []
        for chunk in self:
            low, high = max(start, 0), min(start + width, chunk.width)
            if low < high:
                parts.append(chunk.part(low, high - low))
            start -= chunk.width
        return Bits(parts)

    def extended(self, width: int, signed: bool = False) -> Bits:
        """In ``width`` bits: cut off, or with zeros or copies of the highest bit."""
        have = self.width
        if width <= have:
            return self.part(0, width)
        high = self.part(have - 1, 1) if signed and have else Bits.constant(0, 1)
        return Bits([*self, *(chunk for _ in range(width - have) for chunk in high)])


@dataclass
class Assign:
    """``target`` takes ``value``."""

    target: Bits
    value: Bits


@dataclass
class Switch:
    """The first case that fits: patterns of 0, 1 and - (either), highest bit first; no pattern fits everything."""

    test: Bits
    cases: list[tuple[tuple[str, ...], list[Statement]]] = field(default_factory=list)


Statement = Assign | Switch


@dataclass
class Cell:
    """An operator, a register, a port of a memory or, if ``kind`` has no $, an instance of a module."""

    kind: str
    label: str
    parameters: dict[str, str] = field(default_factory=dict)
    ports: dict[str, Bits] = field(default_factory=dict)

    def number(self, parameter: str) -> int:
        """A parameter that is a number."""
        return int(self.parameters[parameter])


@dataclass
class RtlilModule:
    """A module; ``memories`` : (width, depth) by name; ``aliases`` : what a wire is only another name of."""

    name: str
    wires: dict[str, Wire] = field(default_factory=dict)
    memories: dict[str, tuple[int, int]] = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)
    processes: list[list[Statement]] = field(default_factory=list)
    aliases: list[tuple[Bits, Bits]] = field(default_factory=list)


_TOKEN = re.compile(r"\{|\}|\[\d+(?::\d+)?\]|[^\s{}]+")


def read_rtlil(text: str) -> list[RtlilModule]:
    """The modules of a text that Amaranth wrote."""
    lines = (line.strip() for line in text.splitlines())
    wanted = (line for line in lines if line and not line.startswith("attribute"))
    return [_module(line.split()[1].lstrip("\\"), wanted) for line in wanted if line.startswith("module ")]


def _module(name: str, lines: Iterator[str]) -> RtlilModule:
    module = RtlilModule(name)
    for line in lines:
        word, *rest = line.split()
        if word == "end":
            return module
        if word == "wire":
            port = next((kind for kind in ("input", "output") if kind in rest[:-1]), "")
            name = _plain(rest[-1]) if port else rest[-1].lstrip("\\")
            wire = Wire(name, int(rest[rest.index("width") + 1]), port)
            module.wires[rest[-1]] = wire
        elif word == "memory":
            module.memories[rest[-1].lstrip("\\")] = (int(rest[1]), int(rest[3]))
        elif word == "cell":
            module.cells.append(_cell(rest, lines, module.wires))
        elif word == "process":
            module.processes.append(_statements(lines, module.wires)[0])
        elif word == "connect":
            module.aliases.append(_pair(line, module.wires))
        else:
            raise ValueError(f"RTLIL has an unknown line: {line}")
    raise ValueError(f"RTLIL ends within module {name}")


def _plain(name: str) -> str:
    """A port's name without what Verilog would have to escape."""
    return re.sub(r"\W+", "_", name).strip("_")


def _cell(words: list[str], lines: Iterator[str], wires: dict[str, Wire]) -> Cell:
    cell = Cell(words[0].lstrip("\\"), words[1].lstrip("\\"))
    for line in lines:
        if line == "end":
            break
        word, name, rest = line.split(maxsplit=2)
        if word == "parameter":
            cell.parameters[name[1:]] = rest.strip('"').replace("\\", "")
        else:
            cell.ports[_plain(name)] = _bits(_TOKEN.findall(rest), wires)
    return cell


def _statements(lines: Iterator[str], wires: dict[str, Wire]) -> tuple[list[Statement], str]:
    """Up to the ``case`` or ``end`` that follows them, and that line."""
    statements: list[Statement] = []
    for line in lines:
        if line.startswith("assign "):
            statements.append(Assign(*_pair(line, wires)))
        elif line.startswith("switch "):
            statements.append(_switch(line, lines, wires))
        else:
            return statements, line
    raise ValueError("RTLIL ends within a process")


def _switch(line: str, lines: Iterator[str], wires: dict[str, Wire]) -> Switch:
    switch = Switch(_bits(_TOKEN.findall(line)[1:], wires))
    line = next(lines)
    while line != "end":
        patterns = tuple(pattern.split("'")[1] for pattern in line.removeprefix("case").replace(",", " ").split())
        body, line = _statements(lines, wires)
        switch.cases.append((patterns, body))
    return switch


def _pair(line: str, wires: dict[str, Wire]) -> tuple[Bits, Bits]:
    """Both values of ``assign A B`` and ``connect A B``: where the first ends shows as soon as one is complete."""
    tokens = _TOKEN.findall(line)[1:]
    end = tokens.index("}") + 1 if tokens[0] == "{" else 2 if tokens[1].startswith("[") else 1
    return _bits(tokens[:end], wires), _bits(tokens[end:], wires)


def _bits(tokens: list[str], wires: dict[str, Wire]) -> Bits:
    chunks: list[Chunk] = []  # RTLIL writes the highest first
    for token in tokens:
        if token[0] == "[":
            high, _, low = token[1:-1].partition(":")
            last = int(low or high)
            chunks[-1] = chunks[-1].part(last, int(high) - last + 1)
        elif token[0] in "\\$":
            chunks.append(Chunk(wires[token], 0, wires[token].width))
        elif token[0] not in "{}":
            width, _, digits = token.partition("'")
            # What may be anything ("x") is 0.
            chunks.append(Chunk(None, int(re.sub(r"[^01]", "0", digits) or "0", 2), int(width)))
    return Bits(chunks[::-1])
