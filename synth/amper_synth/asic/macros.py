"""RAM of organisation tree as macros in sky130: an estimate from the outlines of published ones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from amper_hw.output.memories import MemoryMacro, split

#: Bits and um2 of OpenRAM's sky130 macros of words of 32 bits, with a port to read and write and one to read: 256, 512
#: and 2,048 words (outlines of github.com/VLSIDA/sky130_sram_macros; the last of the table of its paper, ISCAS 2023).
PUBLISHED = ((8_192, 479.78 * 397.5), (16_384, 683.1 * 416.54), (65_536, 1093.8 * 720.5))
# The line through the smallest and the largest; the one between lies 3 percent above it.
_UM2_A_BIT = (PUBLISHED[-1][1] - PUBLISHED[0][1]) / (PUBLISHED[-1][0] - PUBLISHED[0][0])
_UM2_A_MACRO = PUBLISHED[0][1] - PUBLISHED[0][0] * _UM2_A_BIT


def macro_area(bits: int) -> float:
    """um2 of a macro of so many bits, as an estimate."""
    return _UM2_A_MACRO + _UM2_A_BIT * bits


def macros_area(macros: Sequence[MemoryMacro]) -> float:
    """um2 of all, without what is between them, as an estimate."""
    tiles = [(macro.instances * macro.columns * macro.banks, macro.tile_words * macro.tile_bits) for macro in macros]
    return sum(count * macro_area(bits) for count, bits in tiles)


def macro_line(macros: Sequence[MemoryMacro]) -> str:
    """What there is to say of them."""
    tiles = sum(macro.instances * macro.columns * macro.banks for macro in macros)
    bits = sum(macro.instances * macro.words * macro.bits for macro in macros)
    return (
        f"{bits:,} bits in {tiles} macros, in sky130 an estimated {macros_area(macros) / 1e6:.2f} mm2 by the outlines "
        "of published OpenRAM macros"
    )


def with_black_boxes(verilog: str, name: str) -> tuple[str, dict[str, Any]]:
    """(the sampler with modules that have ports alone in place of its memories, what is estimated of these)."""
    sampler, models, macros = split(verilog, name)
    heads = re.findall(r"(?ms)^module .*?^\);\n", models)
    boxes = "".join(f"\n(* blackbox *)\n{head}endmodule\n" for head in heads)
    estimate = {"bits": sum(each.instances * each.words * each.bits for each in macros)}
    return sampler + boxes, estimate | {"estimated_um2": round(macros_area(macros)), "said": macro_line(macros)}
