"""The row array: a tree of banks with registers at every node, so that no path grows with the number of rows.

Latency: ``latency.any_answer_cycles``, ``row_answer_cycles`` and ``count_cycles``. Page: docs/theory/hardware.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import wiring

from amper_hw.array.bank import Bank
from amper_hw.base.bits import any_of, carry_save_sum, delayed, encode, index_width, staged
from amper_hw.base.latency import is_deep, tree_levels
from amper_hw.base.modules import Composite, SharedModule
from amper_hw.base.payload import array_signature
from amper_hw.base.variants import has_candidates, has_exact, in_lut_ram
from amper_hw.parts.rank_select import choose
from amper_hw.planes.lut_ram.array import MemoryArray
from amper_hw.planes.lut_ram.bank import MemoryBank
from amper_hw.planes.running_sums import RunningSums, SumTable
from amper_spec.config import AmperConfig


class Node(Composite):
    """One level of the tree: registers to its children and back, the sum of their counts, the choice by rank.

    It adds ``latency.node_cycles`` on the way down and on the way up to every question and its answer.

    Parameters
    ----------
    config : the configuration. rows : rows below this node. level : levels of nodes from here down, 1 or more.

    Members: ``amper_hw.base.payload.array_signature``.
    """

    def __init__(self, config: AmperConfig, *, rows: int, level: int) -> None:
        self._config = config
        self._rows = rows
        self._deep = is_deep(config)
        self._domain = "sync" if self._deep else "comb"
        self._child_rows = config.bank_rows * config.fan_out ** (level - 1)
        self._sizes = [min(self._child_rows, rows - first) for first in range(0, rows, self._child_rows)]
        self._parts = [row_array(config, rows=size, level=level - 1) for size in self._sizes]
        super().__init__(array_signature(config, rows=rows, skewed=in_lut_ram(config)))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        children = [self.instantiate(m, f"child_{index}", part) for index, part in enumerate(self._parts)]
        self._write(m, children)
        prefixes: Sequence[Value] = []
        if has_candidates(self._config):
            self._changed(m, children)
            self._search(m, children)
            prefixes = self._prefixes(m, children)
        if has_exact(self._config):
            prefixes = self._planes(m, children, prefixes)
        for port in range(self._config.draw_ports):
            self._select(m, children, prefixes, port)
            if "read" in self.signature.members:
                self._read(m, children, port)
        return m

    def _below(self, row: Value, index: int) -> Value:
        """Whether ``row`` is below child ``index``."""
        low = (self._child_rows - 1).bit_length()
        return row[low:] == index if len(row) > low else Const(1, 1)

    def _write(self, m: Module, children: list[wiring.PureInterface]) -> None:
        for port, write in enumerate(self.write):
            payload = Signal.like(write.payload, name=f"write_{port}_register", reset_less=True)
            m.d[self._domain] += payload.eq(write.payload)
            for index, child in enumerate(children):
                m.d[self._domain] += child.write[port].valid.eq(write.valid & self._below(write.payload.row, index))
                m.d.comb += [
                    getattr(child.write[port].payload, name).eq(getattr(payload, name))
                    for name in payload.shape().members
                ]
        if "clear" in self.signature.members:
            clear = staged(m, self.clear, "clear_register", on=self._deep, reset_less=False)
            m.d.comb += [child.clear.eq(clear) for child in children]

    def _changed(self, m: Module, children: list[wiring.PureInterface]) -> None:
        m.d[self._domain] += [
            self.changed.added.eq(any_of(child.changed.added for child in children)),
            self.changed.removed.eq(any_of(child.changed.removed for child in children)),
        ]

    def _search(self, m: Module, children: list[wiring.PureInterface]) -> None:
        valid = staged(m, self.search.valid, "search_valid_register", on=self._deep, reset_less=False)
        transfer = staged(m, self.transfer, "transfer_register", on=self._deep, reset_less=False)
        key = Signal.like(self.search.payload, name="search_register", reset_less=True)
        m.d[self._domain] += key.eq(self.search.payload)
        for child in children:
            m.d.comb += [child.search.valid.eq(valid), child.search.payload.eq(key), child.transfer.eq(transfer)]
        m.d[self._domain] += [
            self.match.any.eq(Cat(child.match.any for child in children).any()),
            # All children answer in the same cycle: the first one's strobe stands for all.
            self.count.valid.eq(children[0].count.valid),
            self.count.rows.eq(carry_save_sum(m, [child.count.rows for child in children], "sum")),
        ]

    def _planes(self, m: Module, children: list[wiring.PureInterface], prefixes: Sequence[Value]) -> list[Value]:
        """Planes to the children and their counts back; returns the running sums for the rank that follows a plane."""
        names = list(self.plane.signature.members)
        plane = {
            name: staged(
                m,
                getattr(self.plane, name),
                f"plane_{name}_register",
                on=self._deep,
                reset_less=name not in ("census", "zero"),
            )
            for name in names
        }
        for child in children:
            m.d.comb += [getattr(child.plane, name).eq(value) for name, value in plane.items()]
        m.d[self._domain] += [
            self.plane_count.valid.eq(children[0].plane_count.valid),
            self.plane_count.rows.eq(carry_save_sum(m, [child.plane_count.rows for child in children], "plane_sum")),
        ]
        kept_in = SumTable if in_lut_ram(self._config) else RunningSums
        sums = kept_in(m, self._config, children, child_rows=self._child_rows)
        return sums.look_up(m, plane["index"], plane.get("candidates"), prefixes)

    def _prefixes(self, m: Module, children: list[wiring.PureInterface]) -> list[Signal]:
        """Rows of the CSP drawn from that lie in the children before each one but the first.

        A count comes before its CSP is transferred or after. In the first case it waits for the transfer, since until
        then draws use the prefixes of the CSP before. The sums are a register of their own: draws come later than that.
        """
        counted = delayed(m, children[0].count.valid, "summed", reset_less=False)
        waiting = Signal(name="count_waiting")  # the latest count belongs to a CSP that was not transferred yet
        uncounted = Signal()  # the count of the CSP that was transferred last has not come yet
        with m.If(self.transfer):
            m.d.sync += [waiting.eq(0), uncounted.eq(~waiting & ~counted)]
        with m.Elif(counted):
            m.d.sync += [waiting.eq(~uncounted), uncounted.eq(0)]
        direct = Signal()
        m.d.comb += direct.eq(counted & (uncounted | self.transfer))
        prefixes = []
        for index in range(1, len(children)):
            width = (self._child_rows * index).bit_length()
            latest = Signal(width, name=f"latest_{index}", reset_less=True)
            prefix = Signal(width, name=f"prefix_{index}", reset_less=True)
            counts = [child.count.rows for child in children[:index]]
            with m.If(children[0].count.valid):
                m.d.sync += latest.eq(carry_save_sum(m, counts, f"sum_{index}"))
            with m.If(direct | self.transfer):
                m.d.sync += prefix.eq(latest)
            prefixes.append(prefix)
        return prefixes

    def _select(self, m: Module, children: list[wiring.PureInterface], prefixes: Sequence[Value], port: int) -> None:
        select, selected = self.select[port], self.selected[port]
        answers = [child.selected[port] for child in children]
        chosen, remainder = choose(select.rank, prefixes)
        rank = staged(m, remainder[: index_width(self._child_rows)], f"rank_{port}", on=self._deep)
        for child, hit in zip(children, chosen, strict=True):
            m.d[self._domain] += child.select[port].valid.eq(select.valid & hit)
            m.d.comb += child.select[port].rank.eq(rank)
        m.d[self._domain] += [
            selected.valid.eq(any_of(answer.valid for answer in answers)),
            selected.vector.eq(any_of(answer.vector for answer in answers)),
            selected.rank.eq(any_of(answer.rank for answer in answers)),
        ]
        if self._rows <= self._config.bank_rows:
            return  # a single bank has no index
        banks_per_child = self._child_rows // self._config.bank_rows
        index = encode([answer.valid for answer in answers])
        if banks_per_child == 1:
            m.d[self._domain] += selected.bank.eq(index)
            return
        # A child that was not selected answers 0; a child of one bank has no index.
        below = zip(answers, self._sizes, strict=True)
        low = Signal(index_width(banks_per_child), name=f"bank_below_{port}")
        m.d.comb += low.eq(any_of(answer.bank for answer, size in below if size > self._config.bank_rows))
        m.d[self._domain] += selected.bank.eq(Cat(low, index))

    def _read(self, m: Module, children: list[wiring.PureInterface], port: int) -> None:
        read = self.read[port]
        row = staged(m, read.row, f"read_{port}_register", on=self._deep)
        for index, child in enumerate(children):
            m.d[self._domain] += child.read[port].valid.eq(read.valid & self._below(read.row, index))
            m.d.comb += child.read[port].row.eq(row)
        m.d[self._domain] += self.data[port].priority.eq(any_of(child.data[port].priority for child in children))


def row_array(config: AmperConfig, *, rows: int, level: int) -> SharedModule:
    """The module of ``rows`` rows: a bank at level 0, else a tree of that many levels of nodes."""
    in_memory = in_lut_ram(config)
    signature = array_signature(config, rows=rows, skewed=in_memory)
    if level == 0:
        bank = MemoryBank if in_memory else Bank
        return SharedModule(f"amper_bank_{rows}", signature, lambda: bank(config, rows=rows))
    return SharedModule(f"amper_node_{level}_{rows}", signature, lambda: Node(config, rows=rows, level=level))


def whole_array(config: AmperConfig) -> SharedModule:
    """The array of a configuration, all n rows."""
    array = row_array(config, rows=config.rows, level=tree_levels(config))
    if not in_lut_ram(config):
        return array
    return SharedModule.of("amper_memory_array", MemoryArray(config, array))
