"""The sampler of organisation tree: variant exact, the rows and the sums over them in RAM.

Latency: ``latency.batch_cycles`` from a request to its last result. Page: docs/hardware/tree.md.
"""

from __future__ import annotations

from typing import NamedTuple

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring

from amper_hw.base.modules import SharedModule
from amper_hw.control.parameter_unit import ParameterUnit
from amper_hw.control.write_unit import WriteUnit
from amper_hw.planes.controller import PlaneController
from amper_hw.planes.exact_sampler import ExactSampler
from amper_hw.planes.place import has_stored_multiples
from amper_hw.tree.draw_unit import TreeDrawUnit
from amper_hw.tree.level import TreeLevel
from amper_hw.tree.shape import levels
from amper_hw.tree.updates import Updates


class TreeUnits(NamedTuple):
    """The sampler's parts, each by its ports."""

    writes: wiring.PureInterface
    parameters: wiring.PureInterface
    controller: wiring.PureInterface
    updates: wiring.PureInterface
    draws: wiring.PureInterface


class TreeSampler(ExactSampler):
    """PER's own distribution from a tree of sums in RAM: an operation a cycle goes down a pipeline of levels, a draw or
    a write, each as if it were done before the next one comes.

    Parameters
    ----------
    config : the configuration, of organisation tree.

    Members: ``amper_hw.base.payload.sampler_signature``.
    """

    def elaborate(self, platform: object) -> Module:
        m = Module()
        units = self._units(m)
        self._ports(m, units)
        (issue,) = units.writes.issue
        m.d.comb += [
            units.updates.write.valid.eq(issue.valid),
            units.updates.write.payload.eq(issue.payload),
            units.updates.clear.eq(units.parameters.clear),
            units.draws.sum.eq(units.updates.sum),
        ]
        self._tree(m, units)
        self._waits(m, units)
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

    def _waits(self, m: Module, units: TreeUnits) -> None:
        """When the sums are those of all writes."""
        writes, parameters, updates = units.writes, units.parameters, units.updates
        settled, still = Signal(), Signal()
        # The first word of a batch meets T three cycles after its record was taken: whether T is 0 need not be waited
        # for where the latest write says that it is not. Multiples of T take a cycle more.
        early = updates.some & ~updates.recent if has_stored_multiples(self._config) else updates.some
        m.d.comb += [
            still.eq(writes.idle & updates.still),
            settled.eq(writes.idle & ~parameters.clear & (early | updates.still)),
        ]
        occupied = updates.some | updates.any
        self._order(m, units, settled=settled, still=still, occupied=occupied, clearing=updates.clearing)
