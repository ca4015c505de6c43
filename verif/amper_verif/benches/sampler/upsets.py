"""Bench of upsets: the same short program again and again, with another register bit flipped in each run.

Page: docs/hardware/upsets.md.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

import cocotb
from cocotb.triggers import Timer
from cocotb.types import LogicArray

from amper import AmperConfig, Status
from amper_hw.base import latency
from amper_verif.benches.support import Device
from amper_verif.harness.progress import leave_progress
from amper_verif.harness.simulation import bench_parameters, leave_report

PERIOD = 10  # ns
Answer = tuple[int, ...]  # row, priority, last, status of a result


class HangError(Exception):
    """The device took no write or request, or gave no result, for longer than it may."""


class Cell(NamedTuple):
    """Bits that are registers. ``index``: the word of a memory."""

    module: str
    path: str
    handle: Any

    def width(self) -> int:
        return len(self.handle)

    def flip(self, bits: tuple[int, ...]) -> None:
        """Whatever is unknown stays so."""
        value = LogicArray(str(self.handle.value))
        for bit in bits:
            if str(value[bit]) in "01":
                value[bit] = "0" if str(value[bit]) == "1" else "1"
        self.handle.value = cocotb.handle.Immediate(value if len(value) > 1 else value[0])


def cells(scope: Any, registers: dict[str, list[str]], module: str, path: str = "") -> Iterator[Cell]:
    """All below ``scope``, an instance of ``module``. ``registers``: their names, by module."""
    for child in scope:
        name = child._name
        here = f"{path}{name}"
        if isinstance(child, cocotb.handle.HierarchyObject):
            yield from cells(child, registers, child._def_name or module, f"{here}.")
        elif isinstance(child, cocotb.handle.HierarchyArrayObject):
            for element in child:
                yield from cells(element, registers, module, f"{here}[].")
        elif name in registers.get(module, ()):
            if isinstance(child, cocotb.handle.ArrayObject):
                yield from (Cell(module, f"{here}[{number}]", word) for number, word in enumerate(child))
            else:
                yield Cell(module, here, child)


class Program:
    """All rows, a batch, its updates, a batch, a rest that is long enough to be scrubbed in, a batch."""

    def __init__(self, dut: Any, config: AmperConfig, seed: int) -> None:
        chance = random.Random(seed)
        self.config = config
        self.device = Device(dut, deadline=float("inf"))
        self.limit = latency.answer_cycles(config) + 2
        self.codes = [chance.randrange(1, 1 << config.priority_width) for _ in range(config.rows)]
        self.updates = [(chance.randrange(config.rows), chance.randrange(1 << config.priority_width)) for _ in range(4)]
        self.flip: tuple[int, Cell, tuple[int, ...]] | None = None  # at which cycle of the program

    async def run(self, flip: tuple[int, Cell, tuple[int, ...]] | None = None) -> tuple[list[Answer], bool, int]:
        """(results, whether the device said that something was wrong, cycles before the rest)."""
        self.answers: list[Answer] = []
        self.reported = False
        self.flip, self.began = flip, self.device.cycle
        device = self.device
        device.drive(write_valid=0, control_valid=0, request_valid=0, result_ready=1, write_invalidate=0)
        device.drive(control_parameter=0, control_value=0, write_row=0, write_priority=0, request_batch=0)
        await device.reset(3)
        for row, code in enumerate(self.codes):
            await self._write(row, code)
        await self._batch()
        for row, code in self.updates:
            await self._write(row, code)
        await self._batch()
        for _ in range(self.config.rows):
            await self._cycle()
        cycles = device.cycle - self.began
        await Timer(PERIOD * (latency.CHECK_CYCLES + 2 * latency.census_cycles(self.config)), unit="ns")
        await self._cycle()
        await self._batch()
        return self.answers, self.reported, cycles

    async def _write(self, row: int, code: int) -> None:
        self.device.drive(write_valid=1, write_row=row, write_priority=code)
        await self._until("write_ready")
        self.device.drive(write_valid=0)

    async def _batch(self) -> None:
        size = self.config.batch
        self.device.drive(request_valid=1, request_batch=size)
        await self._until("request_ready")
        self.device.drive(request_valid=0)
        waited, before = 0, len(self.answers)
        while len(self.answers) == before or not self.answers[-1][2]:
            waited = 0 if await self._cycle() else waited + 1
            if waited > self.limit or len(self.answers) > before + size:
                raise HangError

    async def _until(self, name: str) -> None:
        for _ in range(self.limit + 1):
            if await self._cycle(name):
                return
        raise HangError

    async def _cycle(self, name: str = "result_valid") -> bool:
        """Returns whether the port of that name is 1 in it, once everything has settled."""
        device, dut = self.device, self.device.dut
        await device.settle()
        if self.flip and device.cycle - self.began == self.flip[0]:
            self.flip[1].flip(self.flip[2])
            await Timer(1, unit="ns")
        if str(dut.result_valid.value) == "1":
            ports = (dut.result_row, dut.result_priority, dut.result_last, dut.result_status)
            answer = tuple(int(port.value) if port.value.is_resolvable else -1 for port in ports)
            self.answers.append(answer)
            self.reported |= answer[3] != Status.OK
        if self.config.protected:
            self.reported |= str(dut.row_fault.value) == "1"
        found = str(dut[name].value) == "1"
        await device.tick()
        return found


async def outcome(program: Program, expected: list[Answer], flip: tuple[int, Cell, tuple[int, ...]]) -> str:
    """What became of a flip."""
    try:
        answers, reported, _ = await program.run(flip)
    except HangError:
        return "hang"
    if reported:
        return "detected"
    return "masked" if answers == expected else "silent"


@cocotb.test()
async def campaign(dut: Any) -> None:
    parameters = bench_parameters()
    config = AmperConfig.from_dict(parameters["config"])
    chance = random.Random(parameters["seed"])
    program = Program(dut, config, parameters["seed"])
    await program.device.start()
    expected, reported, cycles = await program.run()
    assert not reported, "the program was refused something without an upset"
    found = list(cells(dut, parameters["registers"], config.name))
    singles = [(cell, (bit,)) for cell in found for bit in range(cell.width())]
    rows = [cell for cell in found if cell.module.startswith(parameters["storage"])]
    doubles = [
        (cell, tuple(chance.sample(range(cell.width()), 2))) for cell in rows for _ in range(parameters["doubles"])
    ]
    report: list[list[Any]] = []
    for number, (cell, bits) in enumerate(singles + doubles):
        moment = chance.randrange(3, cycles)
        result = await outcome(program, expected, (moment, cell, bits))
        report.append([cell.module, cell.path, list(bits), moment, result])
        leave_progress(number, len(singles) + len(doubles))
    leave_report({"upsets": report, "cycles": cycles})
