"""The rows of the batch that was taken last, so that updates of their priorities need not name them.

Latency: 1 cycle from a draw to its place. Page: docs/hardware/programmers-guide.md, "Packed registers".
"""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from amper_spec.config import AmperConfig


class DrawnRows(wiring.Component):
    """Keeps the rows of a batch's draws as they are taken; the first draw of the next batch makes it forget them.

    Parameters
    ----------
    config : the configuration, with packed registers.

    Members
    -------
    take : In, a draw is taken: its ``row``, whether it is the ``last`` of its batch, and whether the batch was
        ``answered``; the one result of a refused request is no draw.
    next : In, not together with ``take``: go on behind ``rows``.
    rows : Out, the next two rows; left : Out, a bit each, whether they are there.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        super().__init__(
            {
                "take": In(1),
                "row": In(config.row_width),
                "last": In(1),
                "answered": In(1),
                "next": In(1),
                "rows": Out(config.row_width).array(2),
                "left": Out(2),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        pairs = max(2, -(-self._config.batch // 2))
        count = Signal(range(2 * pairs + 1))  # rows that are there
        used = Signal(range(pairs + 1))  # pairs that ``next`` has passed
        first = Signal(init=1)  # the next draw is the first of its batch
        place = Signal.like(count)
        m.d.comb += [
            place.eq(Mux(first, 0, count)),
            self.left[0].eq(count > used << 1),
            self.left[1].eq(count > (used << 1 | 1)),
        ]
        for half in range(2):  # rows at even and at odd places
            memory: Memory[int, Value] = Memory(
                shape=self._config.row_width, depth=1 << (pairs - 1).bit_length(), init=[]
            )
            m.submodules[f"half_{half}"] = memory
            write, read = memory.write_port(), memory.read_port(domain="comb")
            m.d.comb += [
                write.en.eq(self.take & self.answered & (place[0] == half)),
                write.addr.eq(place >> 1),
                write.data.eq(self.row),
                read.addr.eq(used),
                self.rows[half].eq(read.data),
            ]
        with m.If(self.take):
            m.d.sync += [first.eq(self.last), count.eq(Mux(self.answered, place + 1, 0))]
            with m.If(first):
                m.d.sync += used.eq(0)
        with m.If(self.next):
            m.d.sync += used.eq(used + 1)
        return m
