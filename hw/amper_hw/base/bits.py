"""Small combinational helpers on bits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_
from typing import cast

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data


def index_width(count: int) -> int:
    """Bits of an index into ``count`` things; at least 1."""
    return max(1, (count - 1).bit_length())


def population(bits: Value) -> Value:
    """The number of ones, in as many bits as it needs."""
    return total([bits[index] for index in range(len(bits))], most=len(bits))


def total(values: Sequence[Value], *, most: int) -> Value:
    """The sum, which is at most ``most``, in as many bits as that needs; a tree of adders."""
    terms = list(values)
    while len(terms) > 1:
        pairs = zip(terms[::2], terms[1::2], strict=False)
        terms = [first + second for first, second in pairs] + (terms[-1:] if len(terms) % 2 else [])
    return terms[0][: most.bit_length()]


def carry_save(m: Module, values: Sequence[Value], most: int, name: str) -> list[Value]:
    """At most ``most`` values with the same sum, by levels of full adders, three into two: no carry runs."""
    rows = list(values)
    level = 0
    while len(rows) > most:
        whole = len(rows) // 3 * 3
        added = []
        for index in range(0, whole, 3):
            a, b, c = (_of_width(row, max(map(len, rows[index : index + 3]))) for row in rows[index : index + 3])
            ones = Signal(len(a), name=f"{name}_{level}_{index}")
            carry = Signal(len(a), name=f"{name}_carry_{level}_{index}")
            m.d.comb += [ones.eq(a ^ b ^ c), carry.eq((a & b) | (c & (a ^ b)))]
            added += [ones, Cat(Const(0, 1), carry)]
        rows, level = added + rows[whole:], level + 1
    return rows


def carry_save_sum(m: Module, values: Sequence[Value], name: str) -> Value:
    """The sum: one addition, behind full adders."""
    first, *second = carry_save(m, values, 2, name)
    return first + second[0] if second else first


def _of_width(row: Value, width: int) -> Value:
    return Cat(row, Const(0, width - len(row)))


def structure(layout: data.StructLayout, name: str) -> data.View:
    """A signal of a layout; type checkers take what ``Signal`` returns for a plain one."""
    return cast(data.View, Signal(layout, name=name))


def encode(one_hot: Sequence[Value]) -> Value:
    """The index of the only one among ``one_hot``; 0 when there is none."""
    width = index_width(len(one_hot))
    return Cat(Cat(*(hit for index, hit in enumerate(one_hot) if index >> bit & 1)).any() for bit in range(width))


def nth(values: Sequence[Value], index: Value) -> Value:
    """The value of that number, of as many as ``index`` can tell apart."""
    for bit in range(len(index)):
        values = [Mux(index[bit], high, low) for low, high in zip(values[::2], values[1::2], strict=True)]
    return values[0]


def any_of(values: Iterable[Value]) -> Value:
    """The bitwise OR of ``values``, at least one."""
    return reduce(or_, values)


def staged(m: Module, value: Value, name: str, *, on: bool, reset_less: bool = True) -> Signal:
    """``value`` under a name: a register one cycle later if ``on``, else the same cycle.

    A valid bit must not be ``reset_less``.
    """
    stage = Signal(len(value), name=name, reset_less=reset_less and on)
    m.d["sync" if on else "comb"] += stage.eq(value)
    return stage


def delayed(m: Module, value: Value, name: str, cycles: int = 1, *, reset_less: bool = True) -> Value:
    """``value``, ``cycles`` cycles later; a valid bit must not be ``reset_less``."""
    for cycle in range(cycles):
        value = staged(m, value, name if cycles == 1 else f"{name}_{cycle}", on=True, reset_less=reset_less)
    return value
