"""Bench of the memory of codes: what each write exceeds the code before it by, a write a cycle, often of one row."""

from __future__ import annotations

import random
from typing import Any

import cocotb

from amper import AmperConfig
from amper_hw.base.latency import CODE_CYCLES
from amper_hw.tree.shape import code_columns
from amper_verif.benches.support import Answers, Device, Gaps
from amper_verif.harness.coverage import collected
from amper_verif.harness.simulation import bench_parameters, leave_report

NAMES = ("operation_zero", "operation_value", "operation_row")


@cocotb.test()
async def against_a_list(dut: Any) -> None:
    parameters = bench_parameters()
    config = AmperConfig.from_dict(parameters["config"])
    chance = random.Random(parameters["seed"])
    offered, columns = Gaps(chance), code_columns(config)
    nodes = -(-config.rows // columns)
    codes = [0] * config.rows
    cycles = parameters["cycles"] + nodes
    device = Device(dut, deadline=cycles + 2 * CODE_CYCLES)
    device.drive(write_valid=0, write_row=0, write_code=0, write_zero=0)
    await device.start()
    answers, row, again = Answers("operation"), 0, 0
    for cycle in range(cycles + CODE_CYCLES):
        zero = cycle < nodes or (cycle < cycles and chance.random() < 0.02)
        valid = zero or (cycle < cycles and offered())
        if valid:
            before = row
            row = chance.choice((row, row ^ 1, chance.randrange(config.rows), chance.randrange(min(3, config.rows))))
            row = cycle * columns if cycle < nodes else row - row % columns if zero else min(row, config.rows - 1)
            again += row == before and not zero
            code = 0 if zero else chance.choice((0, config.priority_max, chance.randint(0, config.priority_max)))
            grown = 0 if zero else (code - codes[row]) % (1 << config.total_width)
            for index in range(row, min(row + columns, config.rows)) if zero else (row,):
                codes[index] = code
            device.drive(write_row=row, write_code=chance.randint(0, config.priority_max) if zero else code)
            answers.expect(cycle + CODE_CYCLES, (int(zero), grown, row))
        device.drive(write_valid=int(valid), write_zero=int(zero))
        await device.settle()
        answers.observe(cycle, device.read("operation_store"), lambda: tuple(map(device.read, NAMES)))
        await device.tick()
    answers.check_finished()
    leave_report({"compared": answers.compared, "again": again, "coverage": collected()})
