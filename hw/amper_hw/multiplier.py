"""An unsigned multiplier in two pipeline stages."""

from __future__ import annotations

from amaranth.hdl import Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

# Partial products of this many bits of b: their sum of rows and the sum of the partial products take about the same
# time up to 32 bits of b.
CHUNK_WIDTH = 4


class PipelinedMultiplier(wiring.Component):
    """product = a * b.

    Latency ``LATENCY`` cycles in which ``enable`` is 1, one product a cycle. Not reset: qualify with a valid bit.

    Parameters
    ----------
    a_width, b_width : bits; give the narrower operand as b.
    """

    LATENCY = 2

    def __init__(self, *, a_width: int, b_width: int) -> None:
        self._a_width = a_width
        self._b_width = b_width
        super().__init__({"enable": In(1), "a": In(a_width), "b": In(b_width), "product": Out(a_width + b_width)})

    @property
    def name(self) -> str:
        """A module name that tells the widths."""
        return f"amper_multiplier_{self._a_width}x{self._b_width}"

    def elaborate(self, platform: object) -> Module:
        m = Module()
        total: Value = Const(0, 1)
        for low in range(0, self._b_width, CHUNK_WIDTH):
            chunk = self.b[low : low + CHUNK_WIDTH]
            partial = Signal(self._a_width + len(chunk), name=f"partial_{low}", reset_less=True)
            with m.If(self.enable):
                m.d.sync += partial.eq(self.a * chunk)
            total = total + (partial << low)
        with m.If(self.enable):
            m.d.sync += self.product.eq(total)
        return m
