"""Bench of the stream arbiter: two random senders, random back-pressure, every beat accounted for."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import cocotb

from amper_verif.benches.support import Device, Gaps, Sink
from amper_verif.coverage import collected
from amper_verif.simulation import bench_parameters, leave_report

PORTS = ("first", "second")


@cocotb.test()
async def in_order_and_in_turns(dut: Any) -> None:
    parameters = bench_parameters()
    chance = random.Random(parameters["seed"])
    device = Device(dut, deadline=parameters["cycles"] + 100)
    device.drive(first_valid=0, second_valid=0, out_ready=0, first_value=0, second_value=0)
    await device.start()
    habits = {port: Gaps(chance) for port in PORTS}
    offered: dict[str, int | None] = dict.fromkeys(PORTS)
    sink = Sink("sampler", chance)
    waiting = dict.fromkeys(PORTS, 0)  # beats of the other that passed while this one was offered
    passed = dict.fromkeys(PORTS, 0)
    both = 0
    latest: deque[str] = deque(maxlen=1)
    for _ in range(parameters["cycles"]):
        for port in PORTS:
            if offered[port] is None and habits[port]():
                offered[port] = chance.getrandbits(15) << 1 | PORTS.index(port)  # the lowest bit tells the sender
        shown = {f"{port}_value": chance.getrandbits(16) if offered[port] is None else offered[port] for port in PORTS}
        ready = int(sink.ready())
        device.drive(**{f"{port}_valid": int(offered[port] is not None) for port in PORTS}, **shown, out_ready=ready)
        await device.settle()
        valid = device.read("out_valid")
        assert valid == any(beat is not None for beat in offered.values())
        taken = sink.observe(valid, ready, lambda: device.read("out_value"))
        both += all(beat is not None for beat in offered.values())
        for index, port in enumerate(PORTS):
            mine = taken is not None and taken & 1 == index
            assert device.read(f"{port}_ready") & int(offered[port] is not None) == int(mine)
            if mine:
                assert taken == offered[port], f"{port}: expected {offered[port]}, got {taken}"
                passed[port] += 1
                offered[port] = None
                waiting[port] = 0
                latest.append(port)
            elif taken is not None and offered[port] is not None:
                waiting[port] += 1
                assert waiting[port] <= 1, f"{port} waits although the other one was served twice"
        await device.tick()
    assert min(*passed.values(), both) > 50
    leave_report({"passed": passed, "both": both, "coverage": collected()})
