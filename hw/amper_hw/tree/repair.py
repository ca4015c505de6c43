"""Finds flipped bits in idle cycles, and makes all sums anew from the codes when one was found.

Latency: ``latency.repair_cycles`` from a fault, once nothing is under way. Page: docs/hardware/upsets.md.
"""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base import latency
from amper_hw.base.bits import delayed, index_width
from amper_hw.tree.ports import checked_signature, repair_signature
from amper_spec.config import AmperConfig


class Repair(wiring.Component):
    """Patrols while there is no fault; behind one, waits until nothing is under way, has all sums zeroed, reads every
    code, and writes each anew into its row, a row in two cycles, as if its row had had none.

    A sum is made anew in any case, a code only if its check bits tell which bit has flipped. If they do not, its row is
    lost: the fault lasts until that row is written, which finds the fault once more, or until a clear.

    Parameters
    ----------
    config : the configuration of the bank, with protection.

    Members
    -------
    fault : In, a sum that was used is faulty. checked : In, ``checked_signature``, of the codes.
    idle : In, no draw, write or clear is under way but for the stages of the tree. clear : In, a clear begins.
    zeroing : In, zeroes are being sent. taken : In, the row of ``operation`` to be looked at was sent.
    patrol : Out, the row of ``operation`` should be looked at, in a cycle without another use.
    operation : Out, ``repair_signature``.
    faulty : Out, what came out of the tree in the cycle before, or comes now, may be wrong.
    waits : Out, ``idle`` is waited for. busy : Out, the same, or the codes are being written: no write may come.
    lost_row : Out, a row that is lost. repaired, lost : Out, for a cycle: sums, or a code, were made anew; some
        row is lost.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        super().__init__(
            {
                "fault": In(1),
                "checked": In(checked_signature(config)),
                "idle": In(1),
                "clear": In(1),
                "zeroing": In(1),
                "taken": In(1),
                "patrol": Out(1),
                "operation": Out(repair_signature(config)),
                "faulty": Out(1),
                "waits": Out(1),
                "busy": Out(1),
                "lost_row": Out(config.row_width),
                "repaired": Out(1),
                "lost": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        found = Signal()  # a fault that was not
        pending = Signal()  # one was, since the latest repair began
        reading = Signal()  # codes that are checked are those of a repair
        lost = Signal(name="some_lost")
        freed = Signal()
        m.d.comb += found.eq(self.fault | (self.checked.valid & self.checked.fault & ~reading))
        m.d.sync += [
            pending.eq((pending & ~self.operation.zero) | found),
            self.faulty.eq((self.faulty & ~(self.repaired | freed)) | found),
        ]
        row = Signal(index_width(self._config.rows), name="next_row")  # of the patrol, and of a repair
        m.d.sync += self.operation.row.eq(row)
        self._steps(m, row, pending=pending, reading=reading, lost=lost, freed=freed)
        again = self.checked.valid & reading
        with m.If(again):
            m.d.sync += [self.operation.row.eq(self.checked.row), self.operation.code.eq(self.checked.code)]
        m.d.sync += self.operation.fresh.eq(again & ~self.checked.lost)
        with m.If(again & self.checked.lost & ~lost):
            m.d.sync += [lost.eq(1), self.lost_row.eq(self.checked.row)]
        return m

    def _next(self, m: Module, row: Signal) -> None:
        m.d.sync += row.eq(Mux(row == self._config.rows - 1, 0, row + 1))

    def _patrol(self, m: Module, row: Signal) -> None:
        """A row is due every ``PATROL_CYCLES`` cycles, and waits until it is taken."""
        timer = Signal(range(latency.PATROL_CYCLES), name="patrol_timer")
        due = timer == latency.PATROL_CYCLES - 2
        # Comes from afar; a row that is looked at twice does no harm.
        taken = delayed(m, self.taken, "taken_before", reset_less=False)
        with m.If(~due):
            m.d.sync += timer.eq(timer + 1)
        with m.Elif(taken):
            m.d.sync += timer.eq(0)
            self._next(m, row)
        m.d.comb += self.patrol.eq(due & ~self.faulty)

    def _steps(self, m: Module, row: Signal, *, pending: Value, reading: Signal, lost: Signal, freed: Signal) -> None:
        settle = latency.fault_cycles(self._config)
        quiet = Signal(range(settle + 1), name="quiet_cycles")
        second = Signal()  # of the two cycles of a row
        done = quiet == settle
        m.d.sync += [self.operation.read.eq(0), quiet.eq(0), second.eq(0)]
        with m.FSM(name="state"):
            with m.State("PATROL"):
                self._patrol(m, row)
                with m.If(pending):
                    m.next = "WAIT"
            with m.State("WAIT"):
                m.d.comb += [self.waits.eq(1), self.busy.eq(1), self.operation.zero.eq(done)]
                with m.If(self.idle & ~self.zeroing & ~done):
                    m.d.sync += quiet.eq(quiet + 1)
                with m.If(done):
                    m.d.sync += [row.eq(0), lost.eq(0)]
                    m.next = "ZERO"
            with m.State("ZERO"):
                m.d.comb += self.busy.eq(1)
                with m.If(~self.zeroing):
                    m.next = "READ"
            with m.State("READ"):
                m.d.comb += [self.busy.eq(1), reading.eq(1)]
                m.d.sync += [second.eq(~second), self.operation.read.eq(~second)]
                with m.If(second):
                    self._next(m, row)
                    with m.If(row == self._config.rows - 1):
                        m.next = "SETTLE"
            with m.State("SETTLE"):
                m.d.comb += [self.busy.eq(1), reading.eq(1)]
                m.d.sync += quiet.eq(Mux(done, 0, quiet + 1))
                with m.If(done):
                    m.d.comb += [self.repaired.eq(~lost & ~pending), self.lost.eq(lost & ~pending)]
                    m.next = "WAIT"
                    with m.If(~pending):
                        m.next = "PATROL"
                        with m.If(lost):
                            m.next = "LOST"
            with m.State("LOST"):
                with m.If(pending):
                    m.next = "WAIT"
                with m.Elif(self.clear):
                    m.d.comb += freed.eq(1)
                    m.next = "PATROL"
