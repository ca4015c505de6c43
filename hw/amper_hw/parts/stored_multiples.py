"""A multiplier for an operand that seldom changes: its multiples are stored, and the other one's digits choose.

Latency: 2 cycles. Page: docs/hardware/exact.md.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base.bits import Row, carry_save, carry_save_sum
from amper_hw.base.pipeline import held
from amper_hw.parts.multiplier import ROWS_BETWEEN

DIGIT = 3  # bits of a digit
_ODD = range(3, 1 << DIGIT, 2)  # stored; 1 is the operand itself, and an even multiple is another one shifted


def odd_multiples_layout(width: int) -> data.StructLayout:
    """3, 5 and 7 times an operand of ``width`` bits."""
    most = (1 << width) - 1
    return data.StructLayout({f"times_{factor}": (factor * most).bit_length() for factor in _ODD})


def odd_multiples(m: Module, operand: Value) -> Value:
    """3, 5 and 7 times ``operand``, a cycle later."""
    stored = Signal(odd_multiples_layout(len(operand)), name="odd_multiples", reset_less=True)
    m.d.sync += [
        stored.times_3.eq(operand + (operand << 1)),
        stored.times_5.eq(operand + (operand << 2)),
        stored.times_7.eq((operand << 3) - operand),
    ]
    value: Value = stored.as_value()
    return value


class StoredMultiplier(wiring.Component):
    """product = digits * operand.

    Latency 2 cycles in which ``enable`` is 1, one product a cycle. Not reset: qualify with a valid bit. A digit of
    three bits chooses one of eight multiples, so that ``PipelinedMultiplier``'s carry-save sum has a third of its rows:
    it is smaller, and the first stage, which ends in the middle of the sum, is a level of full adders shorter.

    Parameters
    ----------
    digits_width, operand_width : bits.

    Members
    -------
    enable, digits : In. operand, odd : In, ``odd_multiples`` of the operand; both stable meanwhile. product : Out.
    """

    def __init__(self, *, digits_width: int, operand_width: int) -> None:
        super().__init__(
            {
                "enable": In(1),
                "digits": In(digits_width),
                "operand": In(operand_width),
                "odd": In(odd_multiples_layout(operand_width)),
                "product": Out(digits_width + operand_width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        width = len(self.product)
        rows: list[Row] = []
        for low in range(0, len(self.digits), DIGIT):
            digit = self.digits[low : low + DIGIT]
            rows.append(Row(_chosen(digit, self._multiples(len(digit))), low))
        rows = carry_save(m, rows, ROWS_BETWEEN, "sum", width)
        rows = [Row(held(m, self.enable, row.bits, f"row_{index}"), row.low) for index, row in enumerate(rows)]
        result = carry_save_sum(m, rows, "end", width)
        m.d.comb += self.product.eq(held(m, self.enable, result, "result"))
        return m

    def _multiples(self, digit_width: int) -> list[Value]:
        """0 times to 2^digit_width - 1 times the operand, each as wide as it can be."""
        most = (1 << len(self.operand)) - 1
        odd = {1: self.operand, **{factor: self.odd[f"times_{factor}"] for factor in _ODD}}
        found: list[Value] = [Const(0, 1)]
        for factor in range(1, 1 << digit_width):
            shift = (factor & -factor).bit_length() - 1
            found.append(Cat(Const(0, shift), odd[factor >> shift])[: (factor * most).bit_length()])
        return found


def _chosen(digit: Value, multiples: list[Value]) -> Value:
    """The one that the digit names: a tree of multiplexers, the lowest bit first."""
    for bit in range(len(digit)):
        multiples = [Mux(digit[bit], odd, even) for even, odd in zip(multiples[::2], multiples[1::2], strict=True)]
    return multiples[0]
