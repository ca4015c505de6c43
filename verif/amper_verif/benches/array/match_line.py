"""Bench of the match lines: every line against the key, a ternary one written out as a pattern of 0, 1 and x."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.triggers import Timer

from amper_verif.harness.coverage import amount, cover
from amper_verif.harness.simulation import bench_parameters, leave_report

Key = tuple[int, int]  # low and high, or value and mask


def key_names(range_match: bool) -> tuple[str, str]:
    """Names of a key's two codes."""
    return ("low", "high") if range_match else ("value", "mask")


def line_key(key: Key, *, range_match: bool) -> dict[str, int]:
    """What the match lines themselves take: of a ternary key, the bits to be 0 and the bits to be 1."""
    first, second = key
    return {"low": first, "high": second} if range_match else {"zeros": second & ~first, "ones": first & second}


def key_pattern(value: int, mask: int, width: int) -> str:
    """The ternary key, highest bit first; x where the mask is 0."""
    bits = zip(f"{value:0{width}b}", f"{mask:0{width}b}", strict=True)
    return "".join(bit if compared == "1" else "x" for bit, compared in bits)


def pattern_matches(pattern: str, code: int) -> bool:
    digits = f"{code:0{len(pattern)}b}"
    return all(wanted in ("x", bit) for wanted, bit in zip(pattern, digits, strict=True))


def key_matches(key: Key, code: int, *, width: int, range_match: bool) -> bool:
    """Whether ``code`` fits the key."""
    if range_match:
        return code in range(key[0], key[1] + 1)
    return pattern_matches(key_pattern(*key, width), code)


def random_key(chance: random.Random, width: int, *, range_match: bool) -> Key:
    """A key that matches a single code, some, all or, as a range, none."""
    top = (1 << width) - 1
    code = chance.choice((0, top, chance.randint(0, top)))
    if range_match:
        other = chance.choice((0, top, code, chance.randint(0, top)))
        return chance.choice(((code, other), (min(code, other), max(code, other)), (0, top)))
    mask = chance.choice((0, top, top & ~((1 << chance.randint(0, width)) - 1), chance.randint(0, top)))
    return code, mask


def cover_key(key: Key, width: int, *, range_match: bool) -> None:
    top = (1 << width) - 1
    if range_match:
        low, high = key
        size = high - low + 1
        cover("match.range", "empty" if size <= 0 else {1: "single", top + 1: "all"}.get(size, "some"))
    else:
        cover("match.mask", {0: "zero", top: "all_ones"}.get(key[1], "some"))


def new_codes(chance: random.Random, rows: int, width: int, key: Key, *, range_match: bool) -> list[int]:
    """Codes so chosen that few, many and all rows match often enough."""
    top = (1 << width) - 1
    kind = chance.choice(("random", "near", "same", "inside", "one"))
    if kind == "random":
        return [chance.randint(0, top) for _ in range(rows)]
    if kind == "same":
        return [key[0]] * rows
    if kind == "one":
        codes = [key[0] ^ top] * rows
        codes[chance.randrange(rows)] = key[0]
        return codes
    if range_match:  # at the bounds, one beside them, and between them
        bounds = [bound + step for bound in key for step in (-1, 0, 1)]
        inside = [key[0], key[1], chance.randint(min(key), max(key))]
        return [min(top, max(0, chance.choice(bounds if kind == "near" else inside))) for _ in range(rows)]
    if kind == "near":  # one bit away from the key: each bit of the comparison decides alone
        return [key[0] ^ (1 << chance.randrange(width)) for _ in range(rows)]
    return [(key[0] & key[1]) | (chance.randint(0, top) & ~key[1]) for _ in range(rows)]


@cocotb.test()
async def against_patterns(dut: Any) -> None:
    parameters = bench_parameters()
    rows, width, range_match = parameters["rows"], parameters["priority_width"], parameters["range_match"]
    chance = random.Random(parameters["seed"])
    matches = 0
    for _ in range(parameters["trials"]):
        key = random_key(chance, width, range_match=range_match)
        codes = new_codes(chance, rows, width, key, range_match=range_match)
        dut.priorities.value = sum(code << (row * width) for row, code in enumerate(codes))
        for name, value in line_key(key, range_match=range_match).items():
            getattr(dut, name).value = value
        await Timer(1, "ns")
        hits = [row for row, code in enumerate(codes) if key_matches(key, code, width=width, range_match=range_match)]
        got = int(dut.match.value)
        assert got == sum(1 << row for row in hits), f"key {key}: expected rows {hits}, got lines {got:#x}"
        matches += len(hits)
        cover("match.rows", amount(len(hits), rows))
        cover_key(key, width, range_match=range_match)
    assert matches > 0, "no row ever matched"
    leave_report({"compared": parameters["trials"] * rows, "matches": matches})
