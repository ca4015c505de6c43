"""From a place in the sum of all priorities to a plane and what its rank follows from (algorithm.md, section 7).

Latency: ``latency.choice_cycles`` from a place to its plane.
Page: docs/hardware/exact.md.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base.bits import any_of, encode, index_width, staged
from amper_hw.base.latency import choice_cycles
from amper_hw.base.pipeline import held
from amper_hw.planes.ports import sums_signature
from amper_spec.config import AmperConfig


class PlaneChoice(wiring.Component):
    """k, the largest with S_k <= x, and of r = (x - S_k) >> k the parts that are still to be subtracted.

    x >= S_k is one comparison of x >> k with H_k, which is all but k bits of S_k; where they are equal, of the low k
    bits of x with those of T, which are the others. r = (x >> k) - H_k, less 1 where the low bits of x are below.

    Latency ``choice_cycles`` cycles in which ``enable`` is 1, one place a cycle. Not reset: qualify with a valid bit.

    Parameters
    ----------
    config : the configuration, with variant exact built in.

    Members
    -------
    enable : In. place : In, x, TW bits, below T. sums : In, ``sums_signature``; stable meanwhile.
    plane : Out, k. reached, upper, borrow : Out, r = reached - upper - borrow, modulo 2^L; in the same cycle.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        self._rank_width = index_width(config.rows)
        super().__init__(
            {
                "enable": In(1),
                "place": In(config.total_width),
                "sums": In(sums_signature(config)),
                "plane": Out(index_width(config.priority_width)),
                "reached": Out(self._rank_width),
                "upper": Out(self._rank_width),
                "borrow": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        results = self._subtracted(m) if self._config.primitives == "blocks" else self._compared(m)
        for name, value in results.items():
            port = getattr(self, name)
            m.d.comb += port.eq(held(m, self.enable, value[: len(port)], f"{name}_chosen"))
        return m

    def _subtracted(self, m: Module) -> dict[str, Value]:
        """An FPGA's carry chains are fast: x - S_k tells by its sign whether the plane is reached, and is the rank."""
        planes = self._config.priority_width
        starts, ranks = [], []
        for plane in range(planes):
            start = Cat(self.sums.total[:plane], self.sums.uppers[plane - 1]) if plane else Const(0, 1)
            difference = Signal(len(self.place) + 1, name=f"difference_{plane}")
            m.d.comb += difference.eq(self.place - start)
            starts.append(~difference[-1])
            ranks.append(self._from(difference, plane))
        compared = choice_cycles(self._config) - 1
        starts = self._held(m, Cat(starts), "starts", compared)
        ranks = [held(m, self.enable, rank, f"rank_{plane}", compared) for plane, rank in enumerate(ranks)]
        chosen = [staged(m, hit, f"is_plane_{plane}", on=False) for plane, hit in enumerate(_last(starts))]
        return {
            "plane": encode(chosen),
            "reached": any_of(Mux(hit, rank, 0) for hit, rank in zip(chosen, ranks, strict=True)),
            "upper": Const(0, self._rank_width),
            "borrow": Const(0, 1),
        }

    def _compared(self, m: Module) -> dict[str, Value]:
        planes = self._config.priority_width
        # Of planes 1 on: plane 0 starts at 0, and nothing is below it.
        below: list[Value] = _below(m, self.place[: planes - 1], self.sums.total[: planes - 1])
        reached_planes = [self._starts_at_or_before(plane, low) for plane, low in enumerate(below, 1)]
        named = [staged(m, each, f"reaches_{plane}", on=False) for plane, each in enumerate(reached_planes, 1)]
        compared = choice_cycles(self._config) - 1  # cycles; the choice is another
        place = held(m, self.enable, self.place, "place_compared", compared)
        below = [Const(0, 1), *self._held(m, Cat(below), "below", compared)]
        starts = [Const(1, 1), *self._held(m, Cat(named), "starts", compared)]
        chosen = [staged(m, hit, f"is_plane_{plane}", on=False) for plane, hit in enumerate(_last(starts))]
        uppers = [Const(0, self._rank_width), *(self.sums.uppers[index] for index in range(planes - 1))]
        reached = [self._from(place, plane) for plane in range(planes)]
        return {
            "plane": encode(chosen),
            "reached": any_of(Mux(hit, value, 0) for hit, value in zip(chosen, reached, strict=True)),
            "upper": any_of(Mux(hit, value, 0) for hit, value in zip(chosen, uppers, strict=True)),
            "borrow": any_of(hit & low for hit, low in zip(chosen, below, strict=True)),
        }

    def _from(self, place: Value, plane: int) -> Value:
        """The bits of x >> plane that a rank has."""
        return place[plane : plane + self._rank_width]

    def _starts_at_or_before(self, plane: int, below: Value) -> Value:
        """Whether S_plane <= x."""
        upper, reached = self.sums.uppers[plane - 1], self._from(self.place, plane)
        beyond = self.place[plane + self._rank_width :]
        started: Value = (reached > upper) | ((reached == upper) & ~below)
        return started | beyond.any() if len(beyond) else started

    def _held(self, m: Module, bits: Value, name: str, cycles: int) -> list[Value]:
        value = held(m, self.enable, bits, name, cycles)
        return [value[index] for index in range(len(bits))]


def _last(starts: list[Value]) -> list[Value]:
    """Which plane is k. S_k ascends, so all planes up to k start at or before x, and none above."""
    return [here & ~after for here, after in zip(starts, [*starts[1:], Const(0, 1)], strict=True)]


def _below(m: Module, first: Value, second: Value) -> list[Value]:
    """For k from 1 on: whether the low k bits of ``first`` are below those of ``second``; a prefix tree."""
    width = len(first)
    less, equal = ~first & second, ~(first ^ second)
    span = 1
    while span < width:
        # The span of bits below decides where all of this one are equal. ``equal`` begins with the lowest bit that has
        # a whole span, bit span - 1: those below it have been compared down to the lowest one.
        level = Signal(width, name=f"less_{span}")
        m.d.comb += level.eq(Cat(less[:span], less[span:] | (equal[1:] & less[: width - span])))
        less = level
        if 2 * span < width:
            both = Signal(width - 2 * span + 1, name=f"equal_{span}")
            m.d.comb += both.eq(equal[span:] & equal[: len(equal) - span])
            equal = both
        span *= 2
    return [less[bit] for bit in range(width)]
