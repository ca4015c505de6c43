"""Bench of the random number generator: its words against the golden stream, under back-pressure and resets."""

from __future__ import annotations

import random
from typing import Any

import cocotb

from amper import Xoroshiro128PlusPlus
from amper.config import RANDOM_WIDTH
from amper_verif.benches.support import Device, Sink
from amper_verif.coverage import collected, cover
from amper_verif.simulation import bench_parameters, leave_report

FIRST_WORD_CYCLES = 2  # promised: from the end of the reset to the first word


class UrngBench:
    def __init__(self, dut: Any, parameters: dict[str, Any]) -> None:
        self.dut = dut
        self.parameters = parameters
        self.device = Device(dut, deadline=2 * parameters["cycles"] + 100)
        self.chance = random.Random(parameters["seed"])
        self.sink = Sink("urng", self.chance)
        self.compared = 0
        self._restart()

    def _restart(self) -> None:
        self.gold = Xoroshiro128PlusPlus(self.parameters["s0"], self.parameters["s1"])
        self.since_reset = 0
        self.sink.clear()

    def _word(self) -> tuple[int, int]:
        high = int(self.dut.word_high.value) if self.parameters["high_width"] else 0
        low = int(self.dut.word_low.value) if self.parameters["low_width"] else 0
        return high, low

    async def run(self, cycles: int) -> None:
        for _ in range(cycles):
            ready = self.sink.ready()
            self.device.drive(word_ready=int(ready))
            await self.device.settle()
            valid = self.device.read("word_valid")
            # One word a cycle: from the first on there is one in every cycle.
            assert valid == (self.since_reset >= FIRST_WORD_CYCLES), (
                f"word_valid is {valid} {self.since_reset} cycles after the reset"
            )
            beat = self.sink.observe(valid, int(ready), self._word)
            if beat is not None:
                self._compare(beat)
            self.since_reset += 1
            await self.device.tick()

    def _compare(self, beat: tuple[int, int]) -> None:
        word = self.gold.next()
        high = word >> (RANDOM_WIDTH - self.parameters["high_width"])
        low = word % (1 << self.parameters["low_width"])
        assert beat == (high, low), f"word {self.compared}: expected {(high, low)}, got {beat}"
        self.compared += 1

    async def reset(self) -> None:
        cover("reset.in_flight", "urng")
        await self.device.reset(self.chance.randint(1, 3))
        self._restart()


@cocotb.test()
async def against_golden_stream(dut: Any) -> None:
    parameters = bench_parameters()
    bench = UrngBench(dut, parameters)
    bench.device.drive(word_ready=1)
    await bench.device.start()
    # Short lives first: a reset before, at and after the first word.
    for cycles in (*range(1, 8), *(bench.chance.randint(10, 60) for _ in range(5)), parameters["cycles"]):
        await bench.run(cycles)
        await bench.reset()
    await bench.run(20)
    assert bench.compared > parameters["cycles"] // 20, f"only {bench.compared} words came"
    leave_report({"compared": bench.compared, "coverage": collected()})
