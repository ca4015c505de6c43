"""Values and operators as Verilog text, every width written out.

Operands have the width of the result, so that no rule of the language about widths has anything left to do.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import groupby

from amper_hw.output.keywords import KEYWORDS
from amper_hw.output.netlist import Netlist, driven_ports
from amper_hw.output.operators import Operator
from amper_hw.output.rtlil import Bits, Chunk, Wire

_SYMBOLS = {
    "and": "&", "or": "|", "xor": "^", "add": "+", "sub": "-", "mul": "*", "shl": "<<", "shr": ">>",
    "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
}  # fmt: skip
_OPPOSITES = {"eq": "ne", "ne": "eq", "lt": "ge", "ge": "lt", "le": "gt", "gt": "le"}
_UNARY = {"not": "~", "any": "|", "all": "&", "parity": "^"}
#: What a wire that Amaranth has no name for is called after, between its operands' names.
_WORDS = {
    "and": "and", "or": "or", "xor": "xor", "add": "plus", "sub": "minus", "mul": "times", "shl": "left",
    "shr": "right", "eq": "is", "ne": "is_not", "lt": "below", "le": "up_to", "gt": "above", "ge": "from",
    "not": "not", "any": "any", "all": "all", "parity": "parity",
}  # fmt: skip
_ALONE = {
    "and": "both", "or": "either", "xor": "odd", "add": "sum", "sub": "difference", "mul": "product", "shl": "shifted",
    "shr": "shifted", "sshr": "shifted", "eq": "equal", "ne": "unequal", "lt": "less", "le": "at_most", "gt": "more",
    "ge": "at_least", "not": "inverse", "any": "any", "all": "all", "parity": "parity", "choose": "choice",
}  # fmt: skip
_LONGEST_NAME, _LONGEST_INSIDE, _LONGEST_CHAIN, _LONGEST_WHOLE = 32, 80, 900, 300


class Expressions:
    """The texts of a netlist's values; ``names`` : what each wire is called."""

    def __init__(self, net: Netlist) -> None:
        self.names: dict[Wire, str] = {}
        self._net = net
        self._taken: set[str] = set()
        for wire in sorted(net.wires, key=lambda wire: (wire.port == "", not re.fullmatch(r"\w+", wire.name))):
            if wire.port or (not wire.is_temporary and net.used.get(wire)):
                self._call(wire, wire.name)
        self._inside: dict[Wire, str] = {}  # texts of wires that stand where they are read
        self._name_sources()
        reads = _reads(net)
        links = _links(net)
        for wire, operator in net.operators.items():
            text = self._operator(operator)
            longest = _LONGEST_CHAIN if wire in links else _LONGEST_INSIDE
            simple = operator.kind == "not" and operator.width == 1 and re.fullmatch(r"~[\w.]+(\[\d+\])?", text)
            if (
                not wire.port
                and wire.is_temporary
                and (simple or (reads.get(wire) == 1 and len(text) <= longest and operator.kind != "sshr"))
            ):
                self._inside[wire] = text
            elif wire not in self.names:
                self._call(wire, self._described(operator))

    def _name_sources(self) -> None:
        """Registers, blocks and what instances and memories give must have a name; most have."""
        net = self._net
        named = [(wire, "block") for wire in net.blocks]
        named += [(chunk.wire, "register") for one in net.registers for chunk in one.target if chunk.wire]
        for cell in [*net.instances, *net.accesses]:
            for port in sorted(driven_ports(cell)):
                label = f"{cell.label if '$' not in cell.label else cell.parameters['MEMID']}_{port.lower()}"
                named += [(chunk.wire, label) for chunk in cell.ports.get(port, ()) if chunk.wire]
        for wire, label in named:
            if wire not in self.names:
                self._call(wire, label)

    def _call(self, wire: Wire, wanted: str) -> None:
        base = re.sub(r"\W+", "_", wanted).strip("_")
        base = f"n{base}" if base[0].isdigit() else base
        name, copies = base, 0
        while name in self._taken or name in KEYWORDS:
            copies += 1
            name = f"{base}_{copies}"
        self._taken.add(name)
        self.names[wire] = name

    def new_name(self, wanted: str) -> str:
        """A name that nothing in the module has."""
        made = Wire(wanted, 1)
        self._call(made, wanted)
        return self.names[made]

    def stands_inside(self, wire: Wire) -> bool:
        """Whether its text stands where it is read, so that it needs no declaration."""
        return wire in self._inside

    def operator(self, wire: Wire) -> str:
        """What drives the wire."""
        return self._operator(self._net.operators[wire])

    def _described(self, operator: Operator) -> str:
        return self._phrase(operator) or _ALONE[operator.kind]

    def _phrase(self, operator: Operator) -> str:
        """An expression in words, if they are few."""
        words = [self._word(bits) for bits in operator.operands]
        if operator.kind not in _WORDS or not all(words):
            return ""
        word = _WORDS[operator.kind]
        name = f"{word}_{words[0]}" if len(words) == 1 else f"{words[0]}_{word}_{words[1]}"
        return name if len(name) <= _LONGEST_NAME else ""

    def _word(self, bits: Bits) -> str:
        """A value in words, if there are some for it; of the path to a part's signal, the signal."""
        if bits.value is not None:
            return str(bits.value)
        chunks = [chunk for chunk in bits if chunk.wire]
        wire = chunks[0].wire if len(chunks) == 1 else None
        if wire is None:
            return ""
        if wire in self._inside:
            return self._phrase(self._net.operators[wire])
        name = self.names.get(wire, "").rpartition("__")[2]
        return f"{name}_{chunks[0].low}" if name and chunks[0].width == 1 < wire.width else name

    # Values.

    def text(self, bits: Bits) -> str:
        """A value."""
        if not bits:
            return "1'd0"
        if len(bits) == 1:
            return self._chunk(bits[0])
        pieces = []
        for chunk, same in groupby(reversed(bits)):
            times = len(list(same))
            pieces.append(self._chunk(chunk) if times == 1 else f"{{{times}{{{self._chunk(chunk)}}}}}")
        return pieces[0] if len(pieces) == 1 else f"{{{', '.join(pieces)}}}"

    def taken_apart(self, target: Bits, value: Bits) -> list[tuple[Bits, Bits]]:
        """A target and its value, a pair for each piece where the whole would fill many lines."""
        if len(value) < 3 or len(target) != 1 or len(self.text(value)) < _LONGEST_WHOLE:
            return [(target, value)]
        pairs, low = [], 0
        for chunk in value:
            pairs.append((target.part(low, chunk.width), Bits([chunk])))
            low += chunk.width
        return pairs

    def condition(self, bits: Bits, value: bool = True) -> str:
        """A bit that is tested, or its inverse."""
        text = self.text(bits)
        if value:
            return text
        if text.startswith("~") and _is_atom(text[1:]):
            return text[1:]
        return f"~{text if _is_atom(text) else f'({text})'}"

    def _chunk(self, chunk: Chunk) -> str:
        wire, low, width = chunk
        if wire is None:
            return constant(low, width)
        if wire in self._inside:
            return self._inside[wire]
        name = self.names[wire]
        if width == wire.width:
            return name
        return f"{name}[{low}]" if width == 1 else f"{name}[{low + width - 1}:{low}]"

    def _operator(self, operator: Operator) -> str:
        kind = operator.kind
        if kind == "choose":
            return self._choice(operator.operands)
        inner = operator.operands[0].whole
        if kind == "not" and inner in self._inside and (opposite := _OPPOSITES.get(self._net.operators[inner].kind)):
            return self._operator(replace(self._net.operators[inner], kind=opposite))
        texts = [self.text(bits) for bits in operator.operands]
        if kind in _UNARY:
            if kind == "not" and re.fullmatch(r"[|&^][^|&^].*", texts[0]) and _is_atom(texts[0][1:]):
                return f"~{texts[0]}"
            if kind == "not" and texts[0].startswith("~") and _is_atom(texts[0][1:]):
                return texts[0][1:]
            return _UNARY[kind] + (texts[0] if _is_atom(texts[0]) else f"({texts[0]})")
        if kind == "sshr":  # signed as the whole right side of an assignment, and nowhere else
            return f"$signed({texts[0]}) >>> {self._operand(texts[1])}"
        if operator.signed and kind in ("lt", "le", "gt", "ge"):
            texts = [f"$signed({text})" for text in texts]
        joined = kind in ("and", "or")
        sides = [text if joined and _is_chain(text, _SYMBOLS[kind]) else self._operand(text) for text in texts]
        return f"{sides[0]} {_SYMBOLS[kind]} {sides[1]}"

    def _operand(self, text: str) -> str:
        return text if _is_atom(text) or re.fullmatch(r"~[\w.]+(\[[\d:]+\])?", text) else f"({text})"

    def _choice(self, operands: list[Bits]) -> str:
        *pairs, default = operands
        text = ""
        for condition, value in zip(pairs[::2], pairs[1::2], strict=True):
            text += f"{self._operand(self.text(condition))} ? {self._branch(value)} : "
        return text + (self._branch(default) if not _is_choice(self.text(default)) else self.text(default))

    def _branch(self, bits: Bits) -> str:
        text = self.text(bits)
        return f"({text})" if _is_choice(text) else text


