"""Match lines: one bit a row that says whether the row's priority fits the key."""

from __future__ import annotations

from amaranth.hdl import Module, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out


class MatchLines(wiring.Component):
    """Combinational match lines of a bank, for one search (docs/algorithm.md, section 4).

    Parameters
    ----------
    rows : match lines. priority_width : Q, bits. range_match : two magnitude comparators a row, not a ternary one.

    Members
    -------
    priorities : In, ``rows`` codes.
    low, high : In, Q bits each, of a range match: low <= code <= high.
    value, mask : In, Q bits each, of a ternary match: the code equals value where mask is 1.
    match : Out, ``rows`` bits, 0 cycles later.
    """

    def __init__(self, *, rows: int, priority_width: int, range_match: bool) -> None:
        self._rows = rows
        self._range_match = range_match
        key = ("low", "high") if range_match else ("value", "mask")
        super().__init__(
            {
                "priorities": In(data.ArrayLayout(priority_width, rows)),
                **{name: In(priority_width) for name in key},
                "match": Out(rows),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for row in range(self._rows):
            m.d.comb += self.match[row].eq(self._matches(self.priorities[row]))
        return m

    def _matches(self, code: Value) -> Value:
        line: Value
        if self._range_match:
            line = (code >= self.low) & (code <= self.high)
        else:
            line = ((code ^ self.value) & self.mask) == 0
        return line
