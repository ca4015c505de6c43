"""Bench of the place unit: x for every word, exactly so many enabled cycles later."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import cocotb

from amper import AmperConfig
from amper_hw.base.latency import place_cycles
from amper_verif.benches.parts.multiplier import operand
from amper_verif.benches.support import Device, Gaps
from amper_verif.harness.coverage import collected
from amper_verif.harness.simulation import bench_parameters, leave_report


@cocotb.test()
async def against_python(dut: Any) -> None:
    parameters = bench_parameters()
    config = AmperConfig.from_dict(parameters["config"])
    chance = random.Random(parameters["seed"])
    enabled = Gaps(chance)
    stratified = config.draws == "stratified"
    device = Device(dut, deadline=parameters["cycles"] + 1)
    device.drive(enable=0, word=0, total=0, **({"part": 0, "height": 0} if stratified else {}))
    await device.start()
    due: deque[int] = deque(maxlen=place_cycles(config))
    stored = config.pipeline == "deep" and config.primitives == "gates"
    total = compared = 0
    for cycle in range(parameters["cycles"]):
        if cycle % 100 == 0:  # T is stable while places are made of it
            total = operand(chance, config.total_width)
            due.clear()
        word, height = operand(chance, config.place_width), chance.randrange(config.batch.bit_length())
        part = chance.randrange(1 << height)
        enable = enabled()
        device.drive(enable=int(enable), word=word, total=total)
        if stored:
            device.drive(**{f"odd_times_{factor}": factor * total for factor in (3, 5, 7)})
        if stratified:
            device.drive(part=part, height=height)
        await device.settle()
        if len(due) == due.maxlen:
            got = device.read("place")
            assert got == due[0], f"cycle {cycle}: expected {due[0]}, got {got}"
            compared += 1
        await device.tick()
        if enable:
            # By itself, so that nothing of the wide product's way of adding is shared.
            place = word * total // 2**config.place_width
            due.append((part * total + place) // 2**height if stratified else place)
    assert compared > 0, "nothing was compared"
    leave_report({"compared": compared, "coverage": collected()})
