"""The sampler: the top of the native RTL.

Latency: ``latency.batch_cycles`` from a request to its last result. Page: docs/theory/hardware.md.
"""

from __future__ import annotations

from typing import NamedTuple

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring

from amper_hw.array.tree import whole_array
from amper_hw.base.bits import delayed, population
from amper_hw.base.latency import any_answer_cycles
from amper_hw.base.modules import Composite, SharedModule
from amper_hw.base.payload import OK, sampler_signature
from amper_hw.base.variants import has_exact
from amper_hw.control.controller import Controller
from amper_hw.control.parameter_unit import ParameterUnit
from amper_hw.control.vmax import VmaxUnit
from amper_hw.control.write_unit import WriteUnit
from amper_hw.draw.unit import DrawUnit
from amper_hw.planes.census import Census
from amper_hw.planes.connect import connect_planes
from amper_hw.planes.draw_unit import PlaneDrawUnit
from amper_hw.query.generator import QueryGenerator
from amper_spec.config import VARIANTS, AmperConfig


class Units(NamedTuple):
    """The sampler's parts, each by its ports."""

    writes: wiring.PureInterface
    parameters: wiring.PureInterface
    controller: wiring.PureInterface
    queries: wiring.PureInterface
    vmax: wiring.PureInterface
    draws: wiring.PureInterface
    array: wiring.PureInterface
    census: wiring.PureInterface | None = None  # with variant exact


