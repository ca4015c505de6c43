"""Bench of the ternary match lines: every line against the key written out as a pattern of 0, 1 and x."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.triggers import Timer

from amper_verif.coverage import amount, collected, cover
from amper_verif.simulation import bench_parameters, leave_report


def key_pattern(value: int, mask: int, width: int) -> str:
    """The ternary key, highest bit first; x where the mask is 0."""
    bits = zip(f"{value:0{width}b}", f"{mask:0{width}b}", strict=True)
    return "".join(bit if compared == "1" else "x" for bit, compared in bits)


def pattern_matches(pattern: str, code: int) -> bool:
    digits = f"{code:0{len(pattern)}b}"
    return all(wanted in ("x", bit) for wanted, bit in zip(pattern, digits, strict=True))


def stimulus(chance: random.Random, rows: int, width: int) -> tuple[list[int], int, int, int]:
    """(codes, occupied, value, mask), so chosen that few, many and all rows match often enough."""
    top = (1 << width) - 1
    value = chance.choice((0, top, chance.randint(0, top)))
    mask = chance.choice((0, top, top & ~((1 << chance.randint(0, width)) - 1), chance.randint(0, top)))
    kind = chance.choice(("random", "near", "same", "same_block", "one"))
    occupied = chance.choice(((1 << rows) - 1, (1 << rows) - 1, chance.getrandbits(rows), 0))
    if kind == "near":  # one bit away from the key: each bit of the comparison decides alone
        codes = [value ^ (1 << chance.randrange(width)) for _ in range(rows)]
    elif kind == "same":
        codes = [value] * rows
    elif kind == "same_block":
        codes = [(value & mask) | (chance.randint(0, top) & ~mask) for _ in range(rows)]
    elif kind == "one":
        codes = [value ^ top] * rows
        codes[chance.randrange(rows)] = value
    else:
        codes = [chance.randint(0, top) for _ in range(rows)]
    return codes, occupied, value, mask


@cocotb.test()
async def against_patterns(dut: Any) -> None:
    parameters = bench_parameters()
    rows, width = parameters["rows"], parameters["priority_width"]
    chance = random.Random(parameters["seed"])
    matches = 0
    for _ in range(parameters["trials"]):
        codes, occupied, value, mask = stimulus(chance, rows, width)
        dut.priorities.value = sum(code << (row * width) for row, code in enumerate(codes))
        dut.occupied.value = occupied
        dut.value.value = value
        dut.mask.value = mask
        await Timer(1, "ns")
        pattern = key_pattern(value, mask, width)
        hits = [row for row, code in enumerate(codes) if occupied >> row & 1 and pattern_matches(pattern, code)]
        got = int(dut.match.value)
        assert got == sum(1 << row for row in hits), f"key {pattern}: expected rows {hits}, got lines {got:#x}"
        matches += len(hits)
        _cover(hits, occupied, mask, rows, width)
    assert matches > 0, "no row ever matched"
    leave_report({"compared": parameters["trials"] * rows, "matches": matches, "coverage": collected()})


def _cover(hits: list[int], occupied: int, mask: int, rows: int, width: int) -> None:
    cover("match.rows", amount(len(hits), rows))
    cover("match.occupied", {0: "none", (1 << rows) - 1: "all"}.get(occupied, "some"))
    cover("match.mask", {0: "zero", (1 << width) - 1: "all_ones"}.get(mask, "some"))
