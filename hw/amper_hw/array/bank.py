"""A bank: rows of priority codes with valid bits, their match lines and their part of the CSP bitmap.

Latency: ``latency.bank_any_cycles``, ``bank_answer_cycles`` and ``bank_count_cycles``. Page: docs/theory/rows.md.
"""

from __future__ import annotations

from collections.abc import Callable

from amaranth.hdl import Cat, Module, Mux, ResetSignal, Signal, Value
from amaranth.lib import data, wiring

from amper_hw.array.code_memory import codes_in_memory, read_codes
from amper_hw.array.count import GROUP, count_bits
from amper_hw.array.match_line import MatchLines, line_key
from amper_hw.array.row_storage import low_width, row_storage
from amper_hw.base.bits import any_of, staged, structure
from amper_hw.base.latency import is_deep
from amper_hw.base.modules import Composite, SharedModule
from amper_hw.base.payload import array_signature, lane
from amper_hw.base.variants import has_candidates, has_exact
from amper_hw.planes.rows import plane_rows, rank_answer
from amper_spec.config import AmperConfig

_MARKS = ("first", "last", "probe")  # of a search
TABLE_GROUP = 4  # of an OR in an FPGA: the inputs of a look-up table


class Bank(Composite):
    """The leaf of the row array.

    In a deep pipeline every question is taken into a register first, so that long wires end at a register. Then it is
    done: rows are written, the match lines OR-ed into the CSP bitmap. The answers are registers. Reset makes all rows
    invalid.

    There are two bitmaps: one collects the matches, the other is drawn from; ``transfer`` copies the first to it. With
    variant exact, a third one is the plane that the census counts or a draw selects from.

    Parameters
    ----------
    config : the configuration. rows : rows of this bank, 1 to ``config.bank_rows``.

    Members: ``amper_hw.base.payload.array_signature``.
    """

    def __init__(self, config: AmperConfig, *, rows: int) -> None:
        self._config = config
        self._rows = rows
        self._deep = is_deep(config)
        self._blocks = config.primitives == "blocks"
        super().__init__(array_signature(config, rows=rows))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        rows = self.instantiate(m, "storage", row_storage(self._config, rows=self._rows))
        write = self._write(m, rows)
        csp = self._search(m, rows) if has_candidates(self._config) else None
        if has_exact(self._config):
            self._planes(m, rows, None if csp is None else self._transferred(m, csp))
        else:
            assert csp is not None
            self._select(m, self._transferred(m, csp))
        if self._config.result_priority:
            self._read(m, rows, write)
        return m

    def _write(self, m: Module, rows: wiring.PureInterface) -> data.View:
        """Stores what the lanes bring; returns what is stored at the end of this cycle."""
        # At most one lane writes to a bank in a cycle, so the lanes are OR-ed.
        lanes = staged(m, Cat(port.valid for port in self.write), "write_lanes", on=self._deep, reset_less=False)
        write = structure(self.write[0].payload.shape(), "write_payload")
        if self._deep or len(self.write) > 1:
            payload = any_of(Mux(port.valid, port.payload.as_value(), 0) for port in self.write)
        else:
            # It goes straight to the rows. Of a latch whose data are 0 in some case, Yosys makes one whose data depend
            # on the clock that closes it.
            payload = self.write[0].payload.as_value()
        if has_exact(self._config):
            self._store_codes(m, rows, write, payload, lanes)
            if has_candidates(self._config):
                self._changed(m, rows, write, lanes)
            return write
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
        self._changed(m, rows, write, lanes)
        return write

    def _store_codes(
        self, m: Module, rows: wiring.PureInterface, write: data.View, payload: Value, lanes: Value
    ) -> None:
        """Without valid bits: a write that makes a row invalid, and a cycle without a write, come with code 0.

        Reset clears in the cycle after it, before anything meets the rows.
        """
        clear = Signal(name="clear_stage", init=1)
        cleared: Value = clear
        code: Value = write.priority
        if self._config.protected:
            before = structure(write.shape(), "write_before")
            m.d.comb += before.as_value().eq(payload)
            code = Cat(code, staged(m, before.priority.xor(), "write_parity", on=self._deep))
        if self._deep:
            m.d.sync += [write.as_value().eq(payload), clear.eq(self.clear)]
        else:
            m.d.comb += write.as_value().eq(payload)
            m.d.sync += clear.eq(0)
            cleared = clear | self.clear
        m.d.comb += [
            rows.write.eq(lanes.any()),
            rows.clear.eq(cleared),
            rows.row.eq(write.row),
            rows.code.eq(code),
        ]

    def _changed(self, m: Module, rows: wiring.PureInterface, write: data.View, lanes: Value) -> None:
        """Which lanes make a row valid that was not, or invalid that was valid."""
        was_valid = self._any(m, rows.occupied & rows.written, "was_valid")
        removes = staged(m, write.invalidate, "write_removes", on=self._deep)
        lanes = staged(m, lanes, "changing_lanes", on=self._deep, reset_less=False)
        m.d.sync += [
            self.changed.added.eq(Mux(~removes & ~was_valid, lanes, 0)),
            self.changed.removed.eq(Mux(removes & was_valid, lanes, 0)),
        ]

    def _any(self, m: Module, rows: Value, name: str) -> Value:
        """Whether any of ``rows`` is 1; in a deep pipeline a cycle later, so that no path goes through all of them."""
        size = TABLE_GROUP if self._blocks else GROUP
        groups = [rows[low : low + size].any() for low in range(0, self._rows, size)]
        return staged(m, Cat(groups), name, on=self._deep).any()

    def _search(self, m: Module, rows: wiring.PureInterface) -> Signal:
        """Match, accumulate and count; returns the bitmap of matches."""
        key = self.search.payload
        valid = staged(m, self.search.valid, "search_valid", on=self._deep, reset_less=False)
        first, last, probe = (staged(m, getattr(key, name), f"key_{name}", on=self._deep) for name in _MARKS)
        # A probe does not see the row that is written at the end of its cycle. Masked before the match line, an FPGA's
        # longest path is a table shorter; what a probe matches enters no bitmap.
        hidden = Mux(probe, rows.written, 0)
        match = Signal(self._rows)
        able = rows.occupied & ~hidden if self._blocks else rows.occupied
        m.d.comb += match.eq(self._match(m, rows) & able)
        csp = Signal(self._rows, reset_less=True)
        with m.If(valid & ~probe):
            m.d.sync += csp.eq(Mux(first, 0, csp) | match)
        m.d.sync += self.match.any.eq(self._any(m, match if self._blocks else match & ~hidden, "match"))
        count_bits(m, self._config, csp, valid & last & ~probe, self.count)
        return csp

    def _match(self, m: Module, rows: wiring.PureInterface) -> Value:
        """The match lines of all lanes, OR-ed."""
        config, ports = self._config, self._config.search_ports
        lines = MatchLines(rows=self._rows, priority_width=config.priority_width, range_match=config.range_match)
        part = SharedModule.of(f"amper_match_lines_{self._rows}", lines, clocked=False)
        names = ("low", "high") if config.range_match else ("value", "mask")
        matches = []
        for index in range(ports):
            one = self.instantiate(m, f"match_lines_{index}", part)
            m.d.comb += one.priorities.eq(rows.codes)
            codes = [lane(getattr(self.search.payload, name), index, ports) for name in names]
            valid = self.search.payload.valid[index]
            for name, code in line_key(*codes, valid=valid, range_match=config.range_match).items():
                m.d.comb += getattr(one, name).eq(staged(m, code, f"key_{name}_{index}", on=self._deep))
            matches.append(one.match)
        return any_of(matches)

    def _planes(self, m: Module, rows: wiring.PureInterface, drawn: Signal | None) -> None:
        """The rows of a plane, counted and selected from."""
        codes = [rows.codes[row] for row in range(self._rows)]
        members = plane_rows(m, self._config, self.plane, codes, drawn)
        census = staged(m, self.plane.census, "census_stage", on=self._deep, reset_less=False)
        count_bits(m, self._config, members, census, self.plane_count)
        for select, selected in zip(self.select, self.selected, strict=True):
            rank_answer(m, members, select, selected, only=self._rows == self._config.rows)

    def _transferred(self, m: Module, csp: Signal) -> Signal:
        """The bitmap to draw from."""
        drawn = Signal(self._rows, reset_less=True)
        transfer = staged(m, self.transfer, "transfer_stage", on=self._deep, reset_less=False)
        with m.If(transfer):
            m.d.sync += drawn.eq(csp)
        return drawn

    def _select(self, m: Module, drawn: Signal) -> None:
        for index, (select, selected) in enumerate(zip(self.select, self.selected, strict=True)):
            valid = staged(m, select.valid, f"select_valid_{index}", on=self._deep, reset_less=False)
            rank = staged(m, select.rank, f"rank_{index}", on=self._deep)
            m.d.sync += [
                selected.valid.eq(valid),
                # Zero when not asked, so that the tree above can OR its banks.
                selected.vector.eq(Mux(valid, drawn, 0)),
                selected.rank.eq(Mux(valid, rank, 0)),
            ]

    def _read(self, m: Module, rows: wiring.PureInterface, write: data.View) -> None:
        in_memory = self._blocks and self._rows > 1
        stored = rows.write, write.row, write.priority
        look_up = codes_in_memory(m, *stored, rows=self._rows) if in_memory else self._chosen(rows)
        read_codes(m, self._config, self.read, self.data, look_up)

    def _chosen(self, rows: wiring.PureInterface) -> Callable[[Value], Value]:
        """The code of a row, chosen from the rows: an AND-OR in two steps shares the decoder's gates among them."""
        low = low_width(self._rows)
        codes = [rows.codes[row][: self._config.priority_width] for row in range(self._rows)]
        parts = [codes[first : first + (1 << low)] for first in range(0, self._rows, 1 << low)]

        def code(row: Value) -> Value:
            chosen = [any_of(Mux(row[:low] == place, code, 0) for place, code in enumerate(part)) for part in parts]
            return any_of(Mux(row[low:] == place, code, 0) for place, code in enumerate(chosen))

        return code
