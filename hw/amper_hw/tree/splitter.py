"""Beats of draws in several banks, a draw a bank and cycle.

Latency: 0 for the lanes that go first; a beat takes a cycle more for each lane whose bank one before it has.
Page: docs/hardware/tree.md.
"""

from __future__ import annotations

from amaranth.hdl import Const, Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base.bits import any_of
from amper_hw.draw.splitting import split_beat


class BankSplitter(wiring.Component):
    """Passes on, of the lanes that are left, the lowest and those above it up to the first whose bank is taken, so that
    the draws stay in their order. Combinational from in to out; what is left of a beat is a register.

    Parameters
    ----------
    lanes : D, 2 or more. bank_width : bits of a bank's number.

    Members
    -------
    valid : In, there is a beat. lanes : In, those that hold a draw; none for a beat without one. banks : In, theirs.
    room : In, something may be passed on.
    taken : Out, the last of the beat is passed on in this cycle. sent : Out, something is. group : Out, its lanes.
    last : Out, nothing of the beat is left then.
    """

    def __init__(self, *, lanes: int, bank_width: int) -> None:
        self._lanes = lanes
        super().__init__(
            {
                "valid": In(1),
                "lanes": In(lanes),
                "banks": In(data.ArrayLayout(bank_width, lanes)),
                "room": In(1),
                "taken": Out(1),
                "sent": Out(1),
                "group": Out(lanes),
                "last": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        waiting = Signal(self._lanes)

        def joins(lane: int) -> Value:
            meets = [waiting[below] & (self.banks[below] == self.banks[lane]) for below in range(lane)]
            return ~(waiting[lane] & any_of(meets)) if meets else Const(1, 1)

        split_beat(m, self, waiting, joins)
        return m
