"""Bench of the multiplier of stored multiples: every bit of a product, exactly so many enabled cycles later."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import cocotb

from amper_verif.benches.parts.multiplier import operand
from amper_verif.benches.support import Device, Gaps
from amper_verif.harness.simulation import bench_parameters, leave_report

_STAGES = 2
_STABLE = 25  # cycles with one operand


@cocotb.test()
async def against_python(dut: Any) -> None:
    parameters = bench_parameters()
    chance = random.Random(parameters["seed"])
    enabled = Gaps(chance)
    device = Device(dut, deadline=parameters["cycles"] + 1)
    device.drive(enable=0, digits=0, operand=0, odd_times_3=0, odd_times_5=0, odd_times_7=0)
    await device.start()
    due: deque[int] = deque(maxlen=_STAGES)
    multiplied = compared = 0
    for cycle in range(parameters["cycles"]):
        if cycle % _STABLE == 0:
            multiplied = operand(chance, parameters["operand_width"])
            device.drive(operand=multiplied, **{f"odd_times_{odd}": odd * multiplied for odd in (3, 5, 7)})
            due.clear()
        digits, enable = operand(chance, parameters["digits_width"]), enabled()
        device.drive(enable=int(enable), digits=digits)
        await device.settle()
        if len(due) == _STAGES:
            got = device.read("product")
            assert got == due[0], f"cycle {cycle}: expected {due[0]}, got {got}"
            compared += 1
        await device.tick()
        if enable:
            due.append(digits * multiplied)
    assert compared > 0, "nothing was compared"
    leave_report({"compared": compared})
