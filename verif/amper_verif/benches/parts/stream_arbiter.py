"""Bench of the stream arbiter: two random senders, random back-pressure, every beat accounted for."""

from __future__ import annotations

import random
from typing import Any

import cocotb

from amper_verif.benches.support import Device, Gaps, Sink
from amper_verif.harness.simulation import bench_parameters, leave_report

PORTS = ("first", "second")


class ArbiterBench:
    """A beat is offered until it is taken; its lowest bit tells which sender it comes from."""

    def __init__(self, dut: Any, parameters: dict[str, Any]) -> None:
        self.device = Device(dut, deadline=parameters["cycles"] + 100)
        self.field, self.width = parameters["field"], parameters["width"]
        self.chance = chance = random.Random(parameters["seed"])
        self.habits = {port: Gaps(chance) for port in PORTS}
        self.sink = Sink("sampler", chance)
        self.offered: dict[str, int | None] = dict.fromkeys(PORTS)
        self.waited = dict.fromkeys(PORTS, 0)  # beats of the other one that passed meanwhile
        self.passed = dict.fromkeys(PORTS, 0)
        self.both = 0  # cycles in which both had a beat

    async def cycle(self) -> None:
        for index, port in enumerate(PORTS):
            if self.offered[port] is None and self.habits[port]():
                self.offered[port] = self.chance.getrandbits(self.width - 1) << 1 | index
            beat = self.offered[port]
            shown = self.chance.getrandbits(self.width) if beat is None else beat
            self.device.drive(**{f"{port}_valid": int(beat is not None), f"{port}_{self.field}": shown})
        ready = int(self.sink.ready())
        self.device.drive(out_ready=ready)
        await self.device.settle()
        valid = self.device.read("out_valid")
        assert valid == any(beat is not None for beat in self.offered.values())
        self.both += all(beat is not None for beat in self.offered.values())
        taken = self.sink.observe(valid, ready, lambda: self.device.read(f"out_{self.field}"))
        for index, port in enumerate(PORTS):
            self._check(port, taken, mine=taken is not None and taken & 1 == index)
        await self.device.tick()

    def _check(self, port: str, taken: int | None, *, mine: bool) -> None:
        beat = self.offered[port]
        assert self.device.read(f"{port}_ready") & int(beat is not None) == int(mine)
        if mine:
            assert taken == beat, f"{port}: expected {beat}, got {taken}"
            self.passed[port] += 1
            self.offered[port] = None
            self.waited[port] = 0
        elif taken is not None and beat is not None:
            self.waited[port] += 1
            assert self.waited[port] <= 1, f"{port} waits although the other one was served twice"


@cocotb.test()
async def in_order_and_in_turns(dut: Any) -> None:
    parameters = bench_parameters()
    bench = ArbiterBench(dut, parameters)
    bench.device.drive(first_valid=0, second_valid=0, out_ready=0)
    bench.device.drive(**{f"{port}_{bench.field}": 0 for port in PORTS})
    await bench.device.start()
    for _ in range(parameters["cycles"]):
        await bench.cycle()
    assert min(*bench.passed.values(), bench.both) > 50
    leave_report({"passed": bench.passed, "both": bench.both})
