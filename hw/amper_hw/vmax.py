"""Vmax: the exact largest valid priority, also after the row that held it was lowered or made invalid."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from amper.config import AmperConfig
from amper_hw.latency import row_answer_cycles
from amper_hw.payload import key_layout, write_layout


class VmaxUnit(wiring.Component):
    """A running maximum, kept exact by asking the associative memory itself.

    A write at or above the maximum becomes the maximum. With any other write travels a probe that asks whether a row
    other than the written one still holds the maximum. If none does, the true maximum is searched in the background,
    bit by bit from the top: does a valid row have a 1 here, below the bits found so far? That takes Q probes, one
    after the other, so Q * (``row_answer_cycles`` + 1) + 1 cycles; a new write starts it again.

    Parameters
    ----------
    config : the configuration.

    Members
    -------
    write : In {valid, payload}: an accepted, legal write, in the cycle in which it enters the row array.
    probe : Out {valid, payload}: a search that enters the row array in the same cycle.
    match : In {valid, any}: the row array's answer to a probe.
    vmax : Out, Q bits. occupied : Out, some row is valid. exact : Out, both are true of all writes so far.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        super().__init__(
            {
                "write": In(wiring.Signature({"valid": Out(1), "payload": Out(write_layout(config))})),
                "probe": Out(wiring.Signature({"valid": Out(1), "payload": Out(key_layout(config))})),
                "match": In(wiring.Signature({"valid": Out(1), "any": Out(1)})),
                "vmax": Out(config.priority_width),
                "occupied": Out(1),
                "exact": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        raised = Signal()  # this cycle's write becomes the maximum
        lowered = Signal()  # this cycle's write may have taken the maximum away
        stale = Signal()  # no row holds vmax: it is only an upper bound
        searching = Signal()
        searched = Signal()
        answer, outstanding = self._answers(m, forget=raised | (self.write.valid & searching))

        m.d.comb += [
            raised.eq(self.write.valid & ~self.write.payload.invalidate & (self.write.payload.priority >= self.vmax)),
            lowered.eq(self.write.valid & ~raised & self.occupied & ~stale),
            self.exact.eq(~stale & ~outstanding),
        ]
        found, occupied = self._search(m, stale, outstanding, lowered, searching, searched, answer)
        with m.If(answer & ~searching & ~self.match.any):
            m.d.sync += stale.eq(1)
        with m.If(searched):
            m.d.sync += [stale.eq(0), self.vmax.eq(found), self.occupied.eq(occupied)]
        with m.If(raised):
            m.d.sync += [stale.eq(0), self.vmax.eq(self.write.payload.priority), self.occupied.eq(1)]
        return m

    def _answers(self, m: Module, *, forget: Signal) -> tuple[Signal, Signal]:
        """(an answer that still counts comes now, such an answer is due later or now).

        Answers come in order, so the ones to forget are the next so many.
        """
        most = row_answer_cycles(self._config) + 1
        in_flight = Signal(range(most + 1))
        ignored = Signal(range(most + 1))
        remaining = Signal(range(most + 1))  # in flight, without the one asked in this cycle
        answer = Signal()
        outstanding = Signal()
        m.d.comb += [
            remaining.eq(in_flight - self.match.valid),
            answer.eq(self.match.valid & (ignored == 0)),
            outstanding.eq(in_flight != ignored),
        ]
        m.d.sync += in_flight.eq(remaining + self.probe.valid)
        with m.If(forget):
            m.d.sync += ignored.eq(remaining)
        with m.Elif(self.match.valid & (ignored != 0)):
            m.d.sync += ignored.eq(ignored - 1)
        return answer, outstanding

    def _search(
        self,
        m: Module,
        stale: Signal,
        outstanding: Signal,
        lowered: Signal,
        searching: Signal,
        searched: Signal,
        answer: Signal,
    ) -> tuple[Signal, Signal]:
        """Probes of the writes and of the search; returns (maximum found, some row is valid) for when ``searched``."""
        width = self._config.priority_width
        found = Signal(width)  # the bits found so far, 0 below
        asked = Signal(width)  # one-hot: the bit asked for
        ask = Signal()
        any_row_due = Signal()  # the first answer, still due, tells whether any row is valid
        occupied = Signal(name="occupied_found")
        top = 1 << (width - 1)
        found_next = Signal(width)
        mask = Signal(width)
        probe = key_layout(self._config).const({"probe": 1}).as_value()
        m.d.comb += [
            found_next.eq(Mux(self.match.any, found | asked, found)),
            mask.eq(Mux(lowered, (1 << width) - 1, ~(asked - 1))),
            self.probe.valid.eq(lowered),
            # The fields in their order, in one assignment: Verilog's @* never runs for a field that is constant.
            self.probe.payload.as_value().eq(Cat(Mux(lowered, self.vmax, found | asked), mask, probe[2 * width :])),
        ]
        with m.If(searching):
            m.d.comb += self.probe.valid.eq(ask & ~self.write.valid)
            m.d.sync += ask.eq(0)
            with m.If(answer & any_row_due):
                m.d.sync += [any_row_due.eq(0), occupied.eq(self.match.any)]
            with m.Elif(answer):
                m.d.sync += [found.eq(found_next), asked.eq(asked >> 1), ask.eq(~asked[0])]
                with m.If(asked[0]):
                    m.d.comb += searched.eq(~self.write.valid)
                    m.d.sync += searching.eq(0)
            with m.If(self.write.valid):
                m.d.sync += searching.eq(0)
        with m.Elif(stale & ~outstanding & ~self.write.valid):
            m.d.comb += [self.probe.valid.eq(1), mask.eq(0)]
            m.d.sync += [searching.eq(1), found.eq(0), asked.eq(top), ask.eq(1), any_row_due.eq(1)]
        return found_next, occupied
