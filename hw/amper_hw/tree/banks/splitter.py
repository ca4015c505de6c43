"""Beats of draws in several banks, a draw a bank and cycle.

Latency: 0 for the lanes that go first; a beat takes a cycle more for each lane whose bank one before it has.
Page: docs/hardware/tree-banks.md.
"""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from amper_hw.draw.splitting import split_beat


class BankSplitter(wiring.Component):
    """Passes on, of the lanes that are left, the lowest and those above it up to the first whose bank is taken, so that
    the draws stay in their order. Combinational from in to out; what is left of a beat is a register.

    Parameters
    ----------
    lanes : D.

    Members
    -------
    valid : In, there is a beat. lanes : In, those that hold a draw; none for a beat without one. meets : In, of
        each, the lanes below that have its bank. room : In, something may be passed on.
    taken : Out, the last of the beat is passed on in this cycle. sent : Out, something is. group : Out, its lanes.
    first : Out, lanes that wait for no other of their bank: those of the group, and maybe more.
    last : Out, nothing of the beat is left then.
    """

    def __init__(self, *, lanes: int) -> None:
        self._lanes = lanes
        super().__init__(
            {
                "valid": In(1),
                "lanes": In(lanes),
                "meets": In(data.ArrayLayout(lanes, lanes)),
                "room": In(1),
                "taken": Out(1),
                "sent": Out(1),
                "group": Out(lanes),
                "first": Out(lanes),
                "last": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        waiting = Signal(self._lanes)
        held_up = Signal(self._lanes)
        for lane in range(self._lanes):
            m.d.comb += held_up[lane].eq((waiting & self.meets[lane]).any())
        m.d.comb += self.first.eq(waiting & ~held_up)
        split_beat(m, self, waiting, lambda lane: ~(waiting[lane] & held_up[lane]))
        return m
