"""What the samplers of both organisations of variant exact have in common: ports, order, counters.

Latency: ``latency.batch_cycles`` from a request to its last result. Page: docs/hardware/exact.md.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import wiring

from amper_hw.base.bits import delayed, population
from amper_hw.base.modules import Composite
from amper_hw.base.payload import OK, sampler_signature
from amper_spec.config import AmperConfig


class ParityCheck(NamedTuple):
    """When the rows' parity is looked at. ``decided`` : a census for that ``begins`` in the next cycle, which is a
    register. ``unchecked`` : rows were drawn, and nothing may change them before it was looked at once more."""

    decided: Signal
    begins: Signal
    unchecked: Signal


class ExactUnits(Protocol):
    """The parts that both have, each by its ports."""

    @property
    def writes(self) -> wiring.PureInterface: ...
    @property
    def parameters(self) -> wiring.PureInterface: ...
    @property
    def controller(self) -> wiring.PureInterface: ...
    @property
    def draws(self) -> wiring.PureInterface: ...


class ExactSampler(Composite):
    """A sampler with no variant but exact; a subclass makes its units and joins what is its own.

    Parameters
    ----------
    config : the configuration, with no variant but exact built in.

    Members: ``amper_hw.base.payload.sampler_signature``.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        super().__init__(sampler_signature(config))

    def _ports(self, m: Module, units: ExactUnits) -> None:
        wiring.connect(m, wiring.flipped(self.request), units.controller.request)
        wiring.connect(m, wiring.flipped(self.write), units.writes.write)
        wiring.connect(m, wiring.flipped(self.control), units.parameters.control)
        wiring.connect(m, units.controller.record, units.draws.record)
        wiring.connect(m, units.draws.result, wiring.flipped(self.result))
        wiring.connect(m, units.parameters.draw_load, units.draws.load)

    def _order(
        self,
        m: Module,
        units: ExactUnits,
        *,
        settled: Value,
        still: Value,
        occupied: Value,
        clearing: Value,
        draining: Value | None = None,
        parity: ParityCheck | None = None,
        hold: Value | None = None,
    ) -> Value:
        """What waits for what, so that writes, changes and batches take effect in the order in which they came.

        Parameters
        ----------
        settled : a batch may begin, as far as writes before it go. still : no write is under way. occupied : T is not
        0, of all writes, where settled. clearing : writes wait for the end of a clear. draining : a write that is
        taken now comes behind the last draw. parity : is checked when this says so. hold :
        requests wait; nothing was settled in the cycle before. Returns whether nothing is under way or taken.
        """
        writes, parameters, controller, draws = units.writes, units.parameters, units.controller, units.draws
        quiet = Signal()
        unused = Signal()
        changed_before = Signal()
        rows_free = Signal()
        may_change = Signal()
        write_waits = Signal()
        changed = (self.write.valid & self.write.ready) | (self.control.valid & self.control.ready)
        requested = self.request.valid & self.request.ready
        writable = rows_free if draining is None else rows_free | (controller.open & draining)
        m.d.comb += [
            rows_free.eq(controller.open & draws.drained),
            may_change.eq(writable if parity is None else writable & ~parity.unchecked),
            # The random stream wants two cycles from one load to the next.
            unused.eq(still & rows_free & ~changed & ~changed_before & ~requested),
        ]
        # Registers, since the paths on both sides are long: as good as what they follow as long as nothing is taken in
        # between, so only late by a cycle.
        m.d.sync += [
            quiet.eq(settled & ~changed if parity is None else settled & ~changed & ~parity.decided & ~parity.begins),
            changed_before.eq(changed),
            write_waits.eq(self.write.valid & ~may_change),
        ]
        waits = (parameters.waiting & ~self.control.ready) | (write_waits & ~may_change)
        m.d.comb += [
            writes.rows.eq(parameters.values.rows),
            writes.open.eq(may_change & ~parameters.waiting & ~clearing),
            controller.settled.eq(quiet),
            controller.at_once.eq(~self.write.valid & ~self.control.valid),
            controller.occupied.eq(occupied),
            controller.enable.eq(parameters.values.enable),
            parameters.may_change.eq(unused if parity is None else unused & ~parity.unchecked),
            parameters.draws_idle.eq(1),  # no change is taken before they are
            parameters.draw_zero.eq(draws.load_zero),
            parameters.empty.eq(~occupied),
            # Whoever has waited for a cycle comes before new batches: a request never holds up a write or a change for
            # ever. Only registers, as in every ready: none depends on what is offered in the same cycle.
            controller.hold.eq(waits if hold is None else waits | hold),
        ]
        return unused

    def _monitor(self, m: Module, units: ExactUnits) -> None:
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
