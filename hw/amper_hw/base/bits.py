"""Small combinational helpers on bits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Row:
    """``bits`` from bit ``low`` on: a term of a sum, without the zeros below it."""

    bits: Value
    low: int = 0

    @property
    def high(self) -> int:
        """The place behind the last bit."""
        return self.low + len(self.bits)

    def within(self, low: int, high: int) -> Value:
        """Bits ``low`` to ``high`` - 1 of the term."""
        if low < self.low:
            return Cat(Const(0, min(self.low, high) - low), self.within(self.low, max(self.low, high)))
        return Cat(self.bits[low - self.low : high - self.low], Const(0, max(0, high - max(self.high, low))))


def carry_save(m: Module, values: Sequence[Row], most: int, name: str, width: int) -> list[Row]:
    """At most ``most`` terms with the same sum modulo 2^``width``, by levels of full adders, three into two: no carry
    runs."""
    rows = list(values)
    level = 0
    while len(rows) > most:
        whole = len(rows) // 3 * 3
        added: list[Row] = []
        for index in range(0, whole, 3):
            names = (f"{name}_{level}_{index}", f"{name}_carry_{level}_{index}")
            added += _full_adders(m, rows[index : index + 3], names, width)
        rows, level = added + rows[whole:], level + 1
    return rows


def _full_adders(m: Module, rows: Sequence[Row], names: tuple[str, str], width: int) -> list[Row]:
    """Three terms as two, neither with a bit that is always 0; one where no two of them meet."""
    # The two that span most are combined first, so that no bit of what they make is that of the third alone.
    third = min(rows, key=lambda row: -_span([other for other in rows if other is not row]))
    first, second = (row for row in rows if row is not third)
    low, high = min(row.low for row in rows), min(width, max(row.high for row in rows))
    a, b, c = (row.within(low, high) for row in (first, second, third))
    both = a ^ b
    ones = Signal(high - low, name=names[0])
    m.d.comb += ones.eq(both ^ c)
    begin, end = sorted(row.low for row in rows)[1], min(width - 1, sorted(row.high for row in rows)[1])
    if begin >= end:
        return [Row(ones, low)]
    carry = Signal(end - begin, name=names[1])
    meet = slice(begin - low, end - low)
    m.d.comb += carry.eq((a[meet] & b[meet]) | (c[meet] & both[meet]))
    return [Row(ones, low), Row(carry, begin + 1)]


def _span(rows: Sequence[Row]) -> int:
    return max(row.high for row in rows) - min(row.low for row in rows)


def carry_save_sum(m: Module, values: Sequence[Value | Row], name: str, width: int | None = None) -> Value:
    """The sum, modulo 2^``width`` if that is given: one addition, behind full adders."""
    rows = [value if isinstance(value, Row) else Row(value) for value in values]
    most = width or max(row.high for row in rows) + len(rows).bit_length()
    rows = sorted(carry_save(m, rows, 2, name, most), key=lambda row: row.low)
    first, *second = rows
    if not second:
        return first.within(0, first.high)[:width]
    low = second[0].low
    added = first.within(low, max(low, first.high)) + second[0].bits
    return Cat(first.within(0, low), added)[:width]


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
