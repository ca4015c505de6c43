"""The sampler where only variant exact is built in.

Latency: ``latency.batch_cycles`` from a request to its last result.
Page: docs/hardware/exact.md.
"""

from __future__ import annotations

from typing import NamedTuple

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import wiring

from amper_hw.array.tree import whole_array
from amper_hw.base.bits import delayed, population
from amper_hw.base.modules import Composite, SharedModule
from amper_hw.base.payload import OK, sampler_signature
from amper_hw.control.parameter_unit import ParameterUnit
from amper_hw.control.write_unit import WriteUnit
from amper_hw.planes.census import Census
from amper_hw.planes.connect import connect_planes
from amper_hw.planes.controller import PlaneController
from amper_hw.planes.draw_unit import PlaneDrawUnit
from amper_spec.config import AmperConfig


class PlaneUnits(NamedTuple):
    """The sampler's parts, each by its ports."""

    writes: wiring.PureInterface
    parameters: wiring.PureInterface
    controller: wiring.PureInterface
    census: wiring.PureInterface
    draws: wiring.PureInterface
    array: wiring.PureInterface


class PlaneSampler(Composite):
    """PER's own distribution by bit planes: nothing searches, nothing forms a candidate set.

    Parameters
    ----------
    config : the configuration, with no variant but exact built in.

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
        self._array(m, units)
        connect_planes(m, units.writes, units.parameters, units.census, units.draws, units.array)
        self._order(m, units)
        self._monitor(m, units)
        return m

    def _units(self, m: Module) -> PlaneUnits:
        config = self._config
        components = {
            "write_unit": WriteUnit(config),
            "parameter_unit": ParameterUnit(config),
            "controller": PlaneController(config),
            "census": Census(config),
            "draw_unit": PlaneDrawUnit(config),
        }
        parts = {name: SharedModule.of(f"amper_{name}", component) for name, component in components.items()}
        parts["array"] = whole_array(config)
        return PlaneUnits(*(self.instantiate(m, name, part) for name, part in parts.items()))

    def _array(self, m: Module, units: PlaneUnits) -> None:
        draws, array = units.draws, units.array
        for source, target in zip(units.writes.issue, array.write, strict=True):
            m.d.comb += [target.valid.eq(source.valid), target.payload.eq(source.payload)]
        for port in draws.array.signature.members:
            for drawing, row in zip(getattr(draws.array, port), getattr(array, port), strict=True):
                wiring.connect(m, drawing, row)
        if "clear" in array.signature.members:
            m.d.comb += array.clear.eq(units.parameters.clear)

    def _order(self, m: Module, units: PlaneUnits) -> None:
        """What waits for what, so that writes, changes and batches take effect in the order in which they came."""
        writes, parameters, controller, draws = units.writes, units.parameters, units.controller, units.draws
        settled, quiet, unused, changed_before, occupied = Signal(), Signal(), Signal(), Signal(), Signal()
        rows_free, write_waits, zeroing = Signal(), Signal(), Signal()
        changed = (self.write.valid & self.write.ready) | (self.control.valid & self.control.ready)
        requested = self.request.valid & self.request.ready
        m.d.comb += [
            settled.eq(writes.idle & units.census.current & ~parameters.clear),
            rows_free.eq(controller.open & draws.drained),
            # The random stream wants two cycles from one load to the next.
            unused.eq(settled & rows_free & ~changed & ~changed_before & ~requested),
        ]
        if "zeroing" in units.census.signature.members:
            m.d.comb += zeroing.eq(units.census.zeroing)
        # Registers, since the paths on both sides are long: as good as what they follow as long as nothing is taken in
        # between, so only late by a cycle.
        m.d.sync += [
            quiet.eq(settled & ~changed),
            occupied.eq(units.census.sums.total.any()),
            changed_before.eq(changed),
            write_waits.eq(self.write.valid & ~rows_free),
        ]
        m.d.comb += [
            writes.rows.eq(parameters.values.rows),
            writes.open.eq(rows_free & ~parameters.waiting & ~zeroing),
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

    def _monitor(self, m: Module, units: PlaneUnits) -> None:
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
