"""A bank's count of the ones in a bitmap.

Latency: ``latency.bank_count_cycles``, less those of the search or plane that the bitmap is of.
Page: docs/theory/rows.md.
"""

from __future__ import annotations

from amaranth.hdl import Module, Value
from amaranth.lib import wiring

from amper_hw.base.bits import population, staged, total
from amper_hw.base.latency import is_deep
from amper_hw.base.variants import in_lut_ram
from amper_spec.config import AmperConfig

GROUP = 8  # rows that the first stage of a population count or of an OR takes together


def count_bits(m: Module, config: AmperConfig, bits: Value, complete: Value, answer: wiring.PureInterface) -> None:
    """Counts ``bits``; ``complete``: they are what is to be counted from the end of this cycle on."""
    deep = is_deep(config)
    groups = [bits[low : low + GROUP] for low in range(0, len(bits), GROUP)]
    counts: list[Value] = [
        staged(m, population(group), f"partial_{index}", on=deep) for index, group in enumerate(groups)
    ]
    counted = staged(m, complete, "bitmap_complete", on=True, reset_less=False)
    counted = staged(m, counted, "partial_complete", on=deep, reset_less=False)
    if deep and in_lut_ram(config):
        fours = [counts[low : low + 4] for low in range(0, len(counts), 4)]
        sums = [total(four, most=GROUP * len(four)) for four in fours]
        counts = [staged(m, value, f"sum_{index}", on=True) for index, value in enumerate(sums)]
        counted = staged(m, counted, "sum_complete", on=True, reset_less=False)
    m.d.sync += answer.valid.eq(counted)
    with m.If(counted):
        m.d.sync += answer.rows.eq(total(counts, most=len(bits)))
