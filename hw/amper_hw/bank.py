"""A bank: rows of priority codes with valid bits, their match lines and their part of the CSP bitmap."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import memory

from amper.config import AmperConfig
from amper_hw.bits import any_of, population, staged, total
from amper_hw.latency import is_deep
from amper_hw.match_line import MatchLines
from amper_hw.modules import Composite, SharedModule
from amper_hw.payload import array_signature, lane

COUNT_GROUP = 8  # rows counted together in the first stage of the population count


class Bank(Composite):
    """The leaf of the row array.

    In a deep pipeline every question is taken into a register first, so that long wires end at a register. Then it is
    done: rows are written, the match lines OR-ed into the CSP bitmap. The answers are registers
    (``latency.bank_answer_cycles``, ``latency.bank_count_cycles``). Reset makes all rows invalid.

    There are two bitmaps: one collects the matches, the other is drawn from; ``transfer`` copies the first to it.

    Parameters
    ----------
    config : the configuration. rows : rows of this bank, 1 to ``config.bank_rows``.

    Members: ``amper_hw.payload.array_signature``.
    """

    def __init__(self, config: AmperConfig, *, rows: int) -> None:
        self._config = config
        self._rows = rows
        self._deep = is_deep(config)
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
        written = self._write(m, rows, occupied)
        csp = self._search(m, rows, occupied, written)
        self._select(m, csp)
        if self._config.result_priority:
            self._read(m, rows)
        return m

    def _write(self, m: Module, rows: memory.Memory, occupied: Signal) -> Signal:
        """Store; returns the one-hot line of the row written in this stage."""
        # At most one lane writes to a bank in a cycle, so the lanes are OR-ed.
        lanes = staged(m, Cat(port.valid for port in self.write), "write_lanes", on=self._deep, reset_less=False)
        payloads = [Mux(port.valid, port.payload.as_value(), 0) for port in self.write]
        write = Signal.like(self.write[0].payload, name="write_payload", reset_less=True)
        m.d["sync" if self._deep else "comb"] += write.as_value().eq(any_of(payloads))
        clear = staged(m, self.clear, "clear_stage", on=self._deep, reset_less=False)
        written = Signal(self._rows)
        for row in range(self._rows):
            m.d.comb += written[row].eq(lanes.any() & (write.row == row))
        port = rows.write_port()
        m.d.comb += [port.addr.eq(write.row), port.data.eq(write.priority), port.en.eq(lanes.any() & ~write.invalidate)]
        m.d.sync += occupied.eq(Mux(write.invalidate, occupied & ~written, occupied | written))
        with m.If(clear):
            m.d.sync += occupied.eq(0)
        was_valid = (occupied & written).any()
        m.d.sync += [
            self.changed.added.eq(Mux(~write.invalidate & ~was_valid, lanes, 0)),
            self.changed.removed.eq(Mux(write.invalidate & was_valid, lanes, 0)),
        ]
        return written

    def _search(self, m: Module, rows: memory.Memory, occupied: Signal, written: Signal) -> Signal:
        """Match, accumulate and count; returns the bitmap of matches."""
        valid = staged(m, self.search.valid, "search_valid", on=self._deep, reset_less=False)
        key = Signal.like(self.search.payload, name="key", reset_less=True)
        m.d["sync" if self._deep else "comb"] += key.eq(self.search.payload)
        match = Signal(self._rows)
        m.d.comb += match.eq(self._match(m, rows, key) & occupied)
        csp = Signal(self._rows, reset_less=True)
        with m.If(valid & ~key.probe):
            m.d.sync += csp.eq(Mux(key.first, 0, csp) | match)
        m.d.sync += self.match.any.eq((match & ~Mux(key.probe, written, 0)).any())
        self._count(m, csp, valid & key.last & ~key.probe)
        return csp

    def _match(self, m: Module, rows: memory.Memory, key: Any) -> Value:
        """The match lines of all lanes, OR-ed."""
        config, ports = self._config, self._config.search_ports
        names = ("low", "high") if config.range_match else ("value", "mask")
        lines = MatchLines(rows=self._rows, priority_width=config.priority_width, range_match=config.range_match)
        part = SharedModule.of(f"amper_match_lines_{self._rows}", lines, clocked=False)
        instances = [self.instantiate(m, f"match_lines_{port}", part) for port in range(ports)]
        for row in range(self._rows):
            port = rows.read_port(domain="comb")
            m.d.comb += [port.addr.eq(row), *(one.priorities[row].eq(port.data) for one in instances)]
        for index, one in enumerate(instances):
            m.d.comb += [getattr(one, name).eq(lane(getattr(key, name), index, ports)) for name in names]
        return any_of(Mux(key.valid[index], one.match, 0) for index, one in enumerate(instances))

    def _count(self, m: Module, csp: Signal, complete: Value) -> None:
        """``complete``: the last search of the CSP enters the bitmap at the end of this cycle."""
        groups = [csp[low : low + COUNT_GROUP] for low in range(0, self._rows, COUNT_GROUP)]
        counts: list[Value] = [
            staged(m, population(group), f"partial_{index}", on=self._deep) for index, group in enumerate(groups)
        ]
        counted = staged(m, complete, "bitmap_complete", on=True, reset_less=False)
        counted = staged(m, counted, "partial_complete", on=self._deep, reset_less=False)
        m.d.sync += self.count.valid.eq(counted)
        with m.If(counted):
            m.d.sync += self.count.rows.eq(total(counts, most=self._rows))

    def _select(self, m: Module, csp: Signal) -> None:
        drawn = Signal(self._rows, reset_less=True)
        transfer = staged(m, self.transfer, "transfer_stage", on=self._deep, reset_less=False)
        with m.If(transfer):
            m.d.sync += drawn.eq(csp)
        for index, (select, selected) in enumerate(zip(self.select, self.selected, strict=True)):
            valid = staged(m, select.valid, f"select_valid_{index}", on=self._deep, reset_less=False)
            rank = staged(m, select.rank, f"rank_{index}", on=self._deep)
            m.d.sync += [
                selected.valid.eq(valid),
                # Zero when not asked, so that the tree above can OR its banks.
                selected.vector.eq(Mux(valid, drawn, 0)),
                selected.rank.eq(Mux(valid, rank, 0)),
            ]

    def _read(self, m: Module, rows: memory.Memory) -> None:
        for index, (read, data) in enumerate(zip(self.read, self.data, strict=True)):
            valid = staged(m, read.valid, f"read_valid_{index}", on=self._deep, reset_less=False)
            row = staged(m, read.row, f"read_row_{index}", on=self._deep)
            port = rows.read_port(domain="comb")
            m.d.comb += port.addr.eq(row)
            m.d.sync += data.priority.eq(Mux(valid, port.data, 0))
