"""Two streams into one.

Latency: 0 cycles. Page: docs/hardware/interfaces.md, "AXI".
"""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out


class StreamArbiter(wiring.Component):
    """Passes on the beats of two streams, in turns while both have some; combinational from in to out.

    A beat that was offered stays until it is taken, whatever comes on the other stream.

    Parameters
    ----------
    layout : of the payload.

    Members
    -------
    first, second : In streams. out : Out stream.
    """

    def __init__(self, layout: data.StructLayout) -> None:
        signature = stream.Signature(layout)
        super().__init__({"first": In(signature), "second": In(signature), "out": Out(signature)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        chosen = Signal()  # 0 the first stream, 1 the second
        latest = Signal()  # what was chosen last
        waiting = Signal()  # and was not taken
        m.d.comb += [
            chosen.eq(Mux(waiting, latest, Mux(latest, ~self.first.valid, self.second.valid))),
            self.out.valid.eq(Mux(chosen, self.second.valid, self.first.valid)),
            self.out.payload.eq(Mux(chosen, self.second.payload.as_value(), self.first.payload.as_value())),
            self.first.ready.eq(self.out.ready & ~chosen),
            self.second.ready.eq(self.out.ready & chosen),
        ]
        m.d.sync += waiting.eq(self.out.valid & ~self.out.ready)
        with m.If(self.out.valid):
            m.d.sync += latest.eq(chosen)
        return m
