"""The sampler of organisation tree: variant exact, the rows and the sums over them in RAM.

Latency: ``latency.batch_cycles`` from a request to its last result. Page: docs/hardware/tree.md.
"""

from __future__ import annotations

from typing import NamedTuple

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring

from amper_hw.base.bits import any_of, delayed, population
from amper_hw.base.modules import SharedModule
from amper_hw.control.parameter_unit import ParameterUnit
from amper_hw.control.write_unit import WriteUnit
from amper_hw.planes.controller import PlaneController
from amper_hw.planes.exact_sampler import ExactSampler
from amper_hw.planes.place import has_stored_multiples
from amper_hw.tree.bank import TreeBank
from amper_hw.tree.banks.draws import BankDrawUnit
from amper_hw.tree.banks.totals import Totals
from amper_hw.tree.banks.writes import BankWriteUnit
from amper_hw.tree.draw_unit import TreeDrawUnit
from amper_hw.tree.shape import bank_bits, of_a_bank


class TreeUnits(NamedTuple):
    """The sampler's parts, each by its ports."""

    writes: wiring.PureInterface
    parameters: wiring.PureInterface
    controller: wiring.PureInterface
    draws: wiring.PureInterface
    banks: tuple[wiring.PureInterface, ...]


class State(NamedTuple):
    """Of all banks together, as ``ExactSampler`` asks for it."""

    settled: Value
    still: Value
    occupied: Value
    clearing: Value


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
        state = (self._one_bank if self._config.banks == 1 else self._several_banks)(m, units)
        hold = None
        if self._config.protected:
            state, hold = self._protect(m, units, state)
        self._order(m, units, **state._asdict(), draining=units.draws.draining, hold=hold)
        self._monitor(m, units)
        return m

    def _units(self, m: Module) -> TreeUnits:
        config = self._config
        components = {
            "write_unit": WriteUnit(config) if config.banks == 1 else BankWriteUnit(config),
            "parameter_unit": ParameterUnit(config),
            "controller": PlaneController(config),
            "draw_unit": TreeDrawUnit(config) if config.banks == 1 else BankDrawUnit(config),
        }
        parts = {name: SharedModule.of(f"amper_{name}", component) for name, component in components.items()}
        writes, parameters, controller, draws = (self.instantiate(m, name, part) for name, part in parts.items())
        bank = SharedModule.of("amper_tree_bank", TreeBank(of_a_bank(config)))
        banks = tuple(self.instantiate(m, f"bank_{index}", bank) for index in range(config.banks))
        return TreeUnits(writes, parameters, controller, draws, banks)

    def _protect(self, m: Module, units: TreeUnits, state: State) -> tuple[State, Value]:
        """What the banks say of faults; what they may do while the sampler does nothing else. Returns the state with
        what their repairs hold up, and whether requests wait: as long as a repair waits for draws and writes that are
        under way, or else refusals could keep it from its work for ever."""
        controller, draws, banks = units.controller, units.draws, units.banks
        faulty = Signal(name="faulty_rows")
        m.d.comb += [
            faulty.eq(any_of([bank.faulty for bank in banks])),
            controller.row_fault.eq(faulty),
            draws.faulty.eq(faulty),
            self.row_fault.eq(faulty),
        ]
        for bank in banks:
            m.d.comb += [
                bank.idle.eq(draws.idle & units.writes.idle & ~units.parameters.clear),
                # Whatever is taken in this cycle comes to the tree later.
                bank.spare.eq(controller.open & draws.drained),
            ]
        row: Value = banks[-1].lost_row
        bits = bank_bits(self._config)
        for index, bank in reversed(list(enumerate(banks))):
            here = Cat(Const(index, bits), bank.lost_row)
            row = here if index == len(banks) - 1 else Mux(bank.faulty & ~bank.busy, here, row)
        m.d.comb += self.lost_row.eq(row)
        for name, counter in (("repaired", self.faults_repaired), ("lost", self.faults_lost)):
            of_banks = delayed(m, Cat(getattr(bank, name) for bank in banks), f"{name}_before", reset_less=False)
            m.d.sync += counter.eq(counter + population(of_banks))
        busy, waits = any_of([bank.busy for bank in banks]), any_of([bank.waits for bank in banks])
        waited = delayed(m, waits, "repair_waits", reset_less=False)
        state = State(state.settled & ~waits, state.still & ~busy, state.occupied, state.clearing | busy)
        return state, waited

    def _one_bank(self, m: Module, units: TreeUnits) -> State:
        """One tree, with the draw unit in front of it."""
        writes, parameters, (bank,) = units.writes, units.parameters, units.banks
        (write,) = writes.issue
        m.d.comb += [
            bank.clear.eq(parameters.clear),
            bank.write.valid.eq(write.valid),
            bank.write.payload.eq(write.payload),
            units.draws.sum.eq(bank.sum),
            bank.draw.eq(units.draws.operation),
            units.draws.drawn.eq(bank.drawn),
        ]
        still = Signal()
        m.d.comb += still.eq(writes.idle & bank.still)
        settled = still & ~parameters.clear | self._early(m, units)
        return State(settled, still, bank.some | bank.any, bank.clearing)

    def _several_banks(self, m: Module, units: TreeUnits) -> State:
        """A small top over the banks: their sums up, draws down."""
        top = self.instantiate(m, "totals", SharedModule.of("amper_totals", Totals(self._config)))
        for index, bank in enumerate(units.banks):
            wiring.connect(m, units.writes.banks[index], bank.write)
            m.d.comb += [
                bank.clear.eq(units.parameters.clear),
                top.sums[index].eq(bank.sum),
                units.draws.ends[index].eq(top.ends[index]),
                units.draws.sums[index].eq(bank.sum),
                bank.draw.eq(units.draws.draw[index]),
                units.draws.drawn[index].eq(bank.drawn),
            ]
        m.d.comb += top.still.eq(Cat(bank.still for bank in units.banks))
        still = Signal()
        m.d.comb += still.eq(units.writes.idle & ~units.parameters.clear & top.settled)
        settled = still | self._early(m, units)
        occupied = top.any | any_of([bank.some for bank in units.banks])
        return State(settled, still, occupied, any_of([bank.clearing for bank in units.banks]))

    def _early(self, m: Module, units: TreeUnits) -> Value:
        """A batch may begin though T still grows: its first word meets T three cycles after its record was taken, and
        T is not 0, since the latest write of some bank has made its row valid. Sums over banks are late by a cycle for
        the register in front of a bank and for each of the top, and multiples of T by one."""
        bits = bank_bits(self._config)
        late = bits + (bits > 0) + has_stored_multiples(self._config)
        idle = units.writes.idle
        recent = Signal(late)  # writes in the latest cycles
        if late:
            m.d.sync += recent.eq(Cat(~idle, recent[:-1]))
        early: Value = idle & ~units.parameters.clear & ~recent.any() & any_of([bank.some for bank in units.banks])
        return early
