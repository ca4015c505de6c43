"""Rank and select: which member of a set has exactly k members below it.

Latency: 1 or 4 cycles, ``latency.bit_select_cycles``. Page: docs/theory/hardware.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Mux, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base.bits import delayed, encode, index_width, population, staged, total
from amper_hw.base.latency import SMALL_VECTOR


def choose(rank: Value, prefixes: Sequence[Value]) -> tuple[list[Value], Value]:
    """The part that holds the member of a rank, and the rank inside that part.

    Parameters
    ----------
    rank : below the number of members. prefixes : members in the parts before each part but the first, ascending.

    Returns
    -------
    One-hot bits, one a part; the rank within the chosen part. Combinational: a subtraction, a tree of multiplexers.
    """
    # A subtraction a part gives both: its sign tells whether the part begins at or below the rank.
    differences = [rank - prefix for prefix in prefixes]
    reached: list[Value] = [Const(1, 1), *(difference >= 0 for difference in differences)]
    chosen = [here & ~after for here, after in zip(reached, [*reached[1:], Const(0, 1)], strict=True)]
    return chosen, _last_reached(reached, [rank, *(difference[: len(rank)] for difference in differences)])


def _last_reached(reached: Sequence[Value], values: Sequence[Value]) -> Value:
    """The value of the last part that is reached; all before it are, so that no one-hot bits are needed."""
    parts = list(zip(reached, values, strict=True))
    while len(parts) > 1:
        pairs = zip(parts[::2], parts[1::2], strict=False)
        odd = parts[-1:] if len(parts) % 2 else []
        parts = [(here, Mux(after, later, value)) for (here, value), (after, later) in pairs] + odd
    return parts[0][1]


class BitSelect(wiring.Component):
    """The position of the bit of a vector that has ``rank`` ones below it; one selection a cycle.

    Parameters
    ----------
    width : bits of the vector. tag_width : bits that travel along unchanged, 0 for none.
    stages : latency in cycles, 1 or 4 (count the groups, sum the counts, choose the group, choose the bit).
    blocks : for an FPGA, whose adders take longer than a group's count: pairs of groups are counted with the groups.

    Members
    -------
    start : In {valid, vector, rank, tag}; rank below the number of ones in vector.
    done : Out {valid, position, tag}; ``stages`` cycles later.
    """

    def __init__(self, *, width: int, tag_width: int, stages: int, blocks: bool = False) -> None:
        if stages not in (1, 4):
            raise ValueError(f"stages must be 1 or 4, not {stages}")
        self._width = width
        self._stages = stages
        self._blocks = blocks
        self._group = width if width <= SMALL_VECTOR else 1 << ((width - 1).bit_length() + 1) // 2
        position_width = index_width(width)
        self._tagged = tag_width > 0
        tag = {"tag": Out(tag_width)} if tag_width else {}
        super().__init__(
            {
                "start": In(
                    wiring.Signature({"valid": Out(1), "vector": Out(width), "rank": Out(position_width), **tag})
                ),
                "done": Out(wiring.Signature({"valid": Out(1), "position": Out(position_width), **tag})),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        valid = self.start.valid
        tag: Value = self.start.tag if self._tagged else Const(0, 0)
        for stage in range(self._stages - 1):
            valid = delayed(m, valid, f"valid_{stage}", reset_less=False)
            tag = delayed(m, tag, f"tag_{stage}") if self._tagged else tag
        m.d.sync += self.done.valid.eq(valid)
        if self._tagged:
            m.d.sync += self.done.tag.eq(tag)
        if self._width <= SMALL_VECTOR:
            vector, rank = self.start.vector, self.start.rank
            for stage in range(self._stages - 1):
                vector, rank = delayed(m, vector, f"vector_{stage}"), delayed(m, rank, f"rank_{stage}")
            m.d.sync += self.done.position.eq(self._position(vector, rank))
        else:
            self._grouped(m)
        return m

    def _grouped(self, m: Module) -> None:
        def stage(value: Value, name: str) -> Value:
            return staged(m, value, name, on=self._stages > 1)

        vector: Value = self.start.vector
        rank: Value = self.start.rank
        # Stage 1: count each group. The last group's own count is never needed.
        groups = range(0, self._width - self._group, self._group)

        def count(group: int, size: int, name: str) -> Value:
            low = groups[group]
            return stage(population(vector[low : low + size * self._group]), f"{name}_{low}")

        pairs = [count(group, 2, "pair") for group in range(0, len(groups) - 1, 2)] if self._blocks else []
        counts = {group: count(group, 1, "count") for group in range(0, len(groups), 2 if self._blocks else 1)}
        vector, rank = stage(vector, "vector_1"), stage(rank, "rank_1")
        # Stage 2: ones before each group.
        prefixes = []
        for index in range(1, len(groups) + 1):
            whole = pairs[: index // 2]
            terms = [*whole, *(counts[group] for group in range(2 * len(whole), index))]
            prefixes.append(stage(total(terms, most=index * self._group), f"prefix_{index}"))
        vector, rank = stage(vector, "vector_2"), stage(rank, "rank_2")
        # Stage 3: choose the group.
        hits, remainder = choose(rank, prefixes)
        chosen = [staged(m, hit, f"in_group_{index}", on=False) for index, hit in enumerate(hits)]
        bits: Value = Const(0, self._group)
        for index, hit in enumerate(chosen):
            bits = bits | Mux(hit, vector[index * self._group : (index + 1) * self._group], 0)
        bits = stage(bits, "bits")
        remainder = stage(remainder[: index_width(self._group)], "remainder")
        group = stage(encode(chosen), "group")
        # Stage 4: choose the bit.
        m.d.sync += self.done.position.eq(Cat(self._position(bits, remainder), group))

    @staticmethod
    def _position(bits: Value, rank: Value) -> Value:
        hits = [bits[index] & ((population(bits[:index]) if index else 0) == rank) for index in range(len(bits))]
        return encode(hits)
