"""Beats of draws in several planes, one plane a cycle.

Latency: 0 for a group of lanes; a beat takes a cycle for each plane in a row of lanes.
Page: docs/hardware/exact.md.
"""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from amper_hw.draw.splitting import split_beat


class PlaneSplitter(wiring.Component):
    """Passes on, of the lanes that are left, the lowest and those above it up to the first in another plane.

    So one plane serves all draws of a cycle, a row needs one multiplexer, and the draws stay in their order. Stratified
    draws ascend: then a batch has few changes of plane. Combinational from in to out; what is left of a beat is a
    register.

    Parameters
    ----------
    lanes : D, 2 or more. plane_width : bits of a plane's index.

    Members
    -------
    valid : In, there is a beat. lanes : In, those that hold a draw; none for a beat without one. planes : In, theirs.
    whole : In, the beat is passed on in one, whatever its planes.
    room : In, something may be passed on.
    taken : Out, the last of the beat is passed on in this cycle. sent : Out, something is. group : Out, its lanes.
    plane : Out, its plane. last : Out, nothing of the beat is left then.
    """

    def __init__(self, *, lanes: int, plane_width: int) -> None:
        if lanes < 2:
            raise ValueError(f"lanes must be at least 2, not {lanes}")
        self._lanes = lanes
        super().__init__(
            {
                "valid": In(1),
                "lanes": In(lanes),
                "planes": In(data.ArrayLayout(plane_width, lanes)),
                "whole": In(1),
                "room": In(1),
                "taken": Out(1),
                "sent": Out(1),
                "group": Out(lanes),
                "plane": Out(plane_width),
                "last": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        waiting = Signal(self._lanes)
        plane: Value = self.planes[self._lanes - 1]
        for lane in reversed(range(self._lanes - 1)):
            plane = Mux(waiting[lane], self.planes[lane], plane)
        m.d.comb += self.plane.eq(plane)

        def joins(lane: int) -> Value:
            together: Value = self.whole | (self.planes[lane] == self.plane)
            return ~waiting[lane] | together

        split_beat(m, self, waiting, joins)
        return m
