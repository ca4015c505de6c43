"""A beat of draws that goes on in groups of lanes, in the draws' order: what all that split beats have in common."""

from __future__ import annotations

from collections.abc import Callable

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import wiring


def split_beat(m: Module, ports: wiring.Component, waiting: Signal, joins: Callable[[int], Value]) -> None:
    """Passes on, of the lanes that are left, the lowest and those above it up to the first that may not join.

    Combinational from in to out; what is left of a beat is a register.

    Parameters
    ----------
    ports : ``valid``, ``room`` and ``lanes`` come in; ``taken``, ``sent``, ``group`` and ``last`` go out.
    waiting : driven, the lanes that are left. joins : whether a lane may go with those below it, or is none that waits.
    """
    split = Signal(name="split")  # some lanes of the beat have gone
    rest = Signal(len(waiting), name="rest", reset_less=True)  # and these have not
    left = Signal(len(waiting), name="left")
    m.d.comb += [
        waiting.eq(Mux(split, rest, ports.lanes)),
        left.eq(waiting & ~ports.group),
        ports.last.eq(left == 0),
        ports.sent.eq(ports.valid & ports.room),
        ports.taken.eq(ports.sent & ports.last),
    ]
    before: Value = Const(1, 1)  # all that wait below are passed on
    for lane in range(len(waiting)):
        here = Signal(name=f"passes_{lane}")  # what follows may be passed on, too
        m.d.comb += [here.eq(before & joins(lane)), ports.group[lane].eq(waiting[lane] & here)]
        before = here
    with m.If(ports.sent):
        m.d.sync += [split.eq(~ports.last), rest.eq(left)]
