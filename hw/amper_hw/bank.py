"""A bank: rows of priority codes with valid bits, their match lines and their part of the CSP bitmap."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import memory

from amper.config import AmperConfig
from amper_hw.bits import population
from amper_hw.match_line import TernaryMatchLines
from amper_hw.modules import Composite, SharedModule
from amper_hw.payload import array_signature, key_layout

COUNT_GROUP = 8  # rows counted together in the first stage of the population count


class Bank(Composite):
    """The leaf of the row array.

    Every question is taken into a register first, so that long wires end at a register. One stage later it has been
    done: rows are written, the match lines OR-ed into the CSP bitmap; ``match``, ``selected`` and ``data`` are answered
    2 cycles after the question, ``count`` after 4. Reset makes all rows invalid.

    Parameters
    ----------
    config : the configuration. rows : rows of this bank, 1 to ``config.bank_rows``.

    Members: ``amper_hw.payload.array_signature``.
    """

    ANSWER_LATENCY = 2
    COUNT_LATENCY = 4

    def __init__(self, config: AmperConfig, *, rows: int) -> None:
        self._config = config
        self._rows = rows
        super().__init__(array_signature(config, rows=rows))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # Flip-flops, whatever memories the target has: every row is compared at once. A memory of one row would have an
        # address without bits, which Verilog cannot say; its second row is never used.
        rows: memory.Memory = memory.Memory(
            shape=self._config.priority_width, depth=max(2, self._rows), init=[], attrs={"ram_style": "registers"}
        )
        m.submodules.priorities = rows
        occupied = Signal(self._rows)
        match_lines = TernaryMatchLines(rows=self._rows, priority_width=self._config.priority_width)
        part = SharedModule.of(f"amper_match_lines_{self._rows}", match_lines, clocked=False)
        lines = self.instantiate(m, "match_lines", part)
        for row in range(self._rows):
            port = rows.read_port(domain="comb")
            m.d.comb += [port.addr.eq(row), lines.priorities[row].eq(port.data)]
        m.d.comb += lines.occupied.eq(occupied)

        written = self._write(m, rows, occupied)
        csp = self._search(m, lines, written)
        self._select(m, csp)
        self._read(m, rows)
        return m

    def _write(self, m: Module, rows: memory.Memory, occupied: Signal) -> Signal:
        """Store; returns the one-hot line of the row written in this stage."""
        valid = Signal()
        write = Signal.like(self.write.payload, reset_less=True)
        m.d.sync += [valid.eq(self.write.valid), write.eq(self.write.payload)]
        written = Signal(self._rows)
        for row in range(self._rows):
            m.d.comb += written[row].eq(valid & (write.row == row))
        port = rows.write_port()
        m.d.comb += [port.addr.eq(write.row), port.data.eq(write.priority), port.en.eq(valid & ~write.invalidate)]
        m.d.sync += occupied.eq(Mux(write.invalidate, occupied & ~written, occupied | written))
        return written

    def _search(self, m: Module, lines: Any, written: Signal) -> Signal:
        """Match, accumulate and count; returns the CSP bitmap."""
        valid = Signal()
        key = Signal(key_layout(self._config), reset_less=True)
        m.d.sync += [valid.eq(self.search.valid), key.eq(self.search.payload)]
        m.d.comb += [lines.value.eq(key.value), lines.mask.eq(key.mask)]
        csp = Signal(self._rows, reset_less=True)
        with m.If(valid & ~key.probe):
            m.d.sync += csp.eq(Mux(key.first, 0, csp) | lines.match)
        m.d.sync += [self.match.valid.eq(valid & key.probe), self.match.any.eq((lines.match & ~written).any())]

        complete = Signal(2)  # the last search has reached: the bitmap, the partial counts
        partial = [
            Signal(COUNT_GROUP.bit_length(), name=f"partial_{low}", reset_less=True)
            for low in range(0, self._rows, COUNT_GROUP)
        ]
        for index, part in enumerate(partial):
            m.d.sync += part.eq(population(csp[index * COUNT_GROUP : (index + 1) * COUNT_GROUP]))
        m.d.sync += [
            complete.eq(Cat(valid & key.last & ~key.probe, complete[0])),
            self.count.valid.eq(complete[1]),
        ]
        with m.If(complete[1]):
            m.d.sync += self.count.rows.eq(sum(partial))
        return csp

    def _select(self, m: Module, csp: Signal) -> None:
        valid = Signal()
        rank = Signal.like(self.select.rank, reset_less=True)
        m.d.sync += [
            valid.eq(self.select.valid),
            rank.eq(self.select.rank),
            self.selected.valid.eq(valid),
            # Zero when not asked, so that the tree above can OR its banks.
            self.selected.vector.eq(Mux(valid, csp, 0)),
            self.selected.rank.eq(Mux(valid, rank, 0)),
        ]

    def _read(self, m: Module, rows: memory.Memory) -> None:
        valid = Signal()
        row = Signal.like(self.read.row, reset_less=True)
        port = rows.read_port(domain="comb")
        m.d.comb += port.addr.eq(row)
        m.d.sync += [
            valid.eq(self.read.valid),
            row.eq(self.read.row),
            self.data.valid.eq(valid),
            self.data.priority.eq(Mux(valid, port.data, 0)),
        ]
