"""A node's part in the exact draw: for every plane, how many of its rows lie below each child."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory

from amper_hw.base.bits import any_of, carry_save_sum, index_width, staged
from amper_hw.base.latency import is_deep
from amper_spec.config import AmperConfig


class RunningSums:
    """Q words, one a plane, each with the running sums of the children's counts.

    The census counts the planes in order, so the words move up by one at each count, and nobody has to say which plane
    it is: after all Q, each is in its place.

    Parameters
    ----------
    config : the configuration. children : the ports of the node's children. child_rows : rows of each but the last.
    """

    def __init__(
        self, m: Module, config: AmperConfig, children: list[wiring.PureInterface], *, child_rows: int
    ) -> None:
        self._config = config
        counts = [child.plane_count.rows for child in children]
        self._words: list[list[Signal]] = []  # by child but the first, then by plane
        for index in range(1, len(children)):
            width = (child_rows * index).bit_length()
            words = [
                Signal(width, name=f"plane_{plane}_below_{index}", reset_less=True)
                for plane in range(config.priority_width)
            ]
            latest = carry_save_sum(m, counts[:index], f"planes_below_{index}")
            with m.If(children[0].plane_count.valid):
                m.d.sync += [word.eq(after) for word, after in zip(words, [*words[1:], latest], strict=True)]
            self._words.append(words)

    def look_up(self, m: Module, plane: Value, candidates: Value | None, prefixes: Sequence[Value]) -> list[Value]:
        """The running sums of ``plane``, a cycle later; those of the CSP, ``prefixes``, where ``candidates``."""
        sums: list[Value] = []
        for index, words in enumerate(self._words):
            chosen = any_of(Mux(plane == number, word, 0) for number, word in enumerate(words))
            if prefixes:
                # As they were when the plane came: a transfer in the same cycle is for the next one.
                prefix = staged(m, prefixes[index], f"prefix_before_{index + 1}", on=is_deep(self._config))
                chosen = Mux(candidates, prefix, chosen)
            sums.append(staged(m, chosen, f"plane_prefix_{index + 1}", on=True))
        return sums


class SumTable:
    """``RunningSums`` in LUT RAM, a word a plane.

    The counts of a census come without a gap and, after a cycle without one, from plane 0 on: so a counter is enough to
    know whose they are.

    Parameters
    ----------
    config : the configuration. children : the ports of the node's children. child_rows : rows of each but the last.
    """

    def __init__(
        self, m: Module, config: AmperConfig, children: list[wiring.PureInterface], *, child_rows: int
    ) -> None:
        counts = [child.plane_count.rows for child in children]
        widths = [(child_rows * index).bit_length() for index in range(1, len(children))]
        sums = []
        for index, width in enumerate(widths, start=1):
            below = Signal(width, name=f"below_{index}")
            m.d.comb += below.eq(carry_save_sum(m, counts[:index], f"planes_below_{index}"))
            sums.append(below)
        self._widths = widths
        if not widths:
            return  # a single child
        self._table: Memory[int, Value] = Memory(shape=sum(widths), depth=config.priority_width, init=[])
        m.submodules.sums = self._table
        plane = Signal(index_width(config.priority_width), name="counted_plane")
        counted = children[0].plane_count.valid
        m.d.sync += plane.eq(Mux(counted, plane + 1, 0))
        port = self._table.write_port()
        m.d.comb += [port.en.eq(counted), port.addr.eq(plane), port.data.eq(Cat(sums))]

    def look_up(self, m: Module, plane: Value, candidates: Value | None, prefixes: Sequence[Value]) -> list[Value]:
        """The running sums of ``plane``, a cycle later; there is no CSP beside them."""
        sums: list[Value] = []
        if not self._widths:
            return sums
        port = self._table.read_port(domain="comb")
        m.d.comb += port.addr.eq(plane)
        low = 0
        for index, width in enumerate(self._widths, start=1):
            sums.append(staged(m, port.data[low : low + width], f"plane_prefix_{index}", on=True))
            low += width
        return sums
