"""Bench of the draw unit: a model in Python stands in for the row array; every beat against the golden draws."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import cocotb

from amper import AmperConfig, Status, streams
from amper_hw.latency import DRAW_START_CYCLES, QUEUE_CYCLES, draw_cycles, row_answer_cycles
from amper_verif.benches.support import Device, Sink
from amper_verif.coverage import collected, cover
from amper_verif.scoreboard import Result
from amper_verif.simulation import bench_parameters, leave_report

WARM_UP_CYCLES = 2  # after a reset until the first random word
DRAWN = (Status.OK, Status.FALLBACK)


class DrawBench:
    def __init__(self, dut: Any, parameters: dict[str, Any]) -> None:
        self.config = AmperConfig.from_dict(parameters["config"])
        self.banks = -(-self.config.rows // self.config.bank_rows)
        batch_cycles = 50 * self.config.batch + 500  # with back-pressure in its worst stretches
        self.device = Device(dut, deadline=parameters["batches"] * batch_cycles)
        self.chance = random.Random(parameters["seed"])
        self.sink = Sink("result", self.chance)
        self.answer_cycles = row_answer_cycles(self.config)
        # As many draws may be between their random word and their being taken: promised as what the queue holds.
        self.most = draw_cycles(self.config) + QUEUE_CYCLES + 2
        self.compared = 0
        self.timed = 0
        self._restart()

    def _restart(self) -> None:
        self.words = streams(self.config.seed)[1]
        self.since_reset = 0
        self.expected: deque[Result] = deque()
        self.selected: deque[tuple[int, int]] = deque()  # (cycle due, rank)
        self.data: deque[tuple[int, int]] = deque()  # (cycle due, row)
        self.begun = 0  # selections without their result yet
        self.sink.clear()
        self.csp: list[int] = []
        self.codes = [self.chance.randint(0, self.config.priority_max) for _ in range(self.config.rows)]

    # --- a batch -----------------------------------------------------------------------------------------------

    def _new_batch(self) -> tuple[int, Status]:
        """Chooses the CSP, the size and the status; what must come is noted."""
        config = self.config
        share = self.chance.choice((0.0, 0.1, 0.5, 1.0))
        self.csp = [row for row in range(config.rows) if self.chance.random() < share]
        self.csp = self.csp or [self.chance.randrange(config.rows)]
        batch = self.chance.choice((1, config.batch, self.chance.randint(1, config.batch)))
        status = self.chance.choice((Status.OK, Status.OK, Status.FALLBACK, Status.NO_VALID_ROW, Status.BAD_BATCH))
        if status not in DRAWN:
            self.expected.append(Result(0, 0, 1, status))
            return batch, status
        for index in range(batch):
            row = self.csp[((self.words.next() >> 32) * len(self.csp)) >> 32]
            self.expected.append(Result(row, self.codes[row], int(index == batch - 1), status))
        return batch, status

    async def batch(self, *, hurry: bool, stop_after: int | None = None) -> None:
        """One batch until the unit is idle again; ``hurry``: to its last beat, no back-pressure, exact cycles."""
        timed = hurry and not self.expected and self.since_reset >= WARM_UP_CYCLES
        batch, status = self._new_batch()
        start = self.device.cycle
        drawn = status in DRAWN
        pipeline = DRAW_START_CYCLES + (draw_cycles(self.config) if drawn else 0)
        beats = batch if drawn else 1
        idle = False
        while not idle or (hurry and self.expected):
            age = self.device.cycle - start
            if age == stop_after:
                await self._reset()
                return
            beat, idle = await self._cycle(hurry=hurry, start=(batch, status) if age == 0 else None)
            idle = idle and age > 0
            first = pipeline + QUEUE_CYCLES
            if timed:
                assert (beat is not None) == (first <= age < first + beats), f"beat {beat} {age} cycles after the start"
                assert idle == (age >= pipeline + beats), f"idle is {idle} {age} cycles after the start"
                self.timed += 1

    async def drain(self, *, hurry: bool) -> None:
        while self.expected:
            await self._cycle(hurry=hurry, start=None)

    # --- a cycle -----------------------------------------------------------------------------------------------

    async def _cycle(self, *, hurry: bool, start: tuple[int, Status] | None) -> tuple[Result | None, bool]:
        """Returns (the beat taken, idle)."""
        device, ready = self.device, hurry or self.sink.ready()
        # Only with valid do the values count.
        batch, status = start or (self.chance.randint(0, self.config.batch), self.chance.choice(tuple(Status)))
        size = len(self.csp) if start else self.chance.randint(0, self.config.rows)
        device.drive(
            start_valid=int(start is not None),
            start_batch=batch,
            start_csp_size=size,
            start_status=status,
            result_ready=int(ready),
        )
        self._answer_selection()
        self._answer_read()
        await device.settle()
        idle = bool(device.read("idle"))
        self._take_questions(idle)
        beat = self.sink.observe(device.read("result_valid"), int(ready), self._read_result)
        if beat is not None:
            self._compare(beat)
        self.since_reset += 1
        await device.tick()
        return beat, idle

    def _answer_selection(self) -> None:
        config = self.config
        due = bool(self.selected) and self.selected[0][0] == self.device.cycle
        rank = self.selected.popleft()[1] if due else self.chance.randrange(len(self.csp) or 1)
        row = self.csp[rank] if self.csp else 0
        bank = row // config.bank_rows
        inside = [member % config.bank_rows for member in self.csp if member // config.bank_rows == bank]
        self.device.drive(
            array_selected_valid=int(due),
            array_selected_vector=sum(1 << position for position in inside),
            array_selected_rank=inside.index(row % config.bank_rows) if inside else 0,
        )
        if self.banks > 1:
            self.device.drive(array_selected_bank=bank)

    def _answer_read(self) -> None:
        due = bool(self.data) and self.data[0][0] == self.device.cycle
        # 0 when nothing was read, as the row array promises.
        priority = self.codes[self.data.popleft()[1]] if due else 0
        self.device.drive(array_data_valid=int(due), array_data_priority=priority)

    def _take_questions(self, idle: bool) -> None:
        read, due = self.device.read, self.device.cycle + self.answer_cycles
        asks, reads = read("array_select_valid"), read("array_read_valid")
        if idle:
            busy = asks or reads or self.selected or self.data
            assert not busy, f"idle in cycle {self.device.cycle}, and the row array is still in use"
        if asks:
            rank = read("array_select_rank")
            assert rank < len(self.csp), f"rank {rank} asked of a CSP of {len(self.csp)} rows"
            self.selected.append((due, rank))
            self.begun += 1
            assert self.begun <= self.most, f"{self.begun} draws under way, the queue has {self.most} places"
            cover("draw.outstanding", {1: "one", self.most: "full"}.get(self.begun, "some"))
        if reads:
            self.data.append((due, read("array_read_row")))

    def _read_result(self) -> Result:
        return Result(*(self.device.read(f"result_{name}") for name in Result._fields))

    def _compare(self, beat: Result) -> None:
        wanted = self.expected.popleft() if self.expected else None
        assert beat == wanted, f"beat {self.compared}: expected {wanted}, got {beat}"
        self.begun -= beat.status in DRAWN
        self.compared += 1

    async def _reset(self) -> None:
        cover("reset.in_flight", "draw_unit")
        self.device.drive(start_valid=0)
        await self.device.reset(self.chance.randint(1, 3))
        self._restart()


@cocotb.test()
async def against_golden_stream(dut: Any) -> None:
    parameters = bench_parameters()
    bench = DrawBench(dut, parameters)
    bench.device.drive(start_valid=0, start_batch=0, start_csp_size=0, start_status=0, result_ready=0)
    bench.device.drive(array_selected_valid=0, array_data_valid=0)
    await bench.device.start()
    for index in range(parameters["batches"]):
        hurry = index % 3 == 0
        if hurry:
            await bench.drain(hurry=True)
        await bench.batch(hurry=hurry)
        if index % 6 == 5:
            await bench.batch(hurry=bench.chance.random() < 0.5, stop_after=bench.chance.randint(1, 30))
    await bench.drain(hurry=False)
    for _ in range(bench.most):
        beat, idle = await bench._cycle(hurry=True, start=None)
        assert idle, "not idle after everything was drawn"
        assert beat is None, f"a beat too many: {beat}"
    assert bench.compared > 0, "no beat was compared"
    assert bench.timed > 0, "the cycles of no batch were checked"
    leave_report({"compared": bench.compared, "timed": bench.timed, "coverage": collected()})
