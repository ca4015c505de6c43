"""An unsigned division, a bit a cycle.

Latency: ``steps`` + 1 cycles. Page: docs/hardware/parameters.md.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base.bits import index_width


class Divider(wiring.Component):
    """A restoring divider: quotient = (remainder * 2^steps + the top ``steps`` bits of dividend) // divisor.
    Parameters
    ----------
    divisor_width : bits of divisor and remainder. dividend_width : bits of dividend and quotient, the most steps.

    Members
    -------
    start : In, one cycle; not between another start and its ``done``.
    divisor, remainder : In, remainder < divisor, so that the quotient has ``steps`` bits. dividend : In, left-aligned,
        0 below its top ``steps`` bits. steps : In, 1 to dividend_width. All four are taken over at start.
    done : Out, one cycle. quotient : Out, in that cycle and until the next start.
    """

    def __init__(self, *, divisor_width: int, dividend_width: int) -> None:
        self._dividend_width = dividend_width
        super().__init__(
            {
                "start": In(1),
                "divisor": In(divisor_width),
                "remainder": In(divisor_width),
                "dividend": In(dividend_width),
                "steps": In(index_width(dividend_width + 1)),
                "done": Out(1),
                "quotient": Out(dividend_width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        width = len(self.divisor)
        divisor = Signal(width, reset_less=True)
        remainder = Signal(width, reset_less=True)
        shifted = Signal(self._dividend_width, reset_less=True)  # what is left of the dividend above, quotient below
        remaining = Signal(len(self.steps))
        partial = Cat(shifted[-1], remainder)
        difference = Signal(width + 1)
        fits = Signal()
        m.d.comb += [
            fits.eq(partial >= divisor),
            difference.eq(partial - divisor),
            self.quotient.eq(shifted),
        ]
        m.d.sync += self.done.eq(remaining == 1)
        with m.If(remaining != 0):
            m.d.sync += [
                remaining.eq(remaining - 1),
                remainder.eq(Mux(fits, difference, partial)[:width]),
                shifted.eq(Cat(fits, shifted[:-1])),
            ]
        with m.If(self.start):
            m.d.sync += [
                remaining.eq(self.steps),
                divisor.eq(self.divisor),
                remainder.eq(self.remainder),
                shifted.eq(self.dividend),
            ]
        return m
