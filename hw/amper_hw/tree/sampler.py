"""The sampler of organisation tree: variant exact, the rows and the sums over them in RAM.

Latency: ``latency.batch_cycles`` from a request to its last result. Page: docs/hardware/tree.md.
"""

from __future__ import annotations

from typing import NamedTuple

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring

from amper_hw.base.bits import delayed, population
from amper_hw.base.modules import Composite, SharedModule
from amper_hw.base.payload import OK, sampler_signature
from amper_hw.control.parameter_unit import ParameterUnit
from amper_hw.control.write_unit import WriteUnit
from amper_hw.planes.controller import PlaneController
from amper_hw.planes.place import has_stored_multiples
from amper_hw.tree.draw_unit import TreeDrawUnit
from amper_hw.tree.level import TreeLevel
from amper_hw.tree.shape import levels
from amper_hw.tree.updates import Updates
from amper_spec.config import AmperConfig


class TreeUnits(NamedTuple):
    """The sampler's parts, each by its ports."""

    writes: wiring.PureInterface
    parameters: wiring.PureInterface
    controller: wiring.PureInterface
    updates: wiring.PureInterface
    draws: wiring.PureInterface


class TreeSampler(Composite):
    """PER's own distribution from a tree of sums in RAM: an operation a cycle goes down a pipeline of levels, a draw or
    a write, each as if it were done before the next one comes.

    Parameters
    ----------
    config : the configuration, of organisation tree.

    Members: ``amper_hw.base.payload.sampler_signature``.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        super().__init__(sampler_signature(config))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        units = self._units(m)
        wiring.connect(m, wiring.flipped(self.request), units.controller.request)
        wiring.connect(m, wiring.flipped(self.write), units.writes.write)
        wiring.connect(m, wiring.flipped(self.control), units.parameters.control)
        wiring.connect(m, units.controller.record, units.draws.record)
        wiring.connect(m, units.draws.result, wiring.flipped(self.result))
        wiring.connect(m, units.parameters.draw_load, units.draws.load)
        (issue,) = units.writes.issue
        m.d.comb += [
            units.updates.write.valid.eq(issue.valid),
            units.updates.write.payload.eq(issue.payload),
            units.updates.clear.eq(units.parameters.clear),
            units.draws.sum.eq(units.updates.sum),
        ]
        self._tree(m, units)
        self._order(m, units)
        self._monitor(m, units)
        return m

    def _units(self, m: Module) -> TreeUnits:
        config = self._config
        components = {
            "write_unit": WriteUnit(config),
            "parameter_unit": ParameterUnit(config),
            "controller": PlaneController(config),
            "updates": Updates(config),
            "draw_unit": TreeDrawUnit(config),
        }
        parts = {name: SharedModule.of(f"amper_{name}", component) for name, component in components.items()}
        return TreeUnits(*(self.instantiate(m, name, part) for name, part in parts.items()))

    def _tree(self, m: Module, units: TreeUnits) -> None:
        """The levels, from the root down."""
        store, draw = units.updates.operation, units.draws.operation
        entering = Signal(store.shape())
        # They never meet: a write waits until the last word of a batch was taken, and is longer under way.
        m.d.comb += entering.as_value().eq(Mux(draw.draw, draw.as_value(), store.as_value()))
        operation: Value = entering
        for index, shape in enumerate(levels(self._config)):
            part = SharedModule.of(f"amper_tree_level_{index}", TreeLevel(self._config, shape))
            level = self.instantiate(m, f"level_{index}", part)
            m.d.comb += level.operation.eq(operation)
            operation = level.result
        m.d.comb += units.draws.drawn.eq(operation)

    def _order(self, m: Module, units: TreeUnits) -> None:
        """What waits for what, so that writes, changes and batches take effect in the order in which they came."""
        writes, parameters, controller = units.writes, units.parameters, units.controller
        updates, draws = units.updates, units.draws
        settled, still, quiet, unused, changed_before = Signal(), Signal(), Signal(), Signal(), Signal()
        rows_free, write_waits = Signal(), Signal()
        changed = (self.write.valid & self.write.ready) | (self.control.valid & self.control.ready)
        requested = self.request.valid & self.request.ready
        # The first word of a batch meets T three cycles after its record was taken: whether T is 0 need not be waited
        # for where the latest write says that it is not. Multiples of T take a cycle more.
        early = updates.some & ~updates.recent if has_stored_multiples(self._config) else updates.some
        m.d.comb += [
            still.eq(writes.idle & updates.still),
            settled.eq(writes.idle & ~parameters.clear & (early | updates.still)),
            rows_free.eq(controller.open & draws.drained),
            # The random stream wants two cycles from one load to the next.
            unused.eq(still & rows_free & ~changed & ~changed_before & ~requested),
        ]
        # Registers, since the paths on both sides are long: as good as what they follow as long as nothing is taken in
        # between, so only late by a cycle.
        m.d.sync += [
            quiet.eq(settled & ~changed),
            changed_before.eq(changed),
            write_waits.eq(self.write.valid & ~rows_free),
        ]
        occupied = updates.some | updates.any
        m.d.comb += [
            writes.rows.eq(parameters.values.rows),
            writes.open.eq(rows_free & ~parameters.waiting & ~updates.clearing),
            controller.settled.eq(quiet),
            controller.at_once.eq(~self.write.valid & ~self.control.valid),
            controller.occupied.eq(occupied),
            controller.enable.eq(parameters.values.enable),
            parameters.may_change.eq(unused),
            parameters.draws_idle.eq(1),  # no change is taken before they are
            parameters.draw_zero.eq(draws.load_zero),
            parameters.empty.eq(~occupied),
            # Whoever has waited for a cycle comes before new batches: a request never holds up a write or a change for
            # ever. Only registers, as in every ready: none depends on what is offered in the same cycle.
            controller.hold.eq((parameters.waiting & ~self.control.ready) | (write_waits & ~rows_free)),
        ]

    def _monitor(self, m: Module, units: TreeUnits) -> None:
        writes, parameters, controller, draws = units.writes, units.parameters, units.controller, units.draws
        m.d.comb += [
            self.write_refused.eq(writes.refused.any()),
            self.control_refused.eq(parameters.refused),
            self.busy.eq(~controller.open | ~draws.idle),
            self.total.eq(draws.total),
        ]
        # A register before each counter, so that no path goes through what is counted and an adder of 32 bits.
        request_refused = controller.record.valid & (controller.record.payload.status != OK)
        refused = Signal(range(self._config.write_ports + 3))
        m.d.sync += refused.eq(population(writes.refused) + parameters.refused + request_refused)
        was_busy: Value = delayed(m, self.busy, "was_busy", reset_less=False)
        m.d.sync += [self.errors.eq(self.errors + refused), self.cycles.eq(self.cycles + was_busy)]
