"""Writes of organisation tree: codes are exchanged, T follows, and after a clear or a reset all memories become 0.

Latency: ``latency.CODE_CYCLES`` from a write to its entering the tree, 1 more to T. Page: docs/hardware/tree.md.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base.modules import Composite, SharedModule
from amper_hw.base.payload import row_write_layout, strobe_signature
from amper_hw.tree.codes import Codes
from amper_hw.tree.ports import checked_signature, operation_layout, repair_signature
from amper_hw.tree.shape import code_columns
from amper_spec.config import AmperConfig


class Updates(Composite):
    """A write a cycle; none while ``clearing``, which lasts a cycle for every node of the lowest level.

    A clear sends zeroes down to each of these nodes, and with that through every node above it, in the way and the
    order of writes: so draws need not wait for its end, and T, which is 0 at once, refuses them.

    Parameters
    ----------
    config : the configuration.

    Members
    -------
    write : In {valid, payload}, ``row_write_layout``; priority 0 makes the row invalid. clear : In, all rows become
        invalid; so they do after a reset. clearing : Out, no write may come, from the cycle of ``clear`` on.
    still : Out, T and ``any`` are those of all writes and clears before this cycle.
    some : Out, the latest write has made its row valid.
    sum : Out, T. any : Out, it is not 0, once ``still``.
    operation : Out, ``operation_layout`` of the root: stores.
    repair : In, with protection, ``repair_signature``. patrol : In, its row may be read where no write comes.
    taken : Out, it is. zeroing : Out, zeroes are being sent. checked : Out, ``checked_signature``.
    """

    _SETTLE = 5  # cycles after that of a write in which T or ``any`` may still be old

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        write = row_write_layout(config, row_width=config.row_width)
        super().__init__(
            {
                "write": In(strobe_signature(write)),
                "clear": In(1),
                "clearing": Out(1),
                "still": Out(1),
                "some": Out(1),
                "sum": Out(config.total_width),
                "any": Out(1),
                "operation": Out(operation_layout(config, sum_width=config.total_width)),
                **(_protected_members(config) if config.protected else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self._config
        codes = self.instantiate(m, "codes", SharedModule.of("amper_codes", Codes(config)))
        rows_of_node = code_columns(config)
        last = -(-config.rows // rows_of_node) - 1
        active = Signal(init=1)
        node = Signal(range(max(2, last + 1)))
        begins = self.clear | self.repair.zero if config.protected else self.clear
        with m.If(begins):
            m.d.sync += [active.eq(1), node.eq(0)]
        with m.Elif(active):
            m.d.sync += [active.eq(node != last), node.eq(node + 1)]
        row = node << (rows_of_node.bit_length() - 1)
        m.d.comb += [
            self.clearing.eq(self.clear | active),
            codes.write.payload.zero.eq(active),
            self.operation.eq(codes.operation),
        ]
        if config.protected:
            self._repair(m, codes, begins, active, row)
        else:
            m.d.comb += [
                codes.write.valid.eq(self.write.valid | active),
                codes.write.payload.row.eq(Mux(active, row, self.write.payload.row)),
                codes.write.payload.code.eq(self.write.payload.priority),
            ]
        stored = codes.operation
        with m.If(begins):
            m.d.sync += self.sum.eq(0)
        with m.Elif(stored.store):
            m.d.sync += self.sum.eq(self.sum + stored.value)  # 0 of a clear
        under_way = Signal(self._SETTLE)
        m.d.sync += [
            self.any.eq(self.sum.any()),
            under_way.eq(Cat(self.write.valid | self.clear, under_way[:-1])),
        ]
        with m.If(self.write.valid | self.clear):
            m.d.sync += self.some.eq(self.write.valid & (self.write.payload.priority != 0))
        m.d.comb += self.still.eq(~self.write.valid & ~self.clear & ~under_way.any())
        return m

    def _repair(self, m: Module, codes: wiring.PureInterface, begins: Value, active: Value, row: Value) -> None:
        """What a repair asks for, where no write comes and no zeroes are sent."""
        repair, write = self.repair, codes.write.payload
        wiring.connect(m, codes.checked, wiring.flipped(self.checked))
        of_clear = Signal(init=1)  # zeroes are sent to the codes, too
        with m.If(begins):
            m.d.sync += of_clear.eq(self.clear)
        m.d.comb += [
            self.zeroing.eq(active),
            self.taken.eq(self.patrol & ~self.write.valid & ~self.clearing),
            codes.write.valid.eq(self.write.valid | active | repair.read | repair.fresh | self.taken),
            # Writes come from afar.
            write.row.eq(Mux(self.write.valid, self.write.payload.row, Mux(active, row, repair.row))),
            write.code.eq(Mux(self.write.valid, self.write.payload.priority, repair.code)),
            write.read.eq(Mux(active, ~of_clear, repair.read | self.taken)),
            write.fresh.eq(repair.fresh),
        ]


def _protected_members(config: AmperConfig) -> dict[str, wiring.Member]:
    return {
        "repair": In(repair_signature(config)),
        "patrol": In(1),
        "taken": Out(1),
        "zeroing": Out(1),
        "checked": Out(checked_signature(config)),
    }
