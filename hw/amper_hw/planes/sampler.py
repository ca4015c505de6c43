"""The sampler where only variant exact is built in.

Latency: ``latency.batch_cycles`` from a request to its last result.
Page: docs/hardware/exact.md.
"""

from __future__ import annotations

from typing import NamedTuple

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring

from amper_hw.array.tree import whole_array
from amper_hw.base.latency import CHECK_CYCLES
from amper_hw.base.modules import SharedModule
from amper_hw.base.payload import OK
from amper_hw.control.parameter_unit import ParameterUnit
from amper_hw.control.write_unit import WriteUnit
from amper_hw.planes.census import Census
from amper_hw.planes.connect import connect_planes
from amper_hw.planes.controller import PlaneController
from amper_hw.planes.draw_unit import PlaneDrawUnit
from amper_hw.planes.exact_sampler import ExactSampler, ParityCheck


class PlaneUnits(NamedTuple):
    """The sampler's parts, each by its ports."""

    writes: wiring.PureInterface
    parameters: wiring.PureInterface
    controller: wiring.PureInterface
    census: wiring.PureInterface
    draws: wiring.PureInterface
    array: wiring.PureInterface


class PlaneSampler(ExactSampler):
    """PER's own distribution by bit planes: nothing searches, nothing forms a candidate set.

    Parameters
    ----------
    config : the configuration, with no variant but exact built in.

    Members: ``amper_hw.base.payload.sampler_signature``.
    """

    def elaborate(self, platform: object) -> Module:
        m = Module()
        units = self._units(m)
        self._ports(m, units)
        self._array(m, units)
        parity = None
        if self._config.protected:
            parity = ParityCheck(*(Signal(name=name) for name in ("check_decided", "check_begins", "unchecked")))
        begins = None if parity is None else parity.begins
        connect_planes(m, units.writes, units.parameters, units.census, units.draws, units.array, begins)
        unused = self._waits(m, units, parity)
        if parity is not None:
            self._check(m, units, unused, parity)
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

    def _waits(self, m: Module, units: PlaneUnits, parity: ParityCheck | None) -> Value:
        """When the census is that of all writes; returns whether there is nothing to do."""
        census = units.census
        settled = Signal()
        occupied = Signal()
        zeroing = Signal()
        m.d.comb += settled.eq(units.writes.idle & census.current & ~units.parameters.clear)
        m.d.sync += occupied.eq(census.sums.total.any())
        if "zeroing" in census.signature.members:
            m.d.comb += zeroing.eq(census.zeroing)
        return self._order(m, units, settled=settled, still=settled, occupied=occupied, clearing=zeroing, parity=parity)

    def _check(self, m: Module, units: PlaneUnits, unused: Value, parity: ParityCheck) -> None:
        """Every census looks at the parity. One more is made behind draws, before a row that had flipped meanwhile can
        be overwritten; and after ``CHECK_CYCLES`` without one. It makes every sum anew, too."""
        census, record = units.census, units.controller.record
        since = Signal(range(CHECK_CYCLES + 1), name="cycles_since_census")
        due = since == CHECK_CYCLES
        checking = Signal(name="checking")
        m.d.comb += [
            parity.decided.eq(unused & (due | parity.unchecked) & ~parity.begins),
            units.controller.row_fault.eq(census.row_fault),
            self.row_fault.eq(census.row_fault),
        ]
        m.d.sync += [
            parity.begins.eq(parity.decided),
            since.eq(Mux(census.changed, 0, since + ~due)),
            checking.eq(parity.begins | checking),
        ]
        with m.If(checking & census.current):
            m.d.sync += [checking.eq(0), parity.unchecked.eq(0)]
        with m.If(record.valid & record.ready & (record.payload.status == OK)):
            m.d.sync += parity.unchecked.eq(1)
