"""Ternary match lines: one bit a row that says whether the row's priority equals the key where the mask is 1."""

from __future__ import annotations

from amaranth.hdl import Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out


class TernaryMatchLines(wiring.Component):
    """Combinational match lines of a bank (docs/algorithm.md, section 4).

    Parameters
    ----------
    rows : match lines. priority_width : Q, bits.

    Members
    -------
    priorities : In, ``rows`` codes. occupied : In, ``rows`` bits, the valid bits.
    value, mask : In, Q bits each; mask 1 = compare.
    match : Out, ``rows`` bits, 0 cycles later.
    """

    def __init__(self, *, rows: int, priority_width: int) -> None:
        self._rows = rows
        super().__init__(
            {
                "priorities": In(data.ArrayLayout(priority_width, rows)),
                "occupied": In(rows),
                "value": In(priority_width),
                "mask": In(priority_width),
                "match": Out(rows),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for row in range(self._rows):
            difference = (self.priorities[row] ^ self.value) & self.mask
            m.d.comb += self.match[row].eq(self.occupied[row] & (difference == 0))
        return m
