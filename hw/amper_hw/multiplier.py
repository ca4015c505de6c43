"""An unsigned multiplier in one or two pipeline stages."""

from __future__ import annotations

from amaranth.hdl import Const, Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from amper_hw.modules import Composite, SharedModule
from amper_hw.pipeline import held

# Partial products of this many bits of b: their sum of rows and the sum of the partial products take about the same
# time up to 32 bits of b.
CHUNK_WIDTH = 4


def multiplier_name(*, a_width: int, b_width: int, stages: int) -> str:
    """A module name that tells the widths and the stages."""
    return f"amper_multiplier_{a_width}x{b_width}_in_{stages}"


def multiplier_signature(*, a_width: int, b_width: int) -> wiring.Signature:
    """The ports of a multiplier."""
    return wiring.Signature({"enable": In(1), "a": In(a_width), "b": In(b_width), "product": Out(a_width + b_width)})


class PipelinedMultiplier(wiring.Component):
    """product = a * b.

    Latency ``stages`` cycles in which ``enable`` is 1, one product a cycle. Not reset: qualify with a valid bit.

    Parameters
    ----------
    a_width, b_width : bits; give the narrower operand as b. stages : 1 or 2.
    """

    def __init__(self, *, a_width: int, b_width: int, stages: int) -> None:
        if stages not in (1, 2):
            raise ValueError(f"stages must be 1 or 2, not {stages}")
        self._b_width = b_width
        self._stages = stages
        super().__init__(multiplier_signature(a_width=a_width, b_width=b_width))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        total = self.a * self.b if self._stages == 1 else self._sum_of_partials(m)
        m.d.comb += self.product.eq(held(m, self.enable, total[: len(self.product)], "result"))
        return m

    def _sum_of_partials(self, m: Module) -> Value:
        total: Value = Const(0, 1)
        for low in range(0, self._b_width, CHUNK_WIDTH):
            partial = held(m, self.enable, self.a * self.b[low : low + CHUNK_WIDTH], f"partial_{low}")
            total = total + (partial << low)
        return total


def shared_multiplier(*, a_width: int, b_width: int, stages: int) -> SharedModule:
    """A multiplier as a module that is emitted once."""
    return SharedModule(
        multiplier_name(a_width=a_width, b_width=b_width, stages=stages),
        multiplier_signature(a_width=a_width, b_width=b_width),
        lambda: PipelinedMultiplier(a_width=a_width, b_width=b_width, stages=stages),
    )


def multiplied(parent: Composite, m: Module, label: str, *, enable: Value, a: Value, b: Value, stages: int) -> Value:
    """a * b by a multiplier of its own in ``parent``, ``stages`` cycles of ``enable`` later."""
    if len(a) < len(b):
        a, b = b, a
    part = shared_multiplier(a_width=len(a), b_width=len(b), stages=stages)
    multiplier = parent.instantiate(m, label, part)
    m.d.comb += [multiplier.enable.eq(enable), multiplier.a.eq(a), multiplier.b.eq(b)]
    result: Value = multiplier.product
    return result
