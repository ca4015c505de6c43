"""Expressions of RTLIL's cells and of simple processes, with what a constant decides left out."""

from __future__ import annotations

from dataclasses import dataclass

from amper_hw.output.rtlil import Assign, Bits, Statement, Switch

_NAMES = {"not": "not", "reduce_or": "any", "reduce_bool": "any", "reduce_and": "all", "reduce_xor": "parity"}
_SIDES = frozenset(("and", "or", "xor", "add", "sub", "mul"))
#: Operators whose low bits depend on the operands' low bits alone.
MODULAR = _SIDES | {"not", "choose"}
_COMPARISONS = frozenset(("eq", "ne", "lt", "le", "gt", "ge"))


@dataclass
class Operator:
    """An expression of ``width`` bits. The operands of "choose" are condition, value, condition, value, ..., value."""

    kind: str
    operands: list[Bits]
    width: int
    signed: bool = False


def operator_of(kind: str, ports: dict[str, Bits], parameters: dict[str, str], width: int) -> Operator | Bits:
    """An operator, or the bits that it comes down to."""
    if kind == "mux":
        if ports["A"] == ports["B"]:
            return ports["A"]
        return Operator("choose", [ports["S"], ports["B"], ports["A"]], width)
    first, signed = ports["A"], parameters.get("A_SIGNED") == "1"
    if kind in _NAMES:
        if kind != "not" and first.width == 1:
            return first.extended(width)
        if kind == "not" and (value := first.extended(width, signed).value) is not None:
            return Bits.constant(value ^ (1 << width) - 1, width)
        return Operator(_NAMES[kind], [first.extended(width, signed) if kind == "not" else first], width)
    if kind == "neg":
        return Operator("sub", [Bits.constant(0, width), first.extended(width, signed)], width)
    second = ports["B"]
    if kind in ("shl", "shr", "sshr"):
        amount = second.value
        first = first.extended(width if kind == "shl" else max(first.width, width), signed)
        if amount is not None:
            return _shifted(first, amount if kind == "shl" else -amount, width, signed)
        return Operator(kind, [first, second], first.width)
    if kind in _SIDES:
        operands = [first.extended(width, signed), second.extended(width, signed)]
        if kind in ("and", "or") and operands[0] == operands[1]:
            return operands[0]
        return _with_constant(kind, *operands) or Operator(kind, operands, width)
    if kind not in _COMPARISONS:
        raise ValueError(f"an operator that has no Verilog here: ${kind}")
    return _comparison(kind, first, second, signed)


def _with_constant(kind: str, first: Bits, second: Bits) -> Bits | None:
    """What is left of an operation with a constant that changes nothing, or that alone decides."""
    nothing = {"and": -1, "or": 0, "xor": 0, "add": 0}.get(kind)
    for bits, other in ((first, second), (second, first)):
        if nothing is not None and bits.value == nothing & (1 << bits.width) - 1:
            return other
        if kind == "and" and bits.value == 0:
            return bits
    return None


def _shifted(bits: Bits, amount: int, width: int, signed: bool) -> Bits:
    """To the left, or, with a negative amount, to the right."""
    if amount < 0:
        kept = max(int(signed), bits.width + amount)
        return bits.part(bits.width - kept, kept).extended(width, signed)
    return Bits([*Bits.constant(0, amount), *bits]).extended(width)


def _comparison(kind: str, first: Bits, second: Bits, signed: bool) -> Operator | Bits:
    width = max(first.width, second.width, 1)
    first, second = first.extended(width, signed), second.extended(width, signed)
    if second.value == 0 and signed and kind in ("ge", "lt"):
        sign = first.part(width - 1, 1)
        return sign if kind == "lt" else Operator("not", [sign], 1)
    if width == 1 and kind in ("eq", "ne") and second.value is not None:
        return first if (kind == "eq") == bool(second.value) else Operator("not", [first], 1)
    return Operator(kind, [first, second], 1, signed)


def narrowed(operator: Operator, width: int) -> list[Bits]:
    """The operands for the low ``width`` bits; conditions stay as they are."""
    choice = operator.kind == "choose"
    last = len(operator.operands) - 1
    return [
        bits if choice and place % 2 == 0 and place < last else bits.part(0, width)
        for place, bits in enumerate(operator.operands)
    ]


def one_default(block: list[Statement]) -> list[Statement]:
    """The assignments at the beginning as one: what is assigned last counts."""
    first, rest = block[0], block[1:]
    if not isinstance(first, Assign):
        raise ValueError("a process does not begin with a default")
    base, value = first.target[0].low, first.value
    while rest and isinstance(part := rest[0], Assign):
        del rest[0]
        low, width = part.target[0].low - base, part.target.width
        value = Bits([*value.part(0, low), *part.value, *value.part(low + width, value.width - low - width)])
    return [Assign(first.target, value), *rest]


def as_choice(block: list[Statement]) -> Operator | None:
    """A process of one default and up to three conditions in a row, as an expression."""
    if len(block) != 2:
        return None
    default, switch = block
    if not isinstance(default, Assign) or not isinstance(switch, Switch) or len(switch.cases) > 3:
        return None
    operands, last = [], default.value
    for fits, body in switch.cases:
        whole = body[0].value if len(body) == 1 and isinstance(body[0], Assign) else None
        if len(fits) != 1 or whole is None or whole.width != last.width:
            return None
        places = [place for place, bit in enumerate(reversed(fits[0])) if bit != "-"]
        if len(places) != 1:
            return None
        bit = switch.test.part(places[0], 1)
        if "1" in fits[0]:
            operands += [bit, whole]
        elif len(switch.cases) == 1:
            operands, last = [bit, last], whole
        elif fits is switch.cases[-1][0] and operands and operands[-2] == bit:
            last = whole  # 0 where the case before is 1
        else:
            return None
    return Operator("choose", [*operands, last], last.width)


def possible(switch: Switch) -> list[Statement]:
    """A switch without what constant bits of its test rule out; of one that they decide, what is then done."""
    bits = [switch.test.part(place, 1).value for place in reversed(range(switch.test.width))]
    cases: list[tuple[tuple[str, ...], list[Statement]]] = []
    for fits, body in switch.cases:
        left = [
            pattern
            for pattern in fits
            if all(bit is None or want in ("-", str(bit)) for want, bit in zip(pattern, bits, strict=True))
        ]
        if fits and not left:
            continue
        certain = not fits or any(
            all(want == "-" or bit is not None for want, bit in zip(pattern, bits, strict=True)) for pattern in left
        )
        cases.append(((), body) if certain else (tuple(left), body))
        if certain:
            break
    if cases and not cases[0][0]:
        return cases[0][1]
    return [Switch(switch.test, cases)] if cases else []
