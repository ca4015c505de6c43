"""A queue that ends in a register, which a value reaches at once where none waits.

Latency: 1 cycle from ``w_en`` to ``r_rdy``. Page: docs/hardware/exact.md.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from amper_hw.parts.piece_queue import PieceQueue


class PassingQueue(wiring.Component):
    """Values in their order.

    Parameters
    ----------
    width : bits of a value. depth : values that it holds, 2 or more. pieces : for an FPGA, in ``PieceQueue``.

    Members
    -------
    w_en, w_data : In, a value comes; never more than ``depth`` may be inside.
    r_rdy, r_data : Out, there is a value, from registers. r_en : In, it is taken, if there is one.
    """

    def __init__(self, *, width: int, depth: int, pieces: bool = False) -> None:
        if depth < 2:
            raise ValueError(f"depth must be at least 2, not {depth}")
        self._depth = depth
        self._pieces = pieces
        super().__init__({"w_en": In(1), "w_data": In(width), "r_rdy": Out(1), "r_data": Out(width), "r_en": In(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        width, depth = len(self.w_data), self._depth - 1
        kind: Any = PieceQueue if self._pieces else SyncFIFO
        m.submodules.behind = behind = kind(width=width, depth=depth)
        free = Signal()  # the register takes something up
        value = Signal(len(self.w_data), reset_less=True)
        m.d.comb += [
            free.eq(~self.r_rdy | self.r_en),
            behind.w_data.eq(self.w_data),
            behind.w_en.eq(self.w_en & ~(free & ~behind.r_rdy)),
            behind.r_en.eq(free),
            self.r_data.eq(value),
        ]
        with m.If(free):
            m.d.sync += [
                self.r_rdy.eq(behind.r_rdy | self.w_en),
                value.eq(Mux(behind.r_rdy, behind.r_data, self.w_data)),
            ]
        return m
