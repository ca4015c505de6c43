"""Bench of a netlist with mutants: the same operations for one after the other, each until something differs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock

from amper import AmperConfig
from amper.operations.workload import workload
from amper_verif.benches.sampler.bench import SamplerBench
from amper_verif.harness.scoreboard import Scoreboard
from amper_verif.harness.simulation import bench_parameters, leave_report


class StrictScoreboard(Scoreboard):
    """The first mismatch ends the run: one is enough."""

    def mismatch(self, text: str) -> None:
        super().mismatch(text)
        raise AssertionError(text)


class MutantBench(SamplerBench):
    """One mutant under one workload; the clock runs already."""

    scoreboard_type = StrictScoreboard

    async def start(self) -> None:
        await self.reset()


async def noticed(dut: Any, config: AmperConfig, asked: dict[str, Any], seed: int) -> str:
    """What the bench says against the mutant that is in force; nothing if it passes."""
    bench = MutantBench(dut, config, seed)
    try:
        await bench.start()
        await bench.run(workload(config, asked, seed))
        bench.scoreboard.check_finished()
    except Exception as error:  # whatever ends a bench early has noticed the mutant
        return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    return ""


@cocotb.test()
async def every_mutant(dut: Any) -> None:
    parameters = bench_parameters()
    config = AmperConfig.from_dict(parameters["config"])
    cocotb.start_soon(Clock(dut.clk, 10, unit="ns").start())
    with Path(parameters["results"]).open("a", encoding="utf-8") as results:
        for number in parameters["mutants"]:
            print(json.dumps({"number": number, "begun": True}), file=results, flush=True)
            dut.mutation.value = number
            said = await noticed(dut, config, parameters["workload"], parameters["seed"])
            print(json.dumps({"number": number, "said": said}), file=results, flush=True)
    leave_report({"compared": len(parameters["mutants"])})
