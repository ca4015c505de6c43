"""Bench of the sampler at a clock of its own: every beat against the golden model; cycles are of no clock's promise.

Page: docs/hardware/integration.md, "Two clocks".
"""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from amper import AmperConfig
from amper_spec.status import Status
from amper_verif.benches.sampler.bench import SamplerBench
from amper_verif.benches.sampler.cycles import CycleCheck
from amper_verif.benches.sampler.monitors import Monitors
from amper_verif.harness.simulation import bench_parameters

EDGES = 3  # of both clocks, while reset is 1


class NoMonitors(Monitors):
    """What is read without a handshake belongs to the other clock."""

    def observe(self) -> None:
        pass

    def check_settled(self) -> None:
        pass


class NoCycles(CycleCheck):
    """Only that something happens; ``slowness`` : cycles of the sampler in one of the streams, or the reverse."""

    def __init__(self, bench: SamplerBench, slowness: float) -> None:
        super().__init__(bench.config, bench.scoreboard)
        self.limit = int((self.limit + 30) * max(1.0, slowness)) + 30

    def requested(self, cycle: int, batch: int, status: Status) -> bool:
        return False

    def answered(self, cycle: int) -> bool:
        return False


class TwoClocksBench(SamplerBench):
    """The workload at ``clk``, the sampler at ``core_clk``."""

    def __init__(self, dut: Any, config: AmperConfig, seed: int) -> None:
        super().__init__(dut, config, seed)
        period = bench_parameters()["core_period"]
        self.monitors = NoMonitors(dut, config, self.scoreboard)
        self.cycles = NoCycles(self, period / 10)
        self._core = Clock(dut.core_clk, period, unit="ns")

    async def start(self) -> None:
        cocotb.start_soon(self._core.start())
        await super().start()

    async def reset(self) -> None:
        self.dut.core_rst.value = 1
        self.dut.rst.value = 1
        for _ in range(EDGES):
            await RisingEdge(self.dut.core_clk)
            await RisingEdge(self.dut.clk)
        self.dut.core_rst.value = 0
        await super().reset()


@cocotb.test()
async def against_model(dut: Any) -> None:
    await TwoClocksBench.test(dut)
