"""Bench of the passing queue: every value, in its order and in its cycle."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import cocotb

from amper_verif.benches.support import Device, Gaps
from amper_verif.harness.coverage import collected
from amper_verif.harness.simulation import bench_parameters, leave_report


@cocotb.test()
async def against_python(dut: Any) -> None:
    parameters = bench_parameters()
    chance = random.Random(parameters["seed"])
    coming, taking = Gaps(chance), Gaps(chance)
    device = Device(dut, deadline=parameters["cycles"] + 1)
    device.drive(w_en=0, w_data=0, r_en=0)
    await device.start()
    inside: deque[int] = deque()
    compared = full = 0
    for cycle in range(parameters["cycles"]):
        if chance.random() < 0.01:
            await device.reset()
            inside.clear()
        value, takes = chance.getrandbits(parameters["width"]), taking()
        comes = coming() and len(inside) < parameters["depth"]
        device.drive(w_en=int(comes), w_data=value, r_en=int(takes))
        await device.settle()
        # It is offered from the cycle after the one in which it came.
        assert device.read("r_rdy") == bool(inside), f"r_rdy in cycle {cycle} with {len(inside)} values"
        if inside:
            assert device.read("r_data") == inside[0], f"cycle {cycle}: expected {inside[0]}"
            compared += 1
        if inside and takes:
            inside.popleft()
        if comes:
            inside.append(value)
        full += len(inside) == parameters["depth"]
        await device.tick()
    leave_report({"compared": compared, "full": full, "coverage": collected()})