def constant(value: int, width: int) -> str:
    """A number with its width; from ten bits on as hexadecimal, unless it is small."""
    if width > 1 and value == (1 << width) - 1:
        return f"{{{width}{{1'b1}}}}" if width > 9 else f"{width}'d{value}"
    if width == 1:
        return f"1'b{value}"
    return f"{width}'d{value}" if width < 10 or value < 1000 else f"{width}'h{value:x}"


def _is_atom(text: str) -> bool:
    """A name, a part of one, a number, or braces from end to end."""
    if re.fullmatch(r"[\w.']+(\[[\d:]+\])?|\$signed\([^()]*\)", text):
        return True
    begin = 1 if text.startswith("~(") else 0
    return text[begin : begin + 1] in ("{", "(") and _closes_at(text[begin:]) == len(text) - 1 - begin


def _closes_at(text: str) -> int:
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter in "{(") - (letter in "})")
        if not depth:
            return place
    return -1


def _outside(text: str) -> str:
    """What of it is in no bracket."""
    made, depth = [], 0
    for letter in text:
        depth -= letter in "})]"
        if not depth:
            made.append(letter)
        depth += letter in "{(["
    return "".join(made)


def _is_chain(text: str, symbol: str) -> bool:
    words = _outside(text).split()
    return (
        len(words) > 1
        and all(word == symbol for word in words[1::2])
        and not any(word.startswith(("|", "&")) for word in words[::2])
    )


def _is_choice(text: str) -> bool:
    return "?" in _outside(text)


def _links(net: Netlist) -> set[Wire]:
    """Where a chain of ANDs or ORs goes on in another: long, but of equal terms, so that it reads best as a whole."""
    kinds = {wire: operator.kind for wire, operator in net.operators.items() if operator.kind in ("and", "or")}
    return {
        whole
        for wire, kind in kinds.items()
        for bits in net.operators[wire].operands
        if (whole := bits.whole) and kinds.get(whole) == kind
    }


def _reads(net: Netlist) -> dict[Wire, int]:
    """How often a wire is read; a part of it counts as often as it must have a name."""
    count: dict[Wire, int] = {}
    for bits in net.values():
        for chunk in bits:
            if chunk.wire:
                count[chunk.wire] = count.get(chunk.wire, 0) + (1 if chunk.width == chunk.wire.width else 2)
    return count
