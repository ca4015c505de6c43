"""Match lines: one bit a row that says whether the row's priority fits the key.

Latency: 0 cycles. Page: docs/theory/rows.md.
"""

from __future__ import annotations

from amaranth.hdl import Module, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out


class MatchLines(wiring.Component):
    """Combinational match lines of a bank, for one search (docs/reference/algorithm.md, section 4).

    Parameters
    ----------
    rows : match lines. priority_width : Q, bits. range_match : two magnitude comparators a row, not a ternary one.

    Members
    -------
    priorities : In, ``rows`` codes.
    low, high : In, Q bits each, of a range match: low <= code <= high.
    zeros, ones : In, Q bits each, of a ternary match: bits that have to be 0, and to be 1. Made once for all rows of
        value and mask (``line_key``), they leave a row two gates a bit.
    match : Out, ``rows`` bits, 0 cycles later.
    """

    def __init__(self, *, rows: int, priority_width: int, range_match: bool) -> None:
        self._rows = rows
        self._range_match = range_match
        key = ("low", "high") if range_match else ("zeros", "ones")
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
            line = ~((code & self.zeros) | (~code & self.ones)).any()
        return line


def line_key(first: Value, second: Value, *, valid: Value, range_match: bool) -> dict[str, Value]:
    """What match lines take of a key: of low and high, those; of value and mask, the bits to be 0 and to be 1.

    Where it is not ``valid``, a key that no code matches; so the rows need not know.
    """
    never = ~valid
    if range_match:
        return {"low": first | never.replicate(len(first)), "high": second & valid.replicate(len(second))}
    return {"zeros": (~first & second) | never, "ones": (first & second) | never}
