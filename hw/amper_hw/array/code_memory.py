"""The codes of a bank's rows for those who ask for one of them.

Latency: ``latency.bank_answer_cycles``. Page: docs/theory/rows.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from amaranth.hdl import Module, Mux, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory

from amper_hw.base.bits import staged
from amper_hw.base.latency import is_deep
from amper_spec.config import AmperConfig


def codes_in_memory(m: Module, write: Value, row: Value, code: Value, *, rows: int) -> Callable[[Value], Value]:
    """The code of a row, from a second copy of the codes: an FPGA has small memories, and a choice among all rows would
    take a quarter of its look-up tables."""
    codes: Memory[int, Value] = Memory(shape=len(code), depth=rows, init=[])
    m.submodules.codes = codes
    port = codes.write_port()
    m.d.comb += [port.en.eq(write), port.addr.eq(row), port.data.eq(code)]

    def look_up(wanted: Value) -> Value:
        read = codes.read_port(domain="comb")
        m.d.comb += read.addr.eq(wanted)
        data: Value = read.data
        return data

    return look_up


def read_codes(
    m: Module,
    config: AmperConfig,
    reads: Sequence[wiring.PureInterface],
    answers: Sequence[wiring.PureInterface],
    look_up: Callable[[Value], Value],
) -> None:
    """Answers reads with the codes of their rows, and with 0 where nothing is asked."""
    deep = is_deep(config)
    for index, (read, answer) in enumerate(zip(reads, answers, strict=True)):
        valid = staged(m, read.valid, f"read_valid_{index}", on=deep, reset_less=False)
        row = staged(m, read.row, f"read_row_{index}", on=deep)
        m.d.sync += answer.priority.eq(Mux(valid, look_up(row), 0))
