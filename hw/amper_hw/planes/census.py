"""The census: how many rows of each plane, and from that the sum of all priorities (algorithm.md, section 7).

Latency: ``latency.census_cycles`` from the last change of the rows to their sums.
Page: docs/hardware/exact.md.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base.bits import delayed, index_width
from amper_hw.base.latency import plane_count_cycles
from amper_hw.base.variants import in_lut_ram
from amper_hw.planes.ports import sums_signature
from amper_spec.config import AmperConfig


class Census(wiring.Component):
    """Counts all planes, one a cycle, whenever the rows have changed; a change before the last count starts it again.

    The first plane enters the row array in the cycle after the last change, and ``current`` is 1 ``census_cycles``
    after it. With H_k = S_k >> k, a count is one addition of L + 1 bits: H_(k+1) = (H_k + C_k) >> 1, and the bit that
    falls out is bit k of T; so S_k is H_k and the low k bits of T. With parity, the plane of the parity bits comes
    before plane 0; the counts of all add up to an even number, unless an odd number of bits has flipped.

    Parameters
    ----------
    config : the configuration, with variant exact built in.

    Members
    -------
    changed : In, a write or a clear enters the row array in this cycle; no draw may be on its way to its plane then.
    count : In {valid, rows}: what the row array answers to each plane.
    active, index : Out, this plane is to be counted in this cycle.
    current : Out, ``sums`` are those of all writes that have entered the row array.
    clear, zero : In, Out, where the rows are in LUT RAM: all rows are to become invalid, with ``changed``; the plane is
        to be cleared. This is so after reset, too. zeroing : Out, a plane is to be cleared in this or a later
        cycle: no write may be taken.
    sums : Out, ``sums_signature``; they stay until the next change.
    row_fault : Out, with parity: while ``current``, the rows' parity is wrong.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        self._zeroes = in_lut_ram(config)
        super().__init__(
            {
                "changed": In(1),
                "count": In(wiring.Signature({"valid": Out(1), "rows": Out(config.count_width)})),
                "active": Out(1),
                "index": Out(index_width(config.stored_width)),
                "current": Out(1),
                "sums": Out(sums_signature(config)),
                **({"clear": In(1), "zero": Out(1), "zeroing": Out(1)} if self._zeroes else {}),
                **({"row_fault": Out(1)} if config.protected else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        first, last = self._planes(m)
        self._sum(m, first)
        if self._config.protected:
            self._check(m, last)
        with m.If(last):
            m.d.sync += self.current.eq(1)
        with m.If(self.changed):
            m.d.sync += self.current.eq(0)
        return m

    def _planes(self, m: Module) -> tuple[Value, Value]:
        """Sends the planes; (the count of plane 0 comes now, the last count of a census that nothing disturbed)."""
        fresh = Signal(init=1)  # the first cycle after a reset, which has changed all rows
        planes, parity = self._config.priority_width, self._config.protected
        final = self.index == planes - 1
        after: Value = self.index + 1
        if parity:
            after = Mux(self.index == planes, 0, after)
        m.d.sync += fresh.eq(0)
        with m.If(self.changed | fresh):
            m.d.sync += [self.active.eq(1), self.index.eq(planes if parity else 0)]
        with m.Elif(self.active):
            m.d.sync += [self.index.eq(after), self.active.eq(~final)]
        if self._zeroes:
            self._zero(m, self.active & final)
        cycles = plane_count_cycles(self._config)
        first = delayed(m, self.active & (self.index == 0), "first_due", cycles, reset_less=False)
        due = Signal(cycles, name="last_due")  # a bit a cycle of its way; a change forgets them all
        m.d.sync += due.eq(Mux(self.changed, 0, Cat(self.active & final, due[:-1])))
        return first, due[-1]

    def _zero(self, m: Module, last: Value) -> None:
        """Clears all planes with the census that follows a clear; ``last``: the last of a census enters the array."""
        due = Signal(name="zeroing_due", init=1)
        m.d.comb += [self.zero.eq(self.active & due), self.zeroing.eq(self.clear | due)]
        m.d.sync += due.eq(self.clear | (due & ~last))

    def _sum(self, m: Module, first: Value) -> None:
        """A count that comes. What came of a census that was broken off is pushed out by the next one's Q counts."""
        planes = self._config.priority_width
        upper_width = len(self.sums.uppers[0])
        upper = Signal(upper_width, reset_less=True)  # H_(k+1)
        low = Signal(planes, reset_less=True)  # bits of T, the latest on top
        below = Signal(upper_width, name="upper_below")  # H_k
        added = Signal(upper_width + 1)
        m.d.comb += [
            below.eq(Mux(first, 0, upper)),
            added.eq(below + self.count.rows),
            self.sums.total.eq(Cat(low, upper)),
        ]
        uppers = [self.sums.uppers[index] for index in range(planes - 1)]  # of H_1 on
        with m.If(self.count.valid):
            m.d.sync += [upper.eq(added >> 1), low.eq(Cat(low[1:], added[0]))]
            m.d.sync += [here.eq(above) for here, above in zip(uppers, [*uppers[1:], below], strict=True)]

    def _check(self, m: Module, last: Value) -> None:
        """Whether the counts of all planes add up to an odd number. Those of a census that was broken off come before
        that of the parity bits, which begins anew."""
        parity_plane = self.active & (self.index == self._config.priority_width)
        begins = delayed(m, parity_plane, "parity_due", plane_count_cycles(self._config), reset_less=False)
        odd, now = Signal(name="odd_before", reset_less=True), Signal(name="odd_now")
        m.d.comb += now.eq(self.count.rows[0] ^ (odd & ~begins))
        with m.If(self.count.valid):
            m.d.sync += odd.eq(now)
        with m.If(last):
            m.d.sync += self.row_fault.eq(now)
