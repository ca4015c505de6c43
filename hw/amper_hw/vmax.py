"""Vmax: the exact largest valid priority, also after the row that held it was lowered or made invalid."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base.bits import any_of
from amper_hw.base.latency import is_deep, probe_cycles
from amper_hw.base.payload import key_layout, row_write_layout, strobe_signature
from amper_spec.config import AmperConfig


class VmaxUnit(wiring.Component):
    """A running maximum, kept exact by asking the associative memory itself.

    A write at or above the maximum becomes the maximum, and its row is remembered as the one that holds it. A write
    that lowers that row, or any other while the holder is not known, sends a probe along: does a row other than those
    written now still hold the maximum? If none does, the true maximum is searched in the background, bit by bit from
    the top: does a valid row have a 1 here, below the bits found so far? That takes Q probes, one after the other, so
    Q * (``probe_cycles`` + 1) + 1 cycles; a new write starts it again.

    Parameters
    ----------
    config : the configuration.

    Members
    -------
    write : In, W times {valid, payload}: legal writes, in the cycle in which they enter the row array.
    clear : In, every row becomes invalid; only while ``exact``.
    probe : Out {valid, payload}: a search that enters the row array in the same cycle; in a deep pipeline a cycle after
        the write that it follows.
    match_any : In, the row array's answer to what entered it ``any_answer_cycles`` before.
    vmax : Out, Q bits. occupied : Out, some row is valid. exact : Out, both are true of all writes before this cycle.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        write = row_write_layout(config, row_width=config.row_width)
        super().__init__(
            {
                "write": In(strobe_signature(write)).array(config.write_ports),
                "clear": In(1),
                "probe": Out(strobe_signature(key_layout(config))),
                "match_any": In(1),
                "vmax": Out(config.priority_width),
                "occupied": Out(1),
                "exact": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        written = Signal()
        probes = Signal()  # a probe is sent
        lowered = Signal()  # this cycle's writes may have taken the maximum away
        stale = Signal()  # no row holds vmax: it is only an upper bound
        searching = Signal()
        searched = Signal()
        m.d.comb += written.eq(any_of(port.valid for port in self.write))
        raised, top = self._raised(m)
        self._holder(m, raised, top[self._config.priority_width :], lowered, searched, stale)
        answer, outstanding = self._answers(m, probes, forget=raised | (written & searching))
        m.d.comb += self.exact.eq(~stale & ~outstanding)

        found, occupied = self._search(m, probes, stale, outstanding, lowered, searching, searched, answer, written)
        with m.If(answer & ~searching & ~self.match_any):
            m.d.sync += stale.eq(1)
        with m.If(searched):
            m.d.sync += [stale.eq(0), self.vmax.eq(found), self.occupied.eq(occupied)]
        with m.If(raised):
            m.d.sync += [stale.eq(0), self.vmax.eq(top[: self._config.priority_width]), self.occupied.eq(1)]
        with m.If(self.clear):
            m.d.sync += [self.vmax.eq(0), self.occupied.eq(0)]
        return m

    def _raised(self, m: Module) -> tuple[Signal, Value]:
        """(a write of this cycle becomes the maximum, the largest write of this cycle as {priority, row})."""
        lanes: list[Value] = []
        for port in self.write:
            real = port.valid & ~port.payload.invalidate
            lanes.append(Cat(Mux(real, port.payload.priority, 0), port.payload.row, real))
        while len(lanes) > 1:
            lanes = [self._larger(*lanes[index : index + 2]) for index in range(0, len(lanes), 2)]
        top = Signal(len(lanes[0]), name="top")
        raised = Signal()
        m.d.comb += [
            top.eq(lanes[0]),
            raised.eq(top[-1] & (top[: self._config.priority_width] >= self.vmax)),
        ]
        return raised, top[:-1]

    def _larger(self, a: Value, b: Value) -> Value:
        width = self._config.priority_width
        return Mux(b[-1] & (~a[-1] | (b[:width] >= a[:width])), b, a)

    def _holder(
        self, m: Module, raised: Signal, top_row: Value, lowered: Signal, searched: Signal, stale: Signal
    ) -> None:
        """The row that holds the maximum, where it is known; most writes then need no probe."""
        holder = Signal(self._config.row_width, reset_less=True)
        known = Signal(name="holder_known")
        touched = any_of(port.valid & (~known | (port.payload.row == holder)) for port in self.write)
        m.d.comb += lowered.eq(touched & ~raised & self.occupied & ~stale)
        with m.If(raised):
            m.d.sync += [holder.eq(top_row), known.eq(1)]
        with m.Elif(lowered | searched | self.clear):
            m.d.sync += known.eq(0)

    def _answers(self, m: Module, probes: Signal, *, forget: Value) -> tuple[Value, Signal]:
        """(an answer that still counts comes now, such an answer is due later or now)."""
        # One bit for each cycle that a probe may be under way; to forget them is to clear the bits.
        due = Signal(probe_cycles(self._config))
        outstanding = Signal()
        m.d.sync += due.eq(Cat(probes, Mux(forget, 0, due[:-1])))
        m.d.comb += outstanding.eq(due.any())
        return due[-1], outstanding

    def _search(
        self,
        m: Module,
        probes: Signal,
        stale: Signal,
        outstanding: Signal,
        lowered: Signal,
        searching: Signal,
        searched: Signal,
        answer: Value,
        written: Signal,
    ) -> tuple[Signal, Signal]:
        """Probes of the writes and of the search; returns (maximum found, some row is valid) for when ``searched``."""
        width = self._config.priority_width
        found = Signal(width)  # the bits found so far, 0 below
        asked = Signal(width)  # one-hot: the bit asked for
        ask = Signal()
        any_row_due = Signal()  # the first answer, still due, tells whether any row is valid
        occupied = Signal(name="occupied_found")
        found_next = Signal(width)
        mask = Signal(width)
        m.d.comb += [
            found_next.eq(Mux(self.match_any, found | asked, found)),
            mask.eq(Mux(lowered, (1 << width) - 1, ~(asked - 1))),
            probes.eq(lowered),
        ]
        key = self._key(Mux(lowered, self.vmax, found | asked), mask)
        m.d["sync" if is_deep(self._config) else "comb"] += [
            self.probe.valid.eq(probes),
            self.probe.payload.as_value().eq(key),
        ]
        with m.If(searching):
            m.d.comb += probes.eq(ask & ~written)
            m.d.sync += ask.eq(0)
            with m.If(answer & any_row_due):
                m.d.sync += [any_row_due.eq(0), occupied.eq(self.match_any)]
            with m.Elif(answer):
                m.d.sync += [found.eq(found_next), asked.eq(asked >> 1), ask.eq(~asked[0])]
                with m.If(asked[0]):
                    m.d.comb += searched.eq(~written)
                    m.d.sync += searching.eq(0)
            with m.If(written):
                m.d.sync += searching.eq(0)
        with m.Elif(stale & ~outstanding & ~written):
            m.d.comb += [probes.eq(1), mask.eq(0)]
            m.d.sync += [searching.eq(1), found.eq(0), asked.eq(1 << (width - 1)), ask.eq(1), any_row_due.eq(1)]
        return found_next, occupied

    def _key(self, value: Value, mask: Value) -> Value:
        """A probe for the codes that equal ``value`` where ``mask`` is 1, in lane 0."""
        layout = key_layout(self._config)
        codes = {"value": value, "mask": mask, "low": value & mask, "high": (value | ~mask)[: len(value)]}
        # The fields in their order, in one assignment: Verilog's @* never runs for a field that is constant.
        fields = []
        for name, field in layout:
            part = codes.get(name, Const(1 if name in ("valid", "probe") else 0, 1))
            fields.append(Cat(part, Const(0, field.width - len(part))) if field.width > len(part) else part)
        return Cat(*fields)
