"""A bank whose rows lie in LUT RAM, transposed: a word is a plane of four rows.

Latency: that of ``amper_hw.array.bank.Bank``; in a deep pipeline, a cycle more to the answer to a rank.
Page: docs/hardware/exact.md.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

from amper_hw.array.code_memory import codes_in_memory, read_codes
from amper_hw.array.count import count_bits
from amper_hw.base.bits import any_of, staged
from amper_hw.base.latency import is_deep
from amper_hw.base.modules import Composite
from amper_hw.base.payload import array_signature
from amper_hw.planes.lut_ram.memory import plane_memory
from amper_hw.planes.lut_ram.skew import COLUMNS, group_of, layers, skew_width, vector_width
from amper_spec.config import AmperConfig


class MemoryBank(Composite):
    """The leaf of the row array where the rows need not show their codes.

    Memory ``low`` holds plane k of group ``low ^ k`` at address k. A plane has the same address in all memories; a
    write of group g has ``low ^ g`` in memory ``low``. So each bit of an address is one of two lines, the same for all,
    and whoever asks sets both lines: to the plane's bit, or to the group's and its complement. A write reads its words,
    and stores them with one column changed, within the cycle.

    Nothing resets the memories: all planes with ``zero``, one a cycle, do.

    Parameters
    ----------
    config : the configuration. rows : rows of this bank, 1 to ``config.bank_rows``.

    Members: ``amper_hw.base.payload.array_signature``, ``skewed``.
    """

    def __init__(self, config: AmperConfig, *, rows: int) -> None:
        self._config = config
        self._rows = rows
        self._deep = is_deep(config)
        self._memories = 1 << skew_width(config)  # of a layer of a block
        self._blocks = vector_width(config, rows) // (COLUMNS * self._memories)
        super().__init__(array_signature(config, rows=rows, skewed=True))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self._take(m)
        words = self._words(m)
        members = any_of(Mux(here, Cat(word), 0) for here, word in zip(self._asked, words, strict=True))
        rows = Signal(len(members), name="plane_rows", reset_less=True)
        m.d.sync += rows.eq(Mux(self._zero, 0, members))
        census = self._staged(m, self.plane.census, "census_stage", reset_less=False)
        count_bits(m, self._config, rows, census, self.plane_count)
        self._answer(m, rows)
        if "read" in self.signature.members:
            stored = self._write, self._row, self._code
            look_up = codes_in_memory(m, *stored, rows=max(self._rows, 2))
            read_codes(m, self._config, self.read, self.data, look_up)
        return m

    def _staged(self, m: Module, value: Value, name: str, *, reset_less: bool = True) -> Signal:
        return staged(m, value, name, on=self._deep, reset_less=reset_less)

    def _take(self, m: Module) -> None:
        """Takes what is asked; at most one lane writes to a bank in a cycle, so the lanes are OR-ed."""
        write = any_of(port.valid for port in self.write)
        row = any_of(Mux(port.valid, port.payload.row, 0) for port in self.write)
        code = any_of(Mux(port.valid, port.payload.priority, 0) for port in self.write)
        group = group_of(self._config, row)
        plane = self.plane.index[: len(group)]
        column = row[: COLUMNS.bit_length() - 1]
        self._write = self._staged(m, write, "write_stage", reset_less=False)
        self._zero = self._staged(m, self.plane.zero, "zero_stage", reset_less=False)
        self._row = self._staged(m, row, "write_row")
        self._code = self._staged(m, code, "write_code")
        self._even = self._staged(m, Mux(write, group, plane), "even_line")
        self._odd = self._staged(m, Mux(write, ~group, plane), "odd_line")
        self._asked: Value = Const(1, 1)
        if layers(self._config) > 1:
            layer = self.plane.index[len(group) :]
            asked = Cat(layer == number for number in range(layers(self._config)))
            self._asked = self._staged(m, asked, "asked_layers")
        # In a plane with zero nothing is written, so that all columns take a code of 0.
        columns = Cat(self.plane.zero | (column == index) for index in range(COLUMNS))
        self._columns = self._staged(m, columns, "columns")

    def _words(self, m: Module) -> list[list[Value]]:
        """What all memories have at their addresses, by layer."""
        skew = skew_width(self._config)
        block = self._row[COLUMNS.bit_length() - 1 + skew :]
        words: list[list[Value]] = []
        for number in range(layers(self._config)):
            words.append([])
            for place in range(self._blocks):
                stored = Signal(name=f"stored_{number}_{place}")
                here = block == place if self._blocks > 1 else Const(1, 1)
                m.d.comb += stored.eq((self._write & here) | (self._zero & self._asked[number]))
                for low in range(self._memories):
                    bit = self._code[number << skew | low]
                    name = f"planes_{number}_{place << skew | low}"
                    words[-1].append(self._memory(m, name, low, stored, bit))
        return words

    def _memory(self, m: Module, name: str, low: int, stored: Value, bit: Value) -> Value:
        width = skew_width(self._config)
        memory = self.instantiate(m, name, plane_memory(address_width=width))
        lines = [(self._odd if low >> index & 1 else self._even)[index] for index in range(width)]
        m.d.comb += [
            memory.address.eq(Cat(lines)),
            memory.store.eq(stored),
            memory.columns.eq(self._columns),
            memory.value.eq(bit),
        ]
        word: Value = memory.word
        return word

    def _answer(self, m: Module, rows: Value) -> None:
        """The rows beside the rank that follows the plane; 0 when not asked, so that the tree above can OR its banks.

        In a deep pipeline in a register, whose reset costs an FPGA nothing and saves it a table a row.
        """
        domain = "sync" if self._deep else "comb"
        for select, selected in zip(self.select, self.selected, strict=True):
            m.d[domain] += [
                selected.valid.eq(select.valid),
                selected.vector.eq(Mux(select.valid, rows, 0)),
                selected.rank.eq(Mux(select.valid, select.rank, 0)),
            ]
