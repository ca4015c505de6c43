"""Bench of the choice of a plane: planes and ranks of random memories, exactly so many enabled cycles later."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import cocotb

from amper import AmperConfig
from amper_hw.base.bits import index_width
from amper_hw.base.latency import choice_cycles
from amper_verif.benches.support import Device, Gaps
from amper_verif.harness.coverage import collected, cover
from amper_verif.harness.simulation import bench_parameters, leave_report


def random_counts(config: AmperConfig, chance: random.Random) -> list[int]:
    """C_k of some memory: not all 0, and every plane alone, empty or full now and then."""
    kind = chance.choice(("any", "one", "full", "sparse"))
    if kind == "one":
        counts = [0] * config.priority_width
        counts[chance.randrange(config.priority_width)] = chance.randint(1, config.rows)
        return counts
    if kind == "full":
        return [config.rows] * config.priority_width
    most = 1 if kind == "sparse" else config.rows
    counts = [chance.choice((0, most, chance.randint(0, most))) for _ in range(config.priority_width)]
    return counts if any(counts) else [1, *counts[1:]]


def sums_of(counts: list[int]) -> list[int]:
    """S_0 to S_Q."""
    sums = [0]
    for plane, count in enumerate(counts):
        sums.append(sums[-1] + (count << plane))
    return sums


@cocotb.test()
async def against_python(dut: Any) -> None:
    parameters = bench_parameters()
    config = AmperConfig.from_dict(parameters["config"])
    chance = random.Random(parameters["seed"])
    enabled = Gaps(chance)
    width = index_width(config.rows)
    device = Device(dut, deadline=parameters["cycles"] + 1)
    device.drive(enable=0, place=0, sums_total=0, sums_uppers=0)
    await device.start()
    due: deque[tuple[int, int]] = deque(maxlen=choice_cycles(config))
    sums = [0, 1]
    compared = 0
    for cycle in range(parameters["cycles"]):
        if cycle % 50 == 0:  # the sums are stable while places are looked up
            sums = sums_of(random_counts(config, chance))
            uppers = sum((sums[plane] >> plane) << (plane - 1) * width for plane in range(1, config.priority_width))
            device.drive(sums_total=sums[-1], sums_uppers=uppers)
            due.clear()
        total, border = sums[-1], chance.choice(sums)
        near = min(max(border + chance.choice((-1, 0, 1)), 0), total - 1)
        place = chance.choice((near, chance.randrange(total)))
        enable = enabled()
        device.drive(enable=int(enable), place=place)
        await device.settle()
        if len(due) == due.maxlen:
            plane = device.read("plane")
            rank = (device.read("reached") - device.read("upper") - device.read("borrow")) % (1 << width)
            assert (plane, rank) == due[0], f"cycle {cycle}: expected {due[0]}, got {(plane, rank)}"
            compared += 1
        await device.tick()
        if enable:
            plane = max(plane for plane in range(config.priority_width) if sums[plane] <= place)
            rank = (place - sums[plane]) >> plane
            last = (sums[plane + 1] - sums[plane] >> plane) - 1
            cover("select.rank", "first" if rank == 0 else "last" if rank == last else "middle")
            due.append((plane, rank))
    assert compared > 0, "nothing was compared"
    leave_report({"compared": compared, "coverage": collected()})
