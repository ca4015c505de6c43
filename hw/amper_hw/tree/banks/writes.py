"""Writes of organisation tree in banks: from beats of W writes to one write a bank and cycle.

Latency: 2 cycles from a beat to its writes entering their banks, more for those that wait for others of their bank.
Page: docs/hardware/tree-banks.md.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base.bits import any_of, delayed, structure
from amper_hw.base.payload import lane, row_write_layout, strobe_signature, write_layout
from amper_hw.tree.shape import bank_bits, of_a_bank
from amper_spec.config import AmperConfig


class BankWriteUnit(wiring.Component):
    """Of two beats, all writes go on for which none of their bank is before them: what is left of the first beat goes
    with the second one. So writes of different banks change places, those of one never do.

    Parameters
    ----------
    config : the configuration, with several banks.

    Members
    -------
    write, open, rows, refused : as of ``WriteUnit``. idle : Out, none is left after this cycle's.
    banks : Out, of each bank {valid, payload}: a write with the row's number there.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        inside = of_a_bank(config)
        write = row_write_layout(inside, row_width=inside.row_width)
        super().__init__(
            {
                "write": In(stream.Signature(write_layout(config))),
                "open": In(1),
                "rows": In(config.count_width),
                "banks": Out(strobe_signature(write)).array(config.banks),
                "idle": Out(1),
                "refused": Out(config.write_ports),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config, ports = self._config, self._config.write_ports
        first, second = (Signal(write_layout(config), name=name, reset_less=True) for name in ("first", "second"))
        beats = [(beat, index) for beat in (first, second) for index in range(ports)]
        rows: list[Value] = [lane(beat.row, index, ports) for beat, index in beats]
        priorities: list[Value] = [lane(beat.priority, index, ports) for beat, index in beats]
        # Of each write its bank, one bit each, or none where it has gone: no comparison of rows is in the way.
        waiting: list[Value] = [Signal(config.banks, name=f"waiting_{index}") for index in range(2 * ports)]
        earlier = [any_of(waiting[:index]) if index else Const(0, config.banks) for index in range(2 * ports)]
        left = [own & before for own, before in zip(waiting, earlier, strict=True)]
        goes = [own & ~before for own, before in zip(waiting, earlier, strict=True)]
        halves = waiting[:ports], waiting[ports:]
        here = [any_of(half) for half in halves]
        several = [_several(half) for half in halves]
        for bank in range(config.banks):
            self._to_bank(m, bank, [write[bank] for write in goes], rows, priorities)
        move = Signal()
        free = Signal()
        taken = Signal()
        offered = self.write.payload.lanes if ports > 1 else Const(1, 1)
        new_rows = [lane(self.write.payload.row, index, ports) for index in range(ports)]
        legal = Cat(row < self.rows for row in new_rows)
        m.d.comb += [
            # Whether ``left`` is empty in a half, in fewer steps: much waits for these two.
            move.eq(~several[0].any()),
            free.eq(move | ~(several[1] | (here[0] & here[1])).any()),
            self.write.ready.eq(self.open & free),
            taken.eq(self.write.valid & self.write.ready),
            self.idle.eq(~any_of(waiting).any()),
        ]
        m.d.sync += self.refused.eq(offered & ~legal & taken.replicate(ports))
        # A beat that was not taken harms nobody, so its registers need not wait to hear whether it was.
        with m.If(move):
            m.d.sync += first.eq(second)
        with m.If(free):
            m.d.sync += second.eq(self._offered(m))
        for index, row in enumerate(new_rows):
            enters = self.write.valid & self.open & offered[index] & legal[index]  # where it is free
            new = Cat(enters & (row[: bank_bits(config)] == bank) for bank in range(config.banks))
            m.d.sync += [
                waiting[index].eq(Mux(move, left[ports + index], left[index])),
                waiting[ports + index].eq(Mux(free, new, left[ports + index])),
            ]
        return m

    def _to_bank(self, m: Module, bank: int, chosen: list[Value], rows: list[Value], priorities: list[Value]) -> None:
        """The chosen write, if one is, to its bank. Banks lie all over an FPGA, so that this ends in a register."""
        bits, out = bank_bits(self._config), self.banks[bank]
        m.d.comb += out.valid.eq(delayed(m, any_of(chosen), f"write_to_{bank}", reset_less=False))
        for name, values in (("row", [row[bits:] for row in rows]), ("priority", priorities)):
            value = any_of([each & one.replicate(len(each)) for each, one in zip(values, chosen, strict=True)])
            m.d.comb += getattr(out.payload, name).eq(delayed(m, value, f"{name}_to_{bank}"))

    def _offered(self, m: Module) -> data.View:
        """The beat that is offered; code 0 is what an invalid row holds."""
        ports = self._config.write_ports
        new = structure(write_layout(self._config), "new_beat")
        m.d.comb += new.eq(self.write.payload)
        for index in range(ports):
            priority = lane(self.write.payload.priority, index, ports)
            m.d.comb += lane(new.priority, index, ports).eq(Mux(self.write.payload.invalidate[index], 0, priority))
        return new


def _several(values: list[Value]) -> Value:
    """Bits that at least two of ``values`` have."""
    middle = len(values) // 2
    if not middle:
        return Const(0, len(values[0]))
    low, high = values[:middle], values[middle:]
    return _several(low) | _several(high) | (any_of(low) & any_of(high))
