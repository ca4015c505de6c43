"""Write unit: from beats of W writes to writes of different banks, as many a cycle as there are.

Latency: 1 cycle, and 1 more for each earlier write of the beat to the same bank. Page: docs/theory/hardware.md.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import cast

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base.bits import any_of, structure
from amper_hw.base.payload import lane, row_write_layout, strobe_signature, write_layout
from amper_hw.base.variants import has_candidates, has_exact, has_tree, in_lut_ram
from amper_spec.config import AmperConfig


class WriteUnit(wiring.Component):
    """Takes a beat and sends its writes on; lanes that meet in a bank follow one another, lowest first.

    The next beat waits for the last of them. A row from ``rows`` on is refused, without hindrance to the other lanes.

    Parameters
    ----------
    config : the configuration.

    Members
    -------
    write : In stream of ``write_layout``. open : In, beats may be taken. rows : In, rows in use.
    issue : Out, W times {valid, payload}: the writes of this cycle. idle : Out, none is left after this cycle's beats.
    refused : Out, W bits: the lanes of the beat taken in the cycle before that were refused.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        payload = row_write_layout(config, row_width=config.row_width)
        super().__init__(
            {
                "write": In(stream.Signature(write_layout(config))),
                "open": In(1),
                "rows": In(config.count_width),
                "issue": Out(strobe_signature(payload)).array(config.write_ports),
                "idle": Out(1),
                "refused": Out(config.write_ports),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        ports = self._config.write_ports
        config = self._config
        in_memory = has_tree(config) or in_lut_ram(config)
        # What a clear, which finds no write under way, stores everywhere; not in memories, which clear themselves.
        zero = has_exact(config) and not in_memory
        beat = Signal(write_layout(config), reset_less=not zero)
        pending = Signal(ports)
        rows: list[Value] = [lane(beat.row, index, ports) for index in range(ports)]
        kept_in = self._config.bank_rows - 1
        banks = [row[kept_in.bit_length() :] for row in rows]
        issued = Signal(ports)
        for index in range(ports):
            # A row's bank may have no bits left to compare: then all are in the only bank.
            earlier = [pending[other] & (banks[other] == banks[index]) for other in range(index)]
            m.d.comb += [
                issued[index].eq(pending[index] & ~any_of(earlier) if earlier else pending[index]),
                self.issue[index].valid.eq(issued[index]),
                self.issue[index].payload.row.eq(rows[index]),
                self.issue[index].payload.priority.eq(lane(beat.priority, index, ports)),
            ]
            if has_candidates(self._config):
                m.d.comb += self.issue[index].payload.invalidate.eq(beat.invalidate[index])
        left = Signal(ports)
        taken = Signal()
        offered = self.write.payload.lanes if ports > 1 else 1
        legal = Signal(ports)
        for index in range(ports):
            m.d.comb += legal[index].eq(lane(self.write.payload.row, index, ports) < self.rows)
        m.d.comb += [
            left.eq(pending & ~issued if ports > 1 else 0),  # a lane alone waits for no other
            self.write.ready.eq(self.open & ~left.any() if ports > 1 else self.open),
            taken.eq(self.write.valid & self.write.ready),
            self.idle.eq(~pending.any()),
        ]
        m.d.sync += [pending.eq(left), self.refused.eq(0)]
        if zero:
            with self._nothing_left(m, left):
                m.d.sync += beat.priority.eq(0)
        with m.If(taken):
            m.d.sync += [pending.eq(offered & legal), self.refused.eq(offered & ~legal)]
        # Where a beat that was not taken harms nobody, all its registers need not wait to hear whether it was.
        with self._nothing_left(m, left) if in_memory else m.If(taken):
            m.d.sync += beat.eq(self._offered(m))
        return m

    @staticmethod
    def _nothing_left(m: Module, left: Signal) -> AbstractContextManager[None]:
        """Where no write of the beat waits for another."""
        return m.If(~left.any()) if len(left) > 1 else nullcontext()

    def _offered(self, m: Module) -> data.View:
        """The beat that is offered; with variant exact, where code 0 and an invalid row are the same, both say so."""
        if not has_exact(self._config):
            return cast(data.View, self.write.payload)
        config, ports = self._config, self._config.write_ports
        new = structure(write_layout(config), "new_beat")
        m.d.comb += new.eq(self.write.payload)
        for index in range(ports):
            priority = lane(self.write.payload.priority, index, ports)
            invalidate = self.write.payload.invalidate[index]
            m.d.comb += [
                lane(new.priority, index, ports).eq(Mux(invalidate, 0, priority)),
                new.invalidate[index].eq(invalidate | (priority == 0)),
            ]
        return new
