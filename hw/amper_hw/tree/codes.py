"""The codes of all rows: a write puts a new one in the place of the old one, and tells what the sums grow by.

Latency: ``latency.CODE_CYCLES``, one write a cycle. Page: docs/hardware/tree.md.
"""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base import latency
from amper_hw.base.bits import delayed, nth
from amper_hw.base.modules import Composite
from amper_hw.tree.checked_memory import tree_memory
from amper_hw.tree.checks import turned
from amper_hw.tree.ports import checked_signature, code_checks, operation_layout
from amper_hw.tree.shape import code_columns
from amper_spec.config import AmperConfig


def write_signature(config: AmperConfig) -> wiring.Signature:
    """A write of a code, seen from who writes; with ``zero``, all rows of the lowest node become invalid.

    With protection, ``read``: no code is written, and no sum grows; ``fresh``: the old code counts as 0.
    """
    fields = {"row": (config.rows - 1).bit_length(), "code": config.priority_width, "zero": 1}
    if config.protected:
        fields |= {"read": 1, "fresh": 1}
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
    checked : Out, with protection, ``checked_signature``: the old code, of whatever write uses it.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        super().__init__(
            {
                "write": In(write_signature(config)),
                "operation": Out(operation_layout(config, sum_width=config.total_width)),
                **({"checked": Out(checked_signature(config))} if config.protected else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self._config
        columns = code_columns(config)
        column_bits = columns.bit_length() - 1
        stages = self._stages(m)
        valid, row, code, zero = (stages[name] for name in ("valid", "row", "code", "zero"))
        column, address = row[1][:column_bits], row[1][column_bits:]
        stores, nothing = list(valid), zero[3]  # a code is written; no sum grows
        if config.protected:
            read = stages["read"]
            stores, nothing = [one & ~other for one, other in zip(valid, read, strict=True)], zero[3] | read[3]
        old, wrong = [], []
        ram = tree_memory(
            depth=-(-config.rows // columns),
            width=config.priority_width,
            blocks=config.primitives == "blocks",
            columns=code_checks(config),
        )
        for index in range(columns):
            codes = self.instantiate(m, f"codes_{index}", ram)
            m.d.comb += [
                codes.read_address.eq(row[0][column_bits:]),
                codes.write_enable.eq(stores[1] & (zero[1] | (column == index))),
                codes.write_address.eq(address),
                codes.write_data.eq(code[1]),
            ]
            old.append(codes.read_data)
            if config.protected:
                wrong.append(codes.syndrome)
        again = Signal()  # the write in cycle 2 is of a row of the one in cycle 3
        same_column = zero[2] | (column == row[2][:column_bits])
        m.d.sync += again.eq(stores[2] & (address == row[2][column_bits:]) & same_column)
        raw = nth(old, row[2][:column_bits])
        before = Mux(again, code[3], raw)
        if config.protected:
            used = valid[2] & ~zero[2] & ~stages["fresh"][2]
            before = before & (~stages["fresh"][2]).replicate(len(before))
            self._check(m, raw, wrong, row[4], used & ~again)
        found = delayed(m, before, "old_code")
        grown = Signal(config.total_width, reset_less=True)
        m.d.sync += grown.eq(Mux(nothing, 0, code[3] - found))
        m.d.comb += [
            self.operation.store.eq(valid[4]),
            self.operation.zero.eq(zero[4]),
            self.operation.value.eq(grown),
            self.operation.row.eq(row[4]),
        ]
        return m

    def _stages(self, m: Module) -> dict[str, list[Value]]:
        """What a write carries, in the cycles 0 to 4."""
        write = self.write.payload
        stages: dict[str, list[Value]] = {
            "valid": [self.write.valid],
            "row": [write.row],
            "code": [Mux(write.zero, 0, write.code)],
            "zero": [write.zero],
        }
        if self._config.protected:
            stages |= {"read": [write.read], "fresh": [write.fresh]}
        for cycle in range(1, 5):
            for name, values in stages.items():
                values.append(delayed(m, values[-1], f"{name}_{cycle}", reset_less=name != "valid"))
        return stages

    def _check(self, m: Module, raw: Value, wrong: list[Value], row: Value, used: Value) -> None:
        """The codes that were read, with what is wrong with them. ``raw`` and ``used`` are of the write in cycle 2,
        ``wrong`` of that in cycle ``SYNDROME_CYCLES``, ``row`` of that in cycle 4."""
        config, checked = self._config, self.checked
        columns = code_checks(config)
        assert columns is not None
        rows = [delayed(m, row, "row_5")]
        for cycle in range(6, latency.CHECKED_CYCLES + 1):
            rows.append(delayed(m, rows[-1], f"row_{cycle}"))
        syndrome = delayed(m, nth(wrong, rows[0][: len(wrong).bit_length() - 1]), "syndrome")  # in cycle 6
        faulty = delayed(m, syndrome.any(), "faulty")
        code = delayed(m, raw, "raw_code", 5)
        lost = faulty
        if config.protection == "secded":
            bits, explained = turned(m, syndrome, columns)
            code, lost = code ^ bits, faulty & ~explained
        m.d.comb += [
            checked.valid.eq(delayed(m, used, "used", latency.CHECKED_CYCLES - 2, reset_less=False)),
            checked.row.eq(rows[-1]),
            checked.fault.eq(delayed(m, faulty, "fault_found")),
            checked.lost.eq(delayed(m, lost, "lost_found")),
            checked.code.eq(delayed(m, code, "code_found")),
        ]
