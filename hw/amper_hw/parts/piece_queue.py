"""A queue in pieces of as many words as an FPGA's small memories have, so that it becomes LUT RAM and no block RAM.

Latency: 1 cycle from ``w_en`` to ``r_rdy``. Page: docs/hardware/tree.md.
"""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from amper_hw.base.bits import any_of

PIECE = 16  # words


class PieceQueue(wiring.Component):
    """Values in their order, as Amaranth's ``SyncFIFO`` keeps them in one memory.

    A block RAM takes 5.6 ns of an ECP5's cycle to its output, and what comes out of a queue in the cycle of its address
    cannot have the RAM's register; LUT RAM takes 0.5 ns. Synthesis chooses by size, so each memory is small.

    Parameters
    ----------
    width : bits of a value. depth : values that it holds at least; it is rounded up to whole pieces.

    Members
    -------
    w_en, w_data : In, a value comes; never more than ``depth`` may be inside.
    r_rdy, r_data : Out, there is a value. r_en : In, it is taken, if there is one.
    """

    def __init__(self, *, width: int, depth: int) -> None:
        if depth < 1:
            raise ValueError(f"depth must be at least 1, not {depth}")
        self._pieces = -(-depth // PIECE)
        super().__init__({"w_en": In(1), "w_data": In(width), "r_rdy": Out(1), "r_data": Out(width), "r_en": In(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        places = PIECE * self._pieces
        first = Signal(range(places))
        end = Signal(range(places))  # where the first value is, and where the next comes
        level = Signal(range(places + 1))
        taken = self.r_rdy & self.r_en
        with m.If(self.w_en):
            m.d.sync += end.eq(_next(end, places))
        with m.If(taken):
            m.d.sync += first.eq(_next(first, places))
        m.d.sync += level.eq(level + self.w_en - taken)
        m.d.comb += [self.r_rdy.eq(level != 0), self.r_data.eq(any_of(self._pieces_read(m, first, end)))]
        return m

    def _pieces_read(self, m: Module, first: Signal, end: Signal) -> list[Value]:
        """The first value in its piece, 0 in the others."""
        read: list[Value] = []
        for index in range(self._pieces):
            piece: Memory[int, Value] = Memory(shape=len(self.w_data), depth=PIECE, init=[])
            m.submodules[f"piece_{index}"] = piece
            write, look_up = piece.write_port(), piece.read_port(domain="comb")
            here, there = (place[4:] == index if self._pieces > 1 else 1 for place in (end, first))
            m.d.comb += [
                write.en.eq(self.w_en & here),
                write.addr.eq(end[:4]),
                write.data.eq(self.w_data),
                look_up.addr.eq(first[:4]),
            ]
            read.append(Mux(there, look_up.data, 0))
        return read


def _next(place: Signal, places: int) -> Value:
    return place + 1 if places == 1 << len(place) else Mux(place == places - 1, 0, place + 1)
