"""How census, draws and row array are joined, with other variants beside exact or without."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring

from amper_hw.base.bits import any_of


def connect_planes(
    m: Module,
    writes: wiring.PureInterface,
    parameters: wiring.PureInterface,
    census: wiring.PureInterface,
    draws: wiring.PureInterface,
    array: wiring.PureInterface,
    scrub: Signal | None = None,
) -> None:
    """The one plane of the array goes to the census, or to the draws: never to both, since the census counts only after
    a change of the rows, and no row changes while a draw is to see them.

    ``scrub``: the census begins again, although nothing has changed.
    """
    wiring.connect(m, census.sums, draws.sums)
    wiring.connect(m, array.plane_count, census.count)
    changed = any_of(port.valid for port in writes.issue) | parameters.clear
    m.d.comb += [
        array.plane.index.eq(Mux(census.active, census.index, draws.plane.index)),
        census.changed.eq(changed if scrub is None else changed | scrub),
    ]
    if "zero" in array.plane.signature.members:
        m.d.comb += [
            census.clear.eq(parameters.clear),
            array.plane.zero.eq(census.zero),
            # In LUT RAM a census begins behind a cycle without one: here, that of the change that breaks one off.
            array.plane.census.eq(census.active & ~census.changed),
        ]
    else:
        m.d.comb += array.plane.census.eq(census.active)
    if "candidates" in array.plane.signature.members:
        m.d.comb += array.plane.candidates.eq(draws.plane.candidates & ~census.active)
