"""The row array: a tree of banks with registers at every node, so that no path grows with the number of rows."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, Value

from amper.config import AmperConfig
from amper_hw.bank import Bank
from amper_hw.bits import any_of, encode, index_width
from amper_hw.latency import tree_levels
from amper_hw.modules import Composite, SharedModule
from amper_hw.payload import array_signature
from amper_hw.rank_select import choose


class Node(Composite):
    """One level of the tree: registers to its children and back, the sum of their counts, the choice by rank.

    It adds one cycle on the way down and one on the way up to every question and its answer.

    Parameters
    ----------
    config : the configuration. rows : rows below this node. level : levels of nodes from here down, 1 or more.

    Members: ``amper_hw.payload.array_signature``.
    """

    def __init__(self, config: AmperConfig, *, rows: int, level: int) -> None:
        self._config = config
        self._child_rows = config.bank_rows * config.fan_out ** (level - 1)
        sizes = [min(self._child_rows, rows - first) for first in range(0, rows, self._child_rows)]
        self._parts = [row_array(config, rows=size, level=level - 1) for size in sizes]
        super().__init__(array_signature(config, rows=rows))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        children = [self.instantiate(m, f"child_{index}", part) for index, part in enumerate(self._parts)]
        self._write_and_read(m, children)
        self._search(m, children)
        self._select(m, children)
        return m

    def _write_and_read(self, m: Module, children: list[Any]) -> None:
        below = (self._child_rows - 1).bit_length()
        write = Signal.like(self.write.payload, name="write_register", reset_less=True)
        row = Signal.like(self.read.row, name="read_register", reset_less=True)
        m.d.sync += [write.eq(self.write.payload), row.eq(self.read.row)]
        for index, child in enumerate(children):
            m.d.sync += [
                child.write.valid.eq(self.write.valid & self._is_in(self.write.payload.row, below, index)),
                child.read.valid.eq(self.read.valid & self._is_in(self.read.row, below, index)),
            ]
            m.d.comb += [
                child.write.payload.row.eq(write.row),
                child.write.payload.priority.eq(write.priority),
                child.write.payload.invalidate.eq(write.invalidate),
                child.read.row.eq(row),
            ]
        m.d.sync += [
            self.data.valid.eq(any_of(child.data.valid for child in children)),
            self.data.priority.eq(any_of(child.data.priority for child in children)),
        ]

    @staticmethod
    def _is_in(row: Value, below: int, index: int) -> Value:
        return row[below:] == index if len(row) > below else Const(1, 1)

    def _search(self, m: Module, children: list[Any]) -> None:
        valid = Signal(name="search_valid_register")
        key = Signal.like(self.search.payload, name="search_register", reset_less=True)
        m.d.sync += [valid.eq(self.search.valid), key.eq(self.search.payload)]
        for child in children:
            m.d.comb += [child.search.valid.eq(valid), child.search.payload.eq(key)]
        # All children answer in the same cycle: the first one's strobes stand for all.
        m.d.sync += [
            self.match.valid.eq(children[0].match.valid),
            self.match.any.eq(Cat(child.match.any for child in children).any()),
            self.count.valid.eq(children[0].count.valid),
        ]
        with m.If(children[0].count.valid):
            m.d.sync += self.count.rows.eq(sum(child.count.rows for child in children))

    def _select(self, m: Module, children: list[Any]) -> None:
        prefixes = []
        for index in range(1, len(children)):
            before = children[:index]
            most = self._child_rows * index
            prefix = Signal(most.bit_length(), name=f"prefix_{index}", reset_less=True)
            with m.If(children[0].count.valid):
                m.d.sync += prefix.eq(sum(child.count.rows for child in before))
            prefixes.append(prefix)
        chosen, remainder = choose(self.select.rank, prefixes)
        rank = Signal(index_width(self._child_rows), reset_less=True)
        m.d.sync += rank.eq(remainder)
        for child, hit in zip(children, chosen, strict=True):
            m.d.sync += child.select.valid.eq(self.select.valid & hit)
            m.d.comb += child.select.rank.eq(rank)
        m.d.sync += [
            self.selected.valid.eq(any_of(child.selected.valid for child in children)),
            self.selected.vector.eq(any_of(child.selected.vector for child in children)),
            self.selected.rank.eq(any_of(child.selected.rank for child in children)),
        ]
        self._bank_index(m, children)

    def _bank_index(self, m: Module, children: list[Any]) -> None:
        if not hasattr(self.selected, "bank"):
            return
        banks_per_child = self._child_rows // self._config.bank_rows
        index = encode([child.selected.valid for child in children])
        if banks_per_child == 1:
            m.d.sync += self.selected.bank.eq(index)
            return
        # A child that was not selected answers 0; a child of one bank has no index.
        low = Signal(index_width(banks_per_child), name="bank_below")
        m.d.comb += low.eq(any_of(child.selected.bank for child in children if hasattr(child.selected, "bank")))
        m.d.sync += self.selected.bank.eq(Cat(low, index))


def row_array(config: AmperConfig, *, rows: int, level: int) -> SharedModule:
    """The module of ``rows`` rows: a bank at level 0, else a tree of that many levels of nodes."""
    signature = array_signature(config, rows=rows)
    if level == 0:
        return SharedModule(f"amper_bank_{rows}", signature, lambda: Bank(config, rows=rows))
    return SharedModule(f"amper_node_{level}_{rows}", signature, lambda: Node(config, rows=rows, level=level))


def whole_array(config: AmperConfig) -> SharedModule:
    """The array of a configuration, all n rows."""
    return row_array(config, rows=config.rows, level=tree_levels(config))
