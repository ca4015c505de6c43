"""Bench of the select stage: the position of the one with a given rank, after exactly the promised latency."""

from __future__ import annotations

import random
from typing import Any

import cocotb

from amper_verif.benches.support import Answers, Device, Gaps
from amper_verif.harness.coverage import amount, cover
from amper_verif.harness.simulation import bench_parameters, leave_report


def vector_of(chance: random.Random, width: int) -> list[int]:
    """Positions of the ones, ascending, at least one: few, many, all, or at the ends."""
    kind = chance.choice(("one", "few", "many", "all", "ends", "half"))
    if kind == "one":
        return [chance.randrange(width)]
    if kind == "all":
        return list(range(width))
    if kind == "ends":
        return sorted({0, width - 1})
    share = {"few": 0.05, "half": 0.5, "many": 0.95}[kind]
    return [position for position in range(width) if chance.random() < share] or [width - 1]


class SelectBench:
    def __init__(self, dut: Any, parameters: dict[str, Any]) -> None:
        self.parameters = parameters
        self.device = Device(dut, deadline=2 * parameters["cycles"] + 100)
        self.chance = random.Random(parameters["seed"])
        self.offered = Gaps(self.chance)
        self.done = Answers("done")
        self.latency = parameters["stages"]

    def _read(self) -> tuple[int, int]:
        tag = self.device.read("done_tag") if self.parameters["tag_width"] else 0
        return self.device.read("done_position"), tag

    def ask(self) -> None:
        """Drive a question, or rubbish without its valid bit."""
        width, tag_width = self.parameters["width"], self.parameters["tag_width"]
        positions = vector_of(self.chance, width)
        rank = self.chance.choice((0, len(positions) - 1, self.chance.randrange(len(positions))))
        tag = self.chance.getrandbits(tag_width) if tag_width else 0
        valid = self.offered()
        vector = sum(1 << position for position in positions)
        self.device.drive(start_valid=int(valid), start_vector=vector, start_rank=rank)
        if tag_width:
            self.device.drive(start_tag=tag)
        if not valid:
            return
        self.done.expect(self.device.cycle + self.latency, (positions[rank], tag))
        cover("select.vector", {"one": "one", "many": "many", "all": "all"}[amount(len(positions), width)])
        cover("select.rank", "first" if rank == 0 else "last" if rank == len(positions) - 1 else "middle")

    async def run(self, cycles: int, *, asking: bool = True) -> None:
        for _ in range(cycles):
            if asking:
                self.ask()
            else:
                self.device.drive(start_valid=0)
            await self.device.settle()
            self.done.observe(self.device.cycle, self.device.read("done_valid"), self._read)
            await self.device.tick()

    async def reset(self) -> None:
        if self.done.outstanding:
            cover("reset.in_flight", "rank_select")
        await self.device.reset(self.chance.randint(1, 3))
        self.done.clear()


@cocotb.test()
async def against_python(dut: Any) -> None:
    parameters = bench_parameters()
    bench = SelectBench(dut, parameters)
    bench.device.drive(start_valid=0, start_vector=0, start_rank=0)
    await bench.device.start()
    for _ in range(10):
        await bench.run(bench.chance.randint(1, 12))
        await bench.reset()
    await bench.run(parameters["cycles"])
    await bench.run(bench.latency + 2, asking=False)
    bench.done.check_finished()
    leave_report({"compared": bench.done.compared})
