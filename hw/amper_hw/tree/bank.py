"""A bank of organisation tree: rows, the levels above them, and their sum.

Latency: ``latency.sum_tree_cycles`` from a draw to its row. Page: docs/hardware/tree.md.
"""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base.bits import any_of
from amper_hw.base.modules import Composite, SharedModule
from amper_hw.tree.level import TreeLevel
from amper_hw.tree.ports import operation_layout
from amper_hw.tree.repair import Repair
from amper_hw.tree.shape import levels
from amper_hw.tree.updates import Updates
from amper_spec.config import AmperConfig


class TreeBank(Composite):
    """Draws and writes in their order, one a cycle, each as if it were done before the next one comes.

    Parameters
    ----------
    config : the configuration of the bank alone.

    Members
    -------
    write, clear, clearing, still, some, sum, any : as of ``Updates``. draw : In, ``operation_layout`` of the
        root: draws; none while a write is under way to the root. drawn : Out, that of a row: what came out of the tree.
    idle : In, with protection: no draw or write is on its way to the tree or, a draw, in it. spare : In, a row may be
        looked at in this cycle. faulty, waits, busy, lost_row, repaired, lost : Out, as of ``Repair``.
    """

    _OF_UPDATES = ("clearing", "still", "some", "sum", "any")
    _OF_REPAIR = ("faulty", "waits", "busy", "lost_row", "repaired", "lost")

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        self._updates = Updates(config)
        members = dict(self._updates.signature.members)
        del members["operation"]
        if config.protected:
            self._repair = Repair(config)
            for name in ("repair", "patrol", "taken", "zeroing", "checked"):
                del members[name]
            of_repair = {name: self._repair.signature.members[name] for name in self._OF_REPAIR}
            members |= {"idle": In(1), "spare": In(1)} | of_repair
        row = operation_layout(config, sum_width=config.priority_width)
        draw = operation_layout(config, sum_width=config.total_width)
        super().__init__({**members, "draw": In(draw), "drawn": Out(row)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        updates = self.instantiate(m, "updates", SharedModule.of("amper_updates", self._updates))
        wiring.connect(m, wiring.flipped(self.write), updates.write)
        m.d.comb += updates.clear.eq(self.clear)
        m.d.comb += [getattr(self, name).eq(getattr(updates, name)) for name in self._OF_UPDATES]
        store, draw = updates.operation, self.draw
        entering = Signal(store.shape())
        # They never meet: a write waits until the last draw of a batch is under way, and takes longer.
        m.d.comb += entering.as_value().eq(Mux(draw.draw, draw.as_value(), store.as_value()))
        operation: Value = entering
        faults = []
        for index, shape in enumerate(levels(self._config)):
            part = SharedModule.of(f"amper_tree_level_{index}", TreeLevel(self._config, shape))
            level = self.instantiate(m, f"level_{index}", part)
            m.d.comb += level.operation.eq(operation)
            operation = level.result
            if self._config.protected:
                faults.append(level.fault)
        m.d.comb += self.drawn.eq(operation)
        if self._config.protected:
            self._protect(m, updates, any_of(faults))
        return m

    def _protect(self, m: Module, updates: wiring.PureInterface, fault: Value) -> None:
        repair = self.instantiate(m, "repair", SharedModule.of("amper_repair", self._repair))
        wiring.connect(m, updates.checked, repair.checked)
        wiring.connect(m, repair.operation, updates.repair)
        m.d.comb += [
            repair.fault.eq(fault),
            repair.idle.eq(self.idle & ~self.write.valid),
            repair.clear.eq(self.clear),
            repair.zeroing.eq(updates.zeroing),
            repair.taken.eq(updates.taken),
            updates.patrol.eq(repair.patrol & self.spare),
        ]
        m.d.comb += [getattr(self, name).eq(getattr(repair, name)) for name in self._OF_REPAIR]