class Sampler(Composite):
    """AMPER in hardware, parallel organisation: every row compared in every search.

    A batch of b draws takes ceil(m / P) + ceil(b / D) + c cycles in the fr variants; c depends neither on |CSP| nor on
    the priorities. Batches overlap. Contract of the ports: docs/hardware/interfaces.md.

    Parameters
    ----------
    config : the configuration.

    Members: ``amper_hw.base.payload.sampler_signature``.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        super().__init__(sampler_signature(config))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        units = self._units(m)
        writes, parameters, controller, draws = units.writes, units.parameters, units.controller, units.draws
        wiring.connect(m, wiring.flipped(self.request), controller.request)
        wiring.connect(m, wiring.flipped(self.write), writes.write)
        wiring.connect(m, wiring.flipped(self.control), parameters.control)
        wiring.connect(m, controller.record, draws.record)
        wiring.connect(m, controller.csp, draws.csp)
        wiring.connect(m, draws.result, wiring.flipped(self.result))
        self._parameters(m, units)
        self._array(m, units)
        self._batches(m, units)
        if units.census is not None:
            self._planes(m, units, units.census)
        settled = self._valid_rows(m, units)
        self._order(m, units, settled)
        self._monitor(m, units)
        return m

    def _units(self, m: Module) -> Units:
        config = self._config
        components = {
            "write_unit": WriteUnit(config),
            "parameter_unit": ParameterUnit(config),
            "controller": Controller(config),
            "query_generator": QueryGenerator(config),
            "vmax_unit": VmaxUnit(config),
            "draw_unit": PlaneDrawUnit(config) if has_exact(config) else DrawUnit(config),
        }
        parts = {name: SharedModule.of(f"amper_{name}", component) for name, component in components.items()}
        parts["array"] = whole_array(config)
        if has_exact(config):
            parts["census"] = SharedModule.of("amper_census", Census(config))
        return Units(*(self.instantiate(m, name, part) for name, part in parts.items()))

    def _parameters(self, m: Module, units: Units) -> None:
        parameters, queries, draws = units.parameters, units.queries, units.draws
        wiring.connect(m, parameters.values, queries.parameters)
        wiring.connect(m, parameters.query_load, queries.load)
        wiring.connect(m, parameters.draw_load, draws.load)
        m.d.comb += [
            parameters.query_zero.eq(queries.load_zero),
            parameters.draw_zero.eq(draws.load_zero),
            parameters.empty.eq(self.valid_rows == 0),
            units.controller.enable.eq(parameters.values.enable),
            units.controller.nearest.eq(parameters.values.variant == VARIANTS.index("k")),
            units.vmax.clear.eq(parameters.clear),
        ]

    def _array(self, m: Module, units: Units) -> None:
        controller, vmax, draws, array = units.controller, units.vmax, units.draws, units.array
        for source, *targets in zip(units.writes.issue, vmax.write, array.write, strict=True):
            for field in source.payload.shape().members:
                m.d.comb += [target.payload[field].eq(source.payload[field]) for target in targets]
            m.d.comb += [target.valid.eq(source.valid) for target in targets]
        for port in draws.array.signature.members:
            for drawing, row in zip(getattr(draws.array, port), getattr(array, port), strict=True):
                wiring.connect(m, drawing, row)
        wiring.connect(m, controller.count, array.count)
        m.d.comb += [
            array.clear.eq(units.parameters.clear),
            array.transfer.eq(controller.transfer),
            vmax.match_any.eq(array.match.any),
            controller.match_any.eq(array.match.any),
            controller.released.eq(draws.released),
            controller.probing.eq(vmax.probe.valid),
            array.search.valid.eq(controller.search.valid | vmax.probe.valid),
            array.search.payload.eq(Mux(vmax.probe.valid, vmax.probe.payload, controller.search.payload)),
        ]

    def _batches(self, m: Module, units: Units) -> None:
        controller, queries, vmax = units.controller, units.queries, units.vmax
        wiring.connect(m, controller.start, queries.start)
        wiring.connect(m, queries.query, controller.query)
        m.d.comb += queries.vmax.eq(vmax.vmax)
        if units.census is None:
            m.d.comb += controller.occupied.eq(vmax.occupied)
        if "k" in self._config.variants:
            wiring.connect(m, controller.census, queries.count)

    def _planes(self, m: Module, units: Units, census: wiring.PureInterface) -> None:
        """What variant exact needs."""
        controller = units.controller
        connect_planes(m, units.writes, units.parameters, census, units.draws, units.array)
        total = Signal(name="total_is_not_0")
        m.d.sync += total.eq(census.sums.total.any())
        m.d.comb += [
            controller.exact.eq(units.parameters.values.variant == VARIANTS.index("exact")),
            controller.occupied.eq(Mux(controller.exact, total, units.vmax.occupied)),
            self.total.eq(units.draws.total),
        ]

    def _valid_rows(self, m: Module, units: Units) -> Value:
        """Counts the valid rows; returns whether the count is that of all writes before this cycle."""
        under_way = Signal(any_answer_cycles(self._config))
        issued = Cat(port.valid for port in units.writes.issue).any()
        m.d.sync += under_way.eq(Cat(issued, under_way))
        added, removed = units.array.changed.added, units.array.changed.removed
        m.d.sync += self.valid_rows.eq(self.valid_rows + population(added) - population(removed))
        return ~under_way.any()

    def _order(self, m: Module, units: Units, counted: Value) -> None:
        """What waits for what, so that writes, changes and batches take effect in the order in which they came."""
        writes, parameters, controller, draws = units.writes, units.parameters, units.controller, units.draws
        settled = Signal()
        # Registers, since the paths on both sides are long: as good as what they follow as long as nothing is taken in
        # between, so only late by a cycle.
        quiet = Signal()
        unused = Signal()
        changed_before = Signal()
        write_waits = Signal()
        changed = (self.write.valid & self.write.ready) | (self.control.valid & self.control.ready)
        requested = self.request.valid & self.request.ready
        ready, seen, idle = self._ready(m, units, settled)
        rows_free = Signal()
        m.d.sync += [
            quiet.eq(ready & parameters.values.ready & ~changed),
            changed_before.eq(changed),
            write_waits.eq(self.write.valid & ~rows_free),
        ]
        m.d.comb += [
            # The random streams want two cycles from one load to the next.
            unused.eq(idle & counted & controller.open & ~changed & ~changed_before & ~requested),
            settled.eq(writes.idle & units.vmax.exact & ~parameters.clear),
            self.vmax_exact.eq(settled),
            rows_free.eq(controller.open & ~seen),
            writes.rows.eq(parameters.values.rows),
            writes.open.eq(rows_free & ~parameters.waiting),
            controller.settled.eq(quiet),
            parameters.may_change.eq(unused),
            parameters.draws_idle.eq(draws.idle),  # no batch begins to draw behind ``unused``
            # Whoever has waited for a cycle comes before new batches: a request never holds up a write or a change for
            # ever. Only registers, as in every ready: none depends on what is offered in the same cycle.
            controller.hold.eq((parameters.waiting & ~self.control.ready) | (write_waits & ~rows_free)),
        ]
        with m.If(parameters.clear):
            m.d.sync += self.valid_rows.eq(0)

    def _ready(self, m: Module, units: Units, settled: Value) -> tuple[Value, Value | int, Value]:
        """As far as the rows go: whether a batch may begin; draws need them as they are; a parameter may change."""
        draws, census = units.draws, units.census
        if census is None:
            # With their priorities, draws need the rows as they are until the last one has been read.
            return settled, ~draws.idle if self._config.result_priority else 0, settled
        # A census takes the plane that draws look at, whatever the variant, so nothing is written under them; and a
        # clear, which is a change, takes their priorities.
        counted = units.writes.idle & census.current & ~units.parameters.clear
        ready = Mux(units.controller.exact, counted, settled & counted)
        return ready, ~draws.drained, settled & counted & draws.drained

    def _monitor(self, m: Module, units: Units) -> None:
        writes, parameters, controller, draws = units.writes, units.parameters, units.controller, units.draws
        m.d.comb += [
            self.write_refused.eq(writes.refused.any()),
            self.control_refused.eq(parameters.refused),
            self.busy.eq(~controller.open | ~draws.idle),
            self.vmax.eq(units.vmax.vmax),
            self.csp_size.eq(draws.csp_size),
        ]
        # A register before each counter, so that no path goes through what is counted and an adder of 32 bits.
        request_refused = controller.record.valid & (controller.record.payload.status != OK)
        searched = Mux(controller.search.valid, population(controller.search.payload.valid), 0)
        refused = Signal(range(self._config.write_ports + 3))
        m.d.sync += refused.eq(population(writes.refused) + parameters.refused + request_refused)
        m.d.sync += [
            self.errors.eq(self.errors + refused),
            self.searches.eq(self.searches + delayed(m, searched, "searched", reset_less=False)),
            self.cycles.eq(self.cycles + delayed(m, self.busy, "was_busy", reset_less=False)),
        ]
