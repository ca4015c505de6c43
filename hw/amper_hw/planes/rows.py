"""A bank's part in the exact draw: which of its rows are in a plane."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring

from amper_hw.base.bits import staged
from amper_hw.base.latency import is_deep
from amper_hw.base.variants import has_both
from amper_spec.config import AmperConfig


def plane_rows(
    m: Module, config: AmperConfig, plane: wiring.PureInterface, codes: list[Value], drawn: Value | None
) -> Signal:
    """The rows with bit ``plane.index`` set, or the bitmap ``drawn``, ``plane_lead_cycles`` after the plane.

    One line a plane for all rows, so that a row is an AND-OR. Both the census and the draws look at it.
    """
    deep = is_deep(config)
    asked = Cat(plane.index == index for index in range(config.stored_width))
    lines = staged(m, asked, "plane_lines", on=deep)
    rows = Signal(len(codes), name="plane_rows", reset_less=True)
    members: Value = Cat((code & lines).any() for code in codes)
    if has_both(config):
        members = Mux(staged(m, plane.candidates, "plane_candidates", on=deep), drawn, members)
    m.d.sync += rows.eq(members)
    return rows


def rank_answer(
    m: Module, rows: Value, select: wiring.PureInterface, selected: wiring.PureInterface, *, only: bool
) -> None:
    """The plane's rows beside the rank that follows it.

    0 when not asked, so that the tree above can OR its banks, unless this is the ``only`` one.
    """
    m.d.comb += [
        selected.valid.eq(select.valid),
        selected.vector.eq(rows if only else Mux(select.valid, rows, 0)),
        selected.rank.eq(select.rank if only else Mux(select.valid, select.rank, 0)),
    ]
