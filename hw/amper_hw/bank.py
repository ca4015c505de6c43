"""A bank: rows of priority codes with valid bits, their match lines and their part of the CSP bitmap."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, ResetSignal, Signal, Value

from amper.config import AmperConfig
from amper_hw.bits import any_of, population, staged, total
from amper_hw.latency import is_deep
from amper_hw.match_line import MatchLines, line_key
from amper_hw.modules import Composite, SharedModule
from amper_hw.payload import array_signature, lane
from amper_hw.row_storage import low_width, row_storage

_MARKS = ("first", "last", "probe")  # of a search
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
        rows = self.instantiate(m, "storage", row_storage(self._config, rows=self._rows))
        self._write(m, rows)
        csp = self._search(m, rows)
        self._select(m, csp)
        if self._config.result_priority:
            self._read(m, rows)
        return m

    def _write(self, m: Module, rows: Any) -> None:
        # At most one lane writes to a bank in a cycle, so the lanes are OR-ed.
        lanes = staged(m, Cat(port.valid for port in self.write), "write_lanes", on=self._deep, reset_less=False)
        write = Signal.like(self.write[0].payload, name="write_payload")
        payload = any_of(Mux(port.valid, port.payload.as_value(), 0) for port in self.write)
        become_valid = any_of(port.valid & ~port.payload.invalidate for port in self.write) & ~self.clear
        # Reset clears like any other question: in a deep pipeline one cycle later, before anything meets the rows.
        clear = Signal(name="clear_stage", init=self._deep)
        valid = Signal(name="write_becomes_valid")
        if self._deep:
            m.d.sync += [write.as_value().eq(payload), clear.eq(self.clear), valid.eq(become_valid)]
        else:
            m.d.comb += [write.as_value().eq(payload), clear.eq(self.clear | ResetSignal())]
            m.d.comb += valid.eq(become_valid & ~ResetSignal())
        m.d.comb += [
            rows.write.eq(lanes.any()),
            rows.clear.eq(clear),
            rows.row.eq(write.row),
            rows.code.eq(write.priority),
            rows.valid.eq(valid),
        ]
        was_valid = (rows.occupied & rows.written).any()
        m.d.sync += [
            self.changed.added.eq(Mux(~write.invalidate & ~was_valid, lanes, 0)),
            self.changed.removed.eq(Mux(write.invalidate & was_valid, lanes, 0)),
        ]

    def _search(self, m: Module, rows: Any) -> Signal:
        """Match, accumulate and count; returns the bitmap of matches."""
        key = self.search.payload
        valid = staged(m, self.search.valid, "search_valid", on=self._deep, reset_less=False)
        first, last, probe = (staged(m, getattr(key, name), f"key_{name}", on=self._deep) for name in _MARKS)
        match = Signal(self._rows)
        m.d.comb += match.eq(self._match(m, rows) & rows.occupied)
        csp = Signal(self._rows, reset_less=True)
        with m.If(valid & ~probe):
            m.d.sync += csp.eq(Mux(first, 0, csp) | match)
        m.d.sync += self.match.any.eq((match & ~Mux(probe, rows.written, 0)).any())
        self._count(m, csp, valid & last & ~probe)
        return csp

    def _match(self, m: Module, rows: Any) -> Value:
        """The match lines of all lanes, OR-ed."""
        config, ports = self._config, self._config.search_ports
        lines = MatchLines(rows=self._rows, priority_width=config.priority_width, range_match=config.range_match)
        part = SharedModule.of(f"amper_match_lines_{self._rows}", lines, clocked=False)
        asked = staged(m, self.search.payload.valid, "key_valid", on=self._deep)
        names = ("low", "high") if config.range_match else ("value", "mask")
        matches = []
        for index in range(ports):
            one = self.instantiate(m, f"match_lines_{index}", part)
            m.d.comb += one.priorities.eq(rows.codes)
            codes = [lane(getattr(self.search.payload, name), index, ports) for name in names]
            for name, code in line_key(*codes, range_match=config.range_match).items():
                m.d.comb += getattr(one, name).eq(staged(m, code, f"key_{name}_{index}", on=self._deep))
            matches.append(Mux(asked[index], one.match, 0))
        return any_of(matches)

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

    def _read(self, m: Module, rows: Any) -> None:
        low = low_width(self._rows)
        codes = [rows.codes[row] for row in range(self._rows)]
        parts = [codes[first : first + (1 << low)] for first in range(0, self._rows, 1 << low)]
        for index, (read, data) in enumerate(zip(self.read, self.data, strict=True)):
            valid = staged(m, read.valid, f"read_valid_{index}", on=self._deep, reset_less=False)
            row = staged(m, read.row, f"read_row_{index}", on=self._deep)
            # An AND-OR in two steps shares the decoder's gates among the rows.
            chosen = [any_of(Mux(row[:low] == place, code, 0) for place, code in enumerate(part)) for part in parts]
            code = any_of(Mux(row[low:] == place, code, 0) for place, code in enumerate(chosen))
            m.d.sync += data.priority.eq(Mux(valid, code, 0))
