"""Bench of a level of the tree: an operation a cycle on few nodes, each as if done before the next one comes."""

from __future__ import annotations

import random
from typing import Any

import cocotb

from amper import AmperConfig
from amper_hw.tree.shape import LEVEL_CYCLES, Level, levels
from amper_verif.benches.support import Answers, Device, Gaps
from amper_verif.harness.coverage import collected
from amper_verif.harness.simulation import bench_parameters, leave_report

FIELDS = ("draw", "store", "zero", "value", "past", "row")
BUSY = 3  # nodes that most operations are of, so that they follow one another in every distance


class Model:
    """Sums of the children of every node, and operations on them one after the other."""

    def __init__(self, shape: Level, chance: random.Random) -> None:
        self.shape, self.chance = shape, chance
        self.children = [[0] * shape.children for _ in range(shape.nodes)]
        self.most = ((1 << shape.code_width) - 1) << shape.below  # that a child can have
        self.last: dict[int, int] = {}  # by node, the cycle of its last store
        self.distances: set[int] = set()

    def row(self, node: int, child: int) -> int:
        """A row below a child."""
        low = self.chance.randrange(1 << self.shape.below)
        return ((node << self.shape.bits | child) << self.shape.below) | low

    def operation(self, node: int, cycle: int) -> tuple[dict[str, int], dict[str, int]]:
        """One by chance, and what it becomes."""
        sums, total = self.children[node], sum(self.children[node])
        if node in self.last:
            self.distances.add(cycle - self.last[node])
        kind = self.chance.random()
        if kind < 0.5 and total:
            return self.draw(node, self.chance.choice((0, total - 1, self.chance.randrange(total))), total)
        self.last[node] = cycle
        child = self.chance.randrange(self.shape.children)
        row, zero = self.row(node, child), kind > 0.95
        new = self.chance.choice((0, self.most, self.chance.randint(0, self.most)))
        delta = 0 if zero else new - sums[child]
        self.children[node] = [0] * len(sums) if zero else [*sums[:child], new, *sums[child + 1 :]]
        asked = {"draw": 0, "store": 1, "zero": int(zero), "value": delta % (1 << self.shape.node_width), "row": row}
        return asked, asked | {"value": delta % (1 << self.shape.child_width)}

    def draw(self, node: int, place: int, total: int) -> tuple[dict[str, int], dict[str, int]]:
        """A place below the node's total."""
        begin = child = 0
        while begin + self.children[node][child] <= place:
            begin, child = begin + self.children[node][child], child + 1
        inside, width = place - begin, self.shape.child_width
        row = node << self.shape.bits + self.shape.below
        asked = {"draw": 1, "store": 0, "zero": 0, "row": row, "value": place}
        asked["past"] = (place - total) % (1 << self.shape.node_width)
        past = (inside - self.children[node][child]) % (1 << width)
        return asked, asked | {"value": inside, "past": past, "row": row | child << self.shape.below}


@cocotb.test()
async def against_sums_in_python(dut: Any) -> None:
    parameters = bench_parameters()
    shape = levels(AmperConfig.from_dict(parameters["config"]))[parameters["level"]]
    chance = random.Random(parameters["seed"])
    model, offered = Model(shape, chance), Gaps(chance)
    cycles = parameters["cycles"] + shape.nodes
    device = Device(dut, deadline=cycles + 2 * LEVEL_CYCLES)
    idle = {f"operation_{name}": 0 for name in FIELDS}
    device.drive(**idle)
    await device.start()
    answers = Answers("result")
    for cycle in range(cycles + LEVEL_CYCLES):
        asked: dict[str, int] = {}
        if cycle < shape.nodes:  # a memory begins with anything
            asked = {"store": 1, "zero": 1, "row": cycle << shape.bits + shape.below}
            answers.expect(cycle + LEVEL_CYCLES, {"draw": 0, "value": 0, **asked})
        elif cycle < cycles and offered():
            few = chance.random() < 0.9
            asked, wanted = model.operation(chance.randrange(min(BUSY, shape.nodes) if few else shape.nodes), cycle)
            answers.expect(cycle + LEVEL_CYCLES, wanted)
        device.drive(**(idle | {f"operation_{name}": value for name, value in asked.items()}))
        await device.settle()
        valid = device.read("result_draw") | device.read("result_store")

        def result() -> dict[str, int]:
            names = FIELDS if device.read("result_draw") else [name for name in FIELDS if name != "past"]
            return {name: device.read(f"result_{name}") for name in names}

        answers.observe(cycle, valid, result)
        await device.tick()
    answers.check_finished()
    leave_report({"compared": answers.compared, "distances": sorted(model.distances), "coverage": collected()})
