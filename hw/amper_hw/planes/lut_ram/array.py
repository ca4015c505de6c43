"""The row array with its rows in LUT RAM: skewed inside, as any other outside.

Latency: ``latency.plane_answer_cycles``, ``plane_count_cycles`` and ``read_answer_cycles``.
Page: docs/hardware/exact.md.
"""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory

from amper_hw.base.bits import delayed, staged
from amper_hw.base.latency import is_deep, plane_answer_cycles, row_answer_cycles
from amper_hw.base.modules import Composite, SharedModule
from amper_hw.base.payload import array_signature
from amper_hw.planes.lut_ram.skew import COLUMNS, exchanged, group_of, skew_width, skewed
from amper_spec.config import AmperConfig


class MemoryArray(Composite):
    """Skews the codes that are written, and brings the groups of a vector back into their order.

    Parameters
    ----------
    config : the configuration. array : the tree of banks inside.

    Members: ``amper_hw.base.payload.array_signature``.
    """

    def __init__(self, config: AmperConfig, array: SharedModule) -> None:
        self._config = config
        self._array = array
        self._deep = is_deep(config)
        super().__init__(array_signature(config, rows=config.rows))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        array = self.instantiate(m, "tree", self._array)
        for outer, inner in zip(self.write, array.write, strict=True):
            row = outer.payload.row
            m.d.comb += [
                inner.valid.eq(outer.valid),
                inner.payload.row.eq(row),
                inner.payload.priority.eq(skewed(self._config, outer.payload.priority, row)),
            ]
        wiring.connect(m, wiring.flipped(self.plane), array.plane)
        wiring.connect(m, array.plane_count, wiring.flipped(self.plane_count))
        self._select(m, array)
        if "read" in array.signature.members:
            self._read_banks(m, array)
        elif self._config.result_priority:
            self._read_block_ram(m)
        return m

    def _select(self, m: Module, array: wiring.PureInterface) -> None:
        inside = plane_answer_cycles(self._config) - int(self._deep)
        plane = delayed(m, self.plane.index[: skew_width(self._config)], "plane_answered", inside)
        for index, (select, asked) in enumerate(zip(self.select, array.select, strict=True)):
            wiring.connect(m, wiring.flipped(select), asked)
            inner, outer = array.selected[index], self.selected[index]
            vector = exchanged(inner.vector, plane, size=COLUMNS)[: len(outer.vector)]
            members = {name: getattr(inner, name) for name in outer.signature.members} | {"vector": vector}
            for name, value in members.items():
                kept = staged(m, value, f"{name}_{index}", on=self._deep, reset_less=name != "valid")
                m.d.comb += getattr(outer, name).eq(kept)

    def _read_banks(self, m: Module, array: wiring.PureInterface) -> None:
        """Several writes a cycle go to different banks, which so have memories of their own."""
        for index, (read, asked) in enumerate(zip(self.read, array.read, strict=True)):
            wiring.connect(m, wiring.flipped(read), asked)
            group = group_of(self._config, read.row)
            group = delayed(m, group, f"group_answered_{index}", row_answer_cycles(self._config))
            code = exchanged(array.data[index].priority, group, size=1)
            m.d.comb += self.data[index].priority.eq(code[: self._config.priority_width])

    def _read_block_ram(self, m: Module) -> None:
        """One write a cycle: block RAMs hold the codes of all rows, one for each read a cycle."""
        (write,) = self.write
        for index, (read, answer) in enumerate(zip(self.read, self.data, strict=True)):
            depth = max(2, self._config.rows)
            codes: Memory[int, Value] = Memory(shape=self._config.priority_width, depth=depth, init=[])
            m.submodules[f"codes_{index}"] = codes
            store, look_up = codes.write_port(), codes.read_port()
            m.d.comb += [
                store.en.eq(write.valid),
                store.addr.eq(write.payload.row),
                store.data.eq(write.payload.priority),
                look_up.addr.eq(read.row),
            ]
            valid = delayed(m, read.valid, f"read_valid_{index}", reset_less=False)
            code = staged(m, Mux(valid, look_up.data, 0), f"code_{index}", on=self._deep, reset_less=False)
            m.d.comb += answer.priority.eq(code)
