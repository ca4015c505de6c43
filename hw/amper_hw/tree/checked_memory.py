"""A memory with check bits beside each word, in a memory of their own that does the same two cycles later.

So the check bits are made in registers beside the word's way, which gets no longer. A word and its check bits are
compared as they lie in the memories: what was written to both by earlier cycles, and nothing else.

Latency: ``SYNDROME_CYCLES`` from an address to what is wrong with its word. Page: docs/hardware/upsets.md.
"""

from __future__ import annotations

from amaranth.hdl import Module
from amaranth.lib.wiring import In, Out

from amper_hw.base.bits import delayed, index_width
from amper_hw.base.modules import Composite, SharedModule
from amper_hw.tree.checks import CHECK_CYCLES, check_width, checks_of
from amper_hw.tree.memory import READ_CYCLES, memory

SYNDROME_CYCLES = READ_CYCLES + CHECK_CYCLES + 1


class CheckedMemory(Composite):
    """``memory.memory``, and what is wrong with the word that is read.

    Parameters
    ----------
    depth, blocks : of the memory. columns : of each bit of a word, the check bits that it turns.

    Members
    -------
    write_enable, write_address, write_data, read_address, read_data : as of ``memory.memory``.
    syndrome : Out, ``SYNDROME_CYCLES`` after the address: the check bits that are wrong. Anything, as ``read_data``,
        where the word was written in the very cycle of the address, or not since a reset.
    """

    def __init__(self, *, depth: int, blocks: bool, columns: tuple[int, ...]) -> None:
        depth = max(depth, 2)
        self._columns = columns
        self._words = memory(depth=depth, width=len(columns), blocks=blocks)
        self._checks = memory(depth=depth, width=check_width(columns), blocks=blocks)
        super().__init__(
            {
                "write_enable": In(1),
                "write_address": In(index_width(depth)),
                "write_data": In(len(columns)),
                "read_address": In(index_width(depth)),
                "read_data": Out(len(columns)),
                "syndrome": Out(check_width(columns)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        words = self.instantiate(m, "words", self._words)
        checks = self.instantiate(m, "checks", self._checks)
        m.d.comb += [
            words.write_enable.eq(self.write_enable),
            words.write_address.eq(self.write_address),
            words.write_data.eq(self.write_data),
            words.read_address.eq(self.read_address),
            self.read_data.eq(words.read_data),
            checks.write_enable.eq(delayed(m, self.write_enable, "enable", CHECK_CYCLES, reset_less=False)),
            checks.write_address.eq(delayed(m, self.write_address, "written", CHECK_CYCLES)),
            checks.write_data.eq(checks_of(m, self.write_data, self._columns, "stored")),
            checks.read_address.eq(delayed(m, self.read_address, "read", CHECK_CYCLES)),
        ]
        found = checks_of(m, words.read_data, self._columns, "found")
        m.d.comb += self.syndrome.eq(delayed(m, found ^ checks.read_data, "wrong"))
        return m


def tree_memory(*, depth: int, width: int, blocks: bool, columns: tuple[int, ...] | None) -> SharedModule:
    """A memory of the tree; with ``columns`` a checked one."""
    if columns is None:
        return memory(depth=depth, width=width, blocks=blocks)
    part = CheckedMemory(depth=depth, blocks=blocks, columns=columns)
    return SharedModule.of(f"amper_checked_memory_{max(depth, 2)}x{width}_{check_width(columns)}", part)
