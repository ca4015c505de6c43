"""Sampling controller: one batch at a time, from its request to its draws."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from amper.config import AmperConfig
from amper_hw.payload import (
    BAD_BATCH,
    FALLBACK,
    NO_VALID_ROW,
    OK,
    draw_signature,
    key_layout,
    request_layout,
)


class Controller(wiring.Component):
    """Orders the parts: accept, wait for an exact Vmax, search, count, draw.

    A search is a stream transaction with its own latency: the controller only hands keys on, and goes on when the row
    array reports |CSP| after the last one. So an array that takes several cycles a search changes nothing here.

    Parameters
    ----------
    config : the configuration.

    Members
    -------
    request : In stream of ``request_layout``; ready while idle. open : Out, writes may enter the row array.
    vmax_exact, occupied : In, from the Vmax unit.
    start_keys : Out, one cycle: make this batch's keys. key : In stream, those keys.
    search : Out stream of keys for the row array. count : In {valid, rows}, |CSP| after the last search.
    draw : Out {valid, batch, csp_size, status}, one cycle. draw_idle : In.
    csp_size : Out, |CSP| of the latest batch, 0 after one that fell back.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        super().__init__(
            {
                "request": In(stream.Signature(request_layout(config))),
                "open": Out(1),
                "vmax_exact": In(1),
                "occupied": In(1),
                "start_keys": Out(1),
                "key": In(stream.Signature(key_layout(config))),
                "search": Out(stream.Signature(key_layout(config))),
                "count": In(wiring.Signature({"valid": Out(1), "rows": Out(config.count_width)})),
                "draw": Out(draw_signature(config)),
                "draw_idle": In(1),
                "csp_size": Out(config.count_width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        batch = Signal(self._config.batch_width, reset_less=True)
        fallback = Signal()
        search, draw = self.search.payload, self.draw
        m.d.comb += [
            search.eq(self.key.payload),
            draw.batch.eq(batch),
            draw.csp_size.eq(self.count.rows),
        ]
        with m.FSM(name="state"):
            with m.State("IDLE"):
                m.d.comb += [self.open.eq(1), self.request.ready.eq(1)]
                m.d.sync += fallback.eq(0)
                with m.If(self.request.valid):
                    m.d.sync += batch.eq(self.request.payload.batch)
                    m.next = "PREPARE"
            with m.State("PREPARE"):
                illegal = batch == 0
                if self._config.batch < (1 << self._config.batch_width) - 1:  # else no field value is above b
                    illegal = illegal | (batch > self._config.batch)
                with m.If(illegal | (self.vmax_exact & ~self.occupied)):
                    m.d.comb += [draw.valid.eq(1), draw.status.eq(Mux(illegal, BAD_BATCH, NO_VALID_ROW))]
                    m.next = "DRAW"
                with m.Elif(self.vmax_exact):
                    m.d.comb += self.start_keys.eq(1)
                    m.next = "SEARCH"
            with m.State("SEARCH"):
                m.d.comb += [self.search.valid.eq(self.key.valid), self.key.ready.eq(self.search.ready)]
                with m.If(self.count.valid):
                    m.d.sync += self.csp_size.eq(Mux(fallback, 0, self.count.rows))
                    with m.If((self.count.rows == 0) & ~fallback):
                        m.next = "FALLBACK"
                    with m.Else():
                        m.d.comb += [draw.valid.eq(1), draw.status.eq(Mux(fallback, FALLBACK, OK))]
                        m.next = "DRAW"
            with m.State("FALLBACK"):
                # A search with a mask of zeros matches every valid row.
                every_row = key_layout(self._config).const({"first": 1, "last": 1})
                m.d.comb += [self.search.valid.eq(1), search.eq(every_row)]
                m.d.sync += fallback.eq(1)
                with m.If(self.search.ready):
                    m.next = "SEARCH"
            with m.State("DRAW"):
                with m.If(self.draw_idle):
                    m.next = "IDLE"
        return m
