"""Bench of flipped RAM bits: random programs of writes, batches and a clear, and in each some bits of one word flip.

Every result that is OK is compared with the golden model, also those that come before the fault is found and after its
repair. Page: docs/hardware/upsets.md.
"""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.triggers import Timer

from amper import AmperConfig, GoldenModel, Parameter, Status
from amper_hw.base import latency
from amper_hw.draw.beats import DrawBeats
from amper_verif.benches.sampler.upsets import PERIOD, Cell, HangError, cells
from amper_verif.benches.support import Device
from amper_verif.harness.progress import leave_progress
from amper_verif.harness.simulation import bench_parameters, leave_report

Result = tuple[int, int, int, int]  # row, priority, last, status
Flip = tuple[int, Cell, tuple[int, ...]]  # at which cycle of a program, what


class Trial:
    """A program, offered without a pause but where it says so: a request waits for no result."""

    def __init__(self, dut: Any, config: AmperConfig, seed: int) -> None:
        self.device = Device(dut, deadline=float("inf"))
        self.config = config
        self.chance = random.Random(seed)
        self.limit = latency.answer_cycles(config) + latency.repair_cycles(config) + latency.clear_cycles(config)
        self.limit += DrawBeats.MOST_RECORDS * config.batch  # a repair, and so a write, waits for all draws under way
        self.rest = latency.PATROL_CYCLES * (config.rows + 1) + 2 * latency.repair_cycles(config)

    async def run(self, flip: Flip | None) -> tuple[str, int]:
        """(what became of it, cycles of the program)."""
        self.log: list[tuple[int, ...]] = []  # writes (row, code), batches (size,), clears ()
        self.results: list[list[Result]] = [[]]
        self.flip, device = flip, self.device
        device.drive(write_valid=0, control_valid=0, request_valid=0, result_ready=1, write_invalidate=0)
        device.drive(control_parameter=0, control_value=0, write_row=0, write_priority=0, request_batch=0)
        await device.reset(3)
        self.began = device.cycle
        try:
            await self._program()
            cycles = device.cycle - self.began
            await self._rest()
            lost = await self._heal()
            await self._batch()
            await self._answered()
        except HangError:
            return "hang", 0
        if not self._right():
            return "silent", cycles
        refused = any(each[3] == Status.ROW_FAULT for batch in self.results for each in batch)
        reported = refused or (self.config.protected and device.read("faults_repaired"))
        return ("detected" if lost else "corrected" if reported else "masked"), cycles

    async def _program(self) -> None:
        chance = self.chance
        for part in range(2):
            for row in chance.sample(range(self.config.rows), self.config.rows):
                await self._write(row)
            for _ in range(chance.randrange(6, 12)):
                kind = chance.randrange(4)
                if kind == 0:
                    await self._batch()
                elif kind == 1:
                    await self._pause(chance.randrange(40))
                row = chance.randrange(self.config.rows)
                for _ in range(chance.randrange(4)):
                    await self._write(chance.choice((row, row ^ 1, chance.randrange(self.config.rows))))
            await self._batch()
            if part == 0:
                await self._clear()
        await self._answered()

    async def _rest(self) -> None:
        """Long enough for the patrol to see every row, and for a repair; nothing is asked."""
        if self.flip and self.device.cycle - self.began <= self.flip[0]:
            await self._pause(self.flip[0] + 1)
        await Timer(PERIOD * self.rest, unit="ns")
        await self._pause(1)

    async def _heal(self) -> bool:
        """Writes the rows that are lost anew; whether there were any."""
        for count in range(3 if self.config.protected else 0):
            if not self.device.read("row_fault"):
                lost = self.device.read("faults_lost")  # also of rows that the program has written, or cleared, since
                assert lost >= count, "lost rows are counted"
                return lost > 0
            await self._batch()  # is refused
            await self._write(self.device.read("lost_row"))
            await self._answered()
            found = latency.CHECKED_CYCLES + 4  # from the write to the fault
            await Timer(PERIOD * (found + latency.repair_cycles(self.config)), unit="ns")
            await self._pause(1)
        if self.config.protected:
            raise HangError
        return False

    async def _write(self, row: int) -> None:
        row %= self.config.rows
        code = self.chance.choice((0, self.config.priority_max, self.chance.randint(0, self.config.priority_max)))
        self.device.drive(write_valid=1, write_row=row, write_priority=code)
        await self._until("write_ready")
        self.device.drive(write_valid=0)
        self.log.append((row, code))

    async def _batch(self) -> None:
        self.device.drive(request_valid=1, request_batch=self.config.batch)
        await self._until("request_ready")
        self.device.drive(request_valid=0)
        self.log.append((self.config.batch,))

    async def _clear(self) -> None:
        self.device.drive(control_valid=1, control_parameter=Parameter.CLEAR, control_value=1)
        await self._until("control_ready")
        self.device.drive(control_valid=0)
        self.log.append(())

    async def _answered(self) -> None:
        asked = sum(len(each) == 1 for each in self.log)
        for _ in range(self.limit * asked + 1):
            if len(self.results) == asked + 1:
                return
            await self._pause(1)
        raise HangError

    async def _pause(self, cycles: int) -> None:
        for _ in range(cycles):
            await self._cycle()

    async def _until(self, name: str) -> None:
        for _ in range(self.limit + 1):
            if await self._cycle(name):
                return
        raise HangError

    async def _cycle(self, name: str = "result_ready") -> bool:
        """Returns whether the port of that name is 1 in it."""
        device, dut = self.device, self.device.dut
        await device.settle()
        if self.flip and device.cycle - self.began == self.flip[0]:
            self.flip[1].flip(self.flip[2])
            await Timer(1, unit="ns")
        if str(dut.result_valid.value) == "1":
            ports = (dut.result_row, dut.result_priority, dut.result_last, dut.result_status)
            row, priority, last, status = (int(port.value) if port.value.is_resolvable else -1 for port in ports)
            self.results[-1].append((row, priority, last, status))
            if last:
                self.results.append([])
        found = str(dut[name].value) == "1"
        await device.tick()
        return found

    def _right(self) -> bool:
        """Whether every result is what the model says, or tells that it may be wrong."""
        model, answers = GoldenModel(self.config), iter(self.results)
        for each in self.log:
            if len(each) == 2:
                model.write(*each)
            elif not each:
                model.set_parameter(Parameter.CLEAR, 1)
            elif not self._batch_right(model, next(answers)):
                return False
        return self.results[-2][-1][3] in (Status.OK, Status.NO_VALID_ROW)

    def _batch_right(self, model: GoldenModel, got: list[Result]) -> bool:
        size = self.config.batch
        if len(got) != size:  # refused as a whole
            status = Status.NO_VALID_ROW if model.vmax is None else Status.ROW_FAULT
            return got == [(0, 0, 1, status)] or got == [(0, 0, 1, Status.ROW_FAULT)]
        drawn = model.draw(size)
        faulty = [each[3] for each in got].index(Status.ROW_FAULT) if got[-1][3] else size
        wanted = list(zip(drawn.indices, drawn.priorities, strict=True))[:faulty] + [(0, 0)] * (size - faulty)
        statuses = [Status.OK] * faulty + [Status.ROW_FAULT] * (size - faulty)
        lasts = [0] * (size - 1) + [1]
        return got == [(*pair, last, status) for pair, last, status in zip(wanted, lasts, statuses, strict=True)]


@cocotb.test()
async def campaign(dut: Any) -> None:
    parameters = bench_parameters()
    config = AmperConfig.from_dict(parameters["config"])
    chance = random.Random(parameters["seed"])
    await Trial(dut, config, 0).device.start()
    found = [cell for cell in cells(dut, parameters["registers"], config.name) if parameters["only"] in cell.path]
    flips = [(cell, (bit,)) for cell in found for bit in range(cell.width())]
    for cell in found:
        if cell.width() > 1:
            flips += [(cell, tuple(chance.sample(range(cell.width()), 2))) for _ in range(parameters["doubles"])]
    said, cycles = await Trial(dut, config, parameters["seed"]).run(None)
    assert said == "masked", f"without an upset, the program is {said}"
    report: list[list[Any]] = []
    due = [each for each in flips for _ in range(parameters["repeats"])]
    for number, (cell, bits) in enumerate(due):
        moment = chance.randrange(cycles)
        said, _ = await Trial(dut, config, parameters["seed"] + number).run((moment, cell, bits))
        report.append([cell.module, cell.path, list(bits), moment, said])
        leave_progress(number, len(due))
    leave_report({"upsets": report})
