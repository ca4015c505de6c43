"""An unsigned multiplier in one or two pipeline stages.

Latency: 1 or 2 cycles, ``latency.multiplier_cycles``. Page: docs/theory/hardware.md.
"""

from __future__ import annotations

from itertools import product

from amaranth.hdl import Cat, Const, Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base.bits import Row, carry_save, carry_save_sum, total
from amper_hw.base.latency import multiplier_cycles
from amper_hw.base.modules import Composite, SharedModule
from amper_hw.base.pipeline import held
from amper_spec.config import AmperConfig

# Rows of the carry-save sum that are left to the second stage: with 25 to 32 rows at first, both stages are as deep.
ROWS_BETWEEN = 4
BLOCK_WIDTH = 18  # bits of both operands of the multipliers of the usual FPGAs


def multiplier_signature(*, a_width: int, b_width: int) -> wiring.Signature:
    """The ports of a multiplier."""
    return wiring.Signature({"enable": In(1), "a": In(a_width), "b": In(b_width), "product": Out(a_width + b_width)})


class PipelinedMultiplier(wiring.Component):
    """product = a * b.

    Latency ``stages`` cycles in which ``enable`` is 1, one product a cycle. Not reset: qualify with a valid bit. With
    two stages, the first ends in the middle of the carry-save sum of the rows a * b[i] (L. Dadda, "Some schemes for
    parallel multipliers", 1965): no carry runs before the last row is in. Of ``blocks``, it ends behind the products of
    parts of 18 bits.

    Parameters
    ----------
    a_width, b_width : bits; give the narrower operand as b. stages : 1 or 2. blocks : for an FPGA's multipliers.
    """

    def __init__(self, *, a_width: int, b_width: int, stages: int, blocks: bool = False) -> None:
        if stages not in (1, 2):
            raise ValueError(f"stages must be 1 or 2, not {stages}")
        self._stages = stages
        self._blocks = blocks
        super().__init__(multiplier_signature(a_width=a_width, b_width=b_width))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if self._stages == 1:
            result: Value = self.a * self.b
        elif self._blocks:
            result = self._sum_of_blocks(m)
        else:
            result = self._sum_of_rows(m)
        m.d.comb += self.product.eq(held(m, self.enable, result[: len(self.product)], "result"))
        return m

    def _sum_of_blocks(self, m: Module) -> Value:
        places = product(range(0, len(self.a), BLOCK_WIDTH), range(0, len(self.b), BLOCK_WIDTH))
        rows: list[Value] = []
        for a_low, b_low in sorted(places, key=sum):
            part = self.a[a_low : a_low + BLOCK_WIDTH] * self.b[b_low : b_low + BLOCK_WIDTH]
            part = held(m, self.enable, part, f"part_{a_low}_{b_low}")
            # Side by side in a row, if one ends early enough: an adder less.
            free = [index for index, row in enumerate(rows) if len(row) <= a_low + b_low]
            row = rows.pop(free[0]) if free else Const(0, 0)
            rows.append(Cat(row, Const(0, a_low + b_low - len(row)), part))
        return total(rows, most=(1 << len(self.product)) - 1)

    def _sum_of_rows(self, m: Module) -> Value:
        width = len(self.product)
        rows = [Row(self.a & self.b[bit].replicate(len(self.a)), bit) for bit in range(len(self.b))]
        rows = carry_save(m, rows, ROWS_BETWEEN, "sum", width)
        rows = [Row(held(m, self.enable, row.bits, f"row_{index}"), row.low) for index, row in enumerate(rows)]
        return carry_save_sum(m, rows, "end", width)


def shared_multiplier(config: AmperConfig, *, a_width: int, b_width: int) -> SharedModule:
    """A multiplier of ``latency.multiplier_cycles`` as a module that is emitted once."""
    stages, blocks = multiplier_cycles(config), config.primitives == "blocks"
    return SharedModule(
        f"amper_multiplier_{a_width}x{b_width}_in_{stages}",
        multiplier_signature(a_width=a_width, b_width=b_width),
        lambda: PipelinedMultiplier(a_width=a_width, b_width=b_width, stages=stages, blocks=blocks),
    )


def multiplied(
    parent: Composite, m: Module, label: str, config: AmperConfig, *, enable: Value, a: Value, b: Value
) -> Value:
    """a * b by a multiplier of its own in ``parent``, ``latency.multiplier_cycles`` cycles of ``enable`` later."""
    if len(a) < len(b):
        a, b = b, a
    multiplier = parent.instantiate(m, label, shared_multiplier(config, a_width=len(a), b_width=len(b)))
    m.d.comb += [multiplier.enable.eq(enable), multiplier.a.eq(a), multiplier.b.eq(b)]
    result: Value = multiplier.product
    return result
