"""The codes of all rows: a write puts a new one in the place of the old one, and tells what the sums grow by.

Latency: ``latency.CODE_CYCLES``, one write a cycle. Page: docs/hardware/tree.md.
"""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base.bits import delayed, nth
from amper_hw.base.modules import Composite
from amper_hw.tree.memory import memory
from amper_hw.tree.ports import operation_layout
from amper_hw.tree.shape import code_columns
from amper_spec.config import AmperConfig


def write_signature(config: AmperConfig) -> wiring.Signature:
    """A write of a code, seen from who writes; with ``zero``, all rows of the lowest node become invalid."""
    fields = {"row": (config.rows - 1).bit_length(), "code": config.priority_width, "zero": 1}
    return wiring.Signature({"valid": Out(1), "payload": Out(data.StructLayout(fields))})


class Codes(Composite):
    """A code that is written takes the place of another; what it exceeds that by goes down the tree.

    In cycle 0 the address goes to the memories, in cycle 1 the code is stored, in cycle 2 the old one is there, so that
    only a write right behind another of its row has to take that one's code instead.

    Parameters
    ----------
    config : the configuration.

    Members
    -------
    write : In, ``write_signature``. operation : Out, ``operation_layout`` of the root, of which only stores come.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        super().__init__(
            {
                "write": In(write_signature(config)),
                "operation": Out(operation_layout(config, sum_width=config.total_width)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        columns = code_columns(self._config)
        column_bits = columns.bit_length() - 1
        write = self.write.payload
        valid: list[Value] = [self.write.valid]
        row: list[Value] = [write.row]
        code: list[Value] = [Mux(write.zero, 0, write.code)]
        zero: list[Value] = [write.zero]
        for cycle in range(1, 5):
            valid.append(delayed(m, valid[-1], f"valid_{cycle}", reset_less=False))
            for values, name in ((row, "row"), (code, "code"), (zero, "zero")):
                values.append(delayed(m, values[-1], f"{name}_{cycle}"))
        column, address = row[1][:column_bits], row[1][column_bits:]
        old = []
        ram = memory(
            depth=-(-self._config.rows // columns),
            width=self._config.priority_width,
            blocks=self._config.primitives == "blocks",
        )
        for index in range(columns):
            codes = self.instantiate(m, f"codes_{index}", ram)
            m.d.comb += [
                codes.read_address.eq(row[0][column_bits:]),
                codes.write_enable.eq(valid[1] & (zero[1] | (column == index))),
                codes.write_address.eq(address),
                codes.write_data.eq(code[1]),
            ]
            old.append(codes.read_data)
        again = Signal()  # the write in cycle 2 is of a row of the one in cycle 3
        same_column = zero[2] | (column == row[2][:column_bits])
        m.d.sync += again.eq(valid[2] & (address == row[2][column_bits:]) & same_column)
        found = delayed(m, Mux(again, code[3], nth(old, row[2][:column_bits])), "old_code")
        grown = Signal(self._config.total_width, reset_less=True)
        m.d.sync += grown.eq(Mux(zero[3], 0, code[3] - found))
        m.d.comb += [
            self.operation.store.eq(valid[4]),
            self.operation.zero.eq(zero[4]),
            self.operation.value.eq(grown),
            self.operation.row.eq(row[4]),
        ]
        return m
