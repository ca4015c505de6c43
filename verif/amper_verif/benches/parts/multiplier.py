"""Bench of the pipelined multiplier: a product for every pair, exactly so many enabled cycles later."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import cocotb

from amper_verif.benches.support import Device, Gaps
from amper_verif.harness.coverage import cover
from amper_verif.harness.simulation import bench_parameters, leave_report


def operand(chance: random.Random, width: int) -> int:
    top = (1 << width) - 1
    value = chance.choice((0, 1, top, chance.randint(0, top), 1 << chance.randrange(width), chance.randint(0, top)))
    cover("multiplier.operand", {0: "zero", 1: "one", top: "all_ones"}.get(value, "some"))
    return value


@cocotb.test()
async def against_python(dut: Any) -> None:
    parameters = bench_parameters()
    chance = random.Random(parameters["seed"])
    enabled = Gaps(chance)
    device = Device(dut, deadline=parameters["cycles"] + 1)
    device.drive(enable=0, a=0, b=0)
    await device.start()
    taken: deque[tuple[int, int]] = deque(maxlen=parameters["stages"])
    compared = 0
    for _ in range(parameters["cycles"]):
        a, b = operand(chance, parameters["a_width"]), operand(chance, parameters["b_width"])
        enable = enabled()
        device.drive(enable=int(enable), a=a, b=b)
        await device.settle()
        # Not enabled, the product stands still: the comparison goes on.
        if len(taken) == parameters["stages"]:
            got, wanted = device.read("product"), taken[0][0] * taken[0][1]
            assert got == wanted, f"{taken[0][0]} * {taken[0][1]}: expected {wanted}, got {got}"
            compared += 1
        await device.tick()
        if enable:
            taken.append((a, b))
    assert compared > 0, "nothing was compared"
    leave_report({"compared": compared})
