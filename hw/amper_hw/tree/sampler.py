"""The sampler of organisation tree: variant exact, the rows and the sums over them in RAM.

Latency: ``latency.batch_cycles`` from a request to its last result. Page: docs/hardware/tree.md.
"""

from __future__ import annotations

from typing import NamedTuple

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring

from amper_hw.base.bits import any_of
from amper_hw.base.modules import SharedModule
from amper_hw.control.parameter_unit import ParameterUnit
from amper_hw.control.write_unit import WriteUnit
from amper_hw.planes.controller import PlaneController
from amper_hw.planes.exact_sampler import ExactSampler
from amper_hw.planes.place import has_stored_multiples
from amper_hw.tree.bank import TreeBank
from amper_hw.tree.bank_draws import BankDrawUnit
from amper_hw.tree.draw_unit import TreeDrawUnit
from amper_hw.tree.shape import bank_bits, of_a_bank
from amper_hw.tree.totals import Totals


class TreeUnits(NamedTuple):
    """The sampler's parts, each by its ports."""

    writes: wiring.PureInterface
    parameters: wiring.PureInterface
    controller: wiring.PureInterface
    draws: wiring.PureInterface
    banks: tuple[wiring.PureInterface, ...]


class TreeSampler(ExactSampler):
    """PER's own distribution from a tree of sums in RAM: an operation a cycle goes down a pipeline of levels, a draw or
    a write, each as if it were done before the next one comes. Several trees share the rows in turn, each with an
    operation a cycle of its own.

    Parameters
    ----------
    config : the configuration, of organisation tree.

    Members: ``amper_hw.base.payload.sampler_signature``.
    """

    def elaborate(self, platform: object) -> Module:
        m = Module()
        units = self._units(m)
        self._ports(m, units)
        self._write(m, units)
        (self._one_bank if self._config.banks == 1 else self._several_banks)(m, units)
        self._monitor(m, units)
        return m

    def _units(self, m: Module) -> TreeUnits:
        config = self._config
        components = {
            "write_unit": WriteUnit(config),
            "parameter_unit": ParameterUnit(config),
            "controller": PlaneController(config),
            "draw_unit": TreeDrawUnit(config) if config.banks == 1 else BankDrawUnit(config),
        }
        parts = {name: SharedModule.of(f"amper_{name}", component) for name, component in components.items()}
        writes, parameters, controller, draws = (self.instantiate(m, name, part) for name, part in parts.items())
        bank = SharedModule.of("amper_tree_bank", TreeBank(of_a_bank(config)))
        banks = tuple(self.instantiate(m, f"bank_{index}", bank) for index in range(config.banks))
        return TreeUnits(writes, parameters, controller, draws, banks)

    def _write(self, m: Module, units: TreeUnits) -> None:
        """Writes and clears to their banks."""
        bits = bank_bits(self._config)
        for index, bank in enumerate(units.banks):
            m.d.comb += bank.clear.eq(units.parameters.clear)
            mine = [
                issue.valid & (issue.payload.row[:bits] == index) if bits else issue.valid
                for issue in units.writes.issue
            ]
            m.d.comb += bank.write.valid.eq(any_of(mine))
            # At most one of them is for this bank.
            for name, low in (("row", bits), ("priority", 0)):
                values = [
                    getattr(issue.payload, name)[low:] & one.replicate(len(getattr(issue.payload, name)) - low)
                    for issue, one in zip(units.writes.issue, mine, strict=True)
                ]
                value = values[0]
                for other in values[1:]:
                    value = value | other
                m.d.comb += getattr(bank.write.payload, name).eq(value if len(mine) > 1 else values[0])

    def _one_bank(self, m: Module, units: TreeUnits) -> None:
        """One tree, with the draw unit in front of it."""
        writes, parameters, (bank,) = units.writes, units.parameters, units.banks
        m.d.comb += [
            units.draws.sum.eq(bank.sum),
            bank.draw.eq(units.draws.operation),
            units.draws.drawn.eq(bank.drawn),
        ]
        settled = Signal()
        still = Signal()
        # The first word of a batch meets T three cycles after its record was taken: whether T is 0 need not be waited
        # for where the latest write says that it is not. Multiples of T take a cycle more.
        early = bank.some & ~bank.recent if has_stored_multiples(self._config) else bank.some
        m.d.comb += [
            still.eq(writes.idle & bank.still),
            settled.eq(writes.idle & ~parameters.clear & (early | bank.still)),
        ]
        occupied = bank.some | bank.any
        draining = units.draws.draining
        self._order(
            m, units, settled=settled, still=still, occupied=occupied, clearing=bank.clearing, draining=draining
        )

    def _several_banks(self, m: Module, units: TreeUnits) -> None:
        """A small top over the banks: their sums up, draws down."""
        top = self.instantiate(m, "totals", SharedModule.of("amper_totals", Totals(self._config)))
        for index, bank in enumerate(units.banks):
            m.d.comb += [
                top.sums[index].eq(bank.sum),
                units.draws.ends[index].eq(top.ends[index]),
                units.draws.sums[index].eq(bank.sum),
                bank.draw.eq(units.draws.draw[index]),
                units.draws.drawn[index].eq(bank.drawn),
            ]
        m.d.comb += top.still.eq(Cat(bank.still for bank in units.banks))
        still = Signal()
        m.d.comb += still.eq(units.writes.idle & ~units.parameters.clear & top.settled)
        clearing = any_of([bank.clearing for bank in units.banks])
        draining = units.draws.draining
        self._order(m, units, settled=still, still=still, occupied=top.any, clearing=clearing, draining=draining)
