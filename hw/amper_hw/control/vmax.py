"""Vmax: the exact largest valid priority, also after the row that held it was lowered or made invalid.

Latency: 1 cycle where it rises, at most ``latency.settle_cycles`` where it falls. Page: docs/theory/hardware.md.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base.bits import any_of
from amper_hw.base.latency import is_deep, probe_cycles
from amper_hw.base.payload import key_layout, row_write_layout, strobe_signature
from amper_spec.config import AmperConfig


class State:
    """What the parts of the Vmax unit tell each other."""

    def __init__(self, config: AmperConfig) -> None:
        width = config.priority_width
        self.written = Signal()  # some row is written in this cycle
        self.top = Signal(width + config.row_width + 1)  # the largest of them: priority, row, whether there is one
        self.raised = Signal()  # it becomes the maximum
        self.lowered = Signal()  # these writes may have taken the maximum away
        self.stale = Signal()  # no row holds vmax: it is only an upper bound
        self.probes = Signal()  # a probe is sent
        self.due = Signal(probe_cycles(config))  # a bit for each cycle that one may be under way; last: it is answered
        self.outstanding = Signal()  # one is under way whose answer counts
        self.searching = Signal()
        self.searched = Signal()  # the search ends in this cycle, with this maximum, and with whether any row is valid
        self.found_next = Signal(width)
        self.occupied_found = Signal()


class VmaxUnit(wiring.Component):
    """A running maximum, kept exact by asking the associative memory itself.

    A write at or above the maximum becomes the maximum, and its row is remembered as the one that holds it. A write
    that lowers that row, or any other while the holder is not known, sends a probe along: does a row other than those
    written now still hold the maximum? If none does, the true maximum is searched in the background, bit by bit from
    the top: does a valid row have a 1 here, below the bits found so far? That takes Q probes, one after the other; a
    new write starts it again.

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
        state = State(self._config)
        m.d.comb += state.written.eq(any_of(port.valid for port in self.write))
        self._raise(m, state)
        self._holder(m, state)
        self._answers(m, state)
        m.d.comb += self.exact.eq(~state.stale & ~state.outstanding)
        self._search(m, state)
        with m.If(state.due[-1] & ~state.searching & ~self.match_any):
            m.d.sync += state.stale.eq(1)
        with m.If(state.searched):
            m.d.sync += [state.stale.eq(0), self.vmax.eq(state.found_next), self.occupied.eq(state.occupied_found)]
        with m.If(state.raised):
            top = state.top[: self._config.priority_width]
            m.d.sync += [state.stale.eq(0), self.vmax.eq(top), self.occupied.eq(1)]
        with m.If(self.clear):
            m.d.sync += [self.vmax.eq(0), self.occupied.eq(0)]
        return m

    def _raise(self, m: Module, state: State) -> None:
        """The largest write of this cycle, and whether it becomes the maximum."""
        lanes: list[Value] = []
        for port in self.write:
            real = port.valid & ~port.payload.invalidate
            lanes.append(Cat(Mux(real, port.payload.priority, 0), port.payload.row, real))
        while len(lanes) > 1:
            lanes = [self._larger(*lanes[index : index + 2]) for index in range(0, len(lanes), 2)]
        m.d.comb += [
            state.top.eq(lanes[0]),
            state.raised.eq(state.top[-1] & (state.top[: self._config.priority_width] >= self.vmax)),
        ]

    def _larger(self, a: Value, b: Value) -> Value:
        width = self._config.priority_width
        return Mux(b[-1] & (~a[-1] | (b[:width] >= a[:width])), b, a)

    def _holder(self, m: Module, state: State) -> None:
        """The row that holds the maximum, where it is known; most writes then need no probe."""
        holder = Signal(self._config.row_width, reset_less=True)
        known = Signal(name="holder_known")
        touched = any_of(port.valid & (~known | (port.payload.row == holder)) for port in self.write)
        m.d.comb += state.lowered.eq(touched & ~state.raised & self.occupied & ~state.stale)
        with m.If(state.raised):
            m.d.sync += [holder.eq(state.top[self._config.priority_width : -1]), known.eq(1)]
        with m.Elif(state.lowered | state.searched | self.clear):
            m.d.sync += known.eq(0)

    def _answers(self, m: Module, state: State) -> None:
        """Which probes are under way; to forget them is to clear their bits."""
        forget = state.raised | (state.written & state.searching)
        m.d.sync += state.due.eq(Cat(state.probes, Mux(forget, 0, state.due[:-1])))
        m.d.comb += state.outstanding.eq(state.due.any())

    def _search(self, m: Module, state: State) -> None:
        """Probes of the writes and of the search."""
        width = self._config.priority_width
        found = Signal(width)  # the bits found so far, 0 below
        asked = Signal(width)  # one-hot: the bit asked for
        ask = Signal()
        any_row_due = Signal()  # the first answer, still due, tells whether any row is valid
        mask = Signal(width)
        answer = state.due[-1]
        m.d.comb += [
            state.found_next.eq(Mux(self.match_any, found | asked, found)),
            mask.eq(Mux(state.lowered, (1 << width) - 1, ~(asked - 1))),
            state.probes.eq(state.lowered),
        ]
        key = self._key(Mux(state.lowered, self.vmax, found | asked), mask)
        m.d["sync" if is_deep(self._config) else "comb"] += [
            self.probe.valid.eq(state.probes),
            self.probe.payload.as_value().eq(key),
        ]
        with m.If(state.searching):
            m.d.comb += state.probes.eq(ask & ~state.written)
            m.d.sync += ask.eq(0)
            with m.If(answer & any_row_due):
                m.d.sync += [any_row_due.eq(0), state.occupied_found.eq(self.match_any)]
            with m.Elif(answer):
                m.d.sync += [found.eq(state.found_next), asked.eq(asked >> 1), ask.eq(~asked[0])]
                with m.If(asked[0]):
                    m.d.comb += state.searched.eq(~state.written)
                    m.d.sync += state.searching.eq(0)
            with m.If(state.written):
                m.d.sync += state.searching.eq(0)
        with m.Elif(state.stale & ~state.outstanding & ~state.written):
            m.d.comb += [state.probes.eq(1), mask.eq(0)]
            m.d.sync += [state.searching.eq(1), found.eq(0), asked.eq(1 << (width - 1)), ask.eq(1), any_row_due.eq(1)]

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
