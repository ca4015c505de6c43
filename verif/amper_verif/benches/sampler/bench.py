"""Bench of the whole sampler: random or recorded operations and back-pressure, every beat against the golden model."""

from __future__ import annotations

import random
from collections import Counter, deque
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from amper import AmperConfig, Parameter
from amper.operations.vocabulary import Beat, Control, Operation, Reset, Sample, Settle
from amper.operations.workload import workload
from amper_verif.benches.sampler.coverage import SamplerCoverage
from amper_verif.benches.sampler.cycles import CycleCheck
from amper_verif.benches.sampler.monitors import Monitors
from amper_verif.harness.progress import leave_progress
from amper_verif.harness.scoreboard import Result, Scoreboard
from amper_verif.harness.simulation import bench_parameters, leave_report

Offer = Beat | Control | Sample
STREAMS: dict[type, str] = {Beat: "write", Control: "control", Sample: "request"}


class SamplerBench:
    """Drives the streams cycle by cycle; everything is sampled at the rising edge, before the registers move."""

    scoreboard_type = Scoreboard

    def __init__(self, dut: Any, config: AmperConfig, seed: int) -> None:
        self.dut = dut
        self.config = config
        self.scoreboard = self.scoreboard_type(config)
        self.random = random.Random(seed)
        self.cycle = 0
        self.last_progress = 0
        self.operations: deque[Operation] = deque()
        self.habit = Sample(0)  # whose chances hold
        self.patient = False  # whether a result is taken only after it was seen, which must not keep it from coming
        self.offered: dict[str, Offer] = {}  # by stream
        self.waited: Counter[str] = Counter()  # for how many cycles, those left out in which a result was not taken
        self.ahead: Counter[str] = Counter()  # the most batches under way meanwhile
        self.held: Result | None = None  # a beat that was refused must not change
        self.monitors = Monitors(dut, config, self.scoreboard)
        self.cycles = CycleCheck(config, self.scoreboard)
        self.statuses: dict[str, int] = {}
        self.refused_writes = 0
        self.refused_controls = 0
        self.resets = 0
        self.coverage = SamplerCoverage(self.scoreboard.model)

    @classmethod
    async def test(cls, dut: Any) -> None:
        """The whole bench: the workload of its parameters."""
        parameters = bench_parameters()
        config = AmperConfig.from_dict(parameters["config"])
        bench = cls(dut, config, parameters["seed"])
        await bench.start()
        await bench.run(workload(config, parameters["workload"], parameters["seed"]))
        leave_report(bench.report())
        bench.scoreboard.check_finished()

    async def start(self) -> None:
        cocotb.start_soon(Clock(self.dut.clk, 10, unit="ns").start())
        await self.reset()

    async def reset(self) -> None:
        dut = self.dut
        dut.rst.value = 1
        for signal in (dut.write_valid, dut.control_valid, dut.request_valid, dut.result_ready):
            signal.value = 0
        self.offered.clear()
        self.waited.clear()
        self.ahead.clear()
        await self._edge()
        await self._edge()
        dut.rst.value = 0
        self.scoreboard.reset()
        self.monitors.reset()
        self.cycles.reset(self.cycle)
        self.last_progress = self.cycle
        self.held = None

    async def run(self, operations: list[Operation]) -> None:
        """All of ``operations``, then until every result has come."""
        self.operations.extend(operations)
        self.last_progress = self.cycle
        total = len(operations)
        while self.operations or self.offered or self.scoreboard.expected:
            barrier = self.operations[0] if self.operations and not self.offered else None
            if isinstance(barrier, Reset):
                await self._reset_operation(barrier)
            elif isinstance(barrier, Settle) and not self.scoreboard.expected:
                self.operations.popleft()
                await self._idle(self.monitors.settle_cycles)
                self.monitors.check_settled()
            else:
                self._offer()
                await self._step()
            if self.cycle % 1024 == 0:
                leave_progress(total - len(self.operations), total)
            assert self.cycle - self.last_progress < self.cycles.limit, (
                f"no handshake for {self.cycles.limit} cycles: the device hangs"
            )
        leave_progress(total, total)

    async def _edge(self) -> None:
        await RisingEdge(self.dut.clk)

    async def _step(self) -> None:
        """One cycle, with random readiness for a result."""
        chance = self.habit.ready_chance
        willing = self.held is not None or not self.patient
        self.dut.result_ready.value = int(willing and (chance >= 1 or self.random.random() < chance))
        await self._edge()
        self.cycle += 1
        self._observe()

    async def _idle(self, cycles: int) -> None:
        for _ in range(cycles):
            await self._step()
        self.last_progress = self.cycle

    async def _reset_operation(self, operation: Reset) -> None:
        """A reset in the middle of whatever is going on, some cycles after the operation before it."""
        self.operations.popleft()
        await self._idle(operation.after)
        self.resets += 1
        self.coverage.reset(in_flight=bool(self.scoreboard.expected))
        await self.reset()

    def _offer(self) -> None:
        """Put the next operations on their streams; once offered, one stays until it is taken."""
        while self.operations:
            operation = self.operations[0]
            if isinstance(operation, (Reset, Settle)) or STREAMS[type(operation)] in self.offered:
                return
            chance = self.habit.offer_chance * (self.habit.overtake_chance if self.offered else 1.0)
            if chance < 1 and self.random.random() >= chance:
                return
            self.operations.popleft()
            self._drive(operation)

    def _drive(self, operation: Offer) -> None:
        dut = self.dut
        if isinstance(operation, Beat):
            drive_beat(dut, self.config, operation)
        elif isinstance(operation, Control):
            dut.control_parameter.value = operation.parameter
            dut.control_value.value = operation.value
        else:
            dut.request_batch.value = operation.batch
            self.habit = operation
            self.patient = operation.ready_chance < 1 and self.random.random() < 0.4
        stream = STREAMS[type(operation)]
        getattr(dut, f"{stream}_valid").value = 1
        self.offered[stream] = operation

    def _observe(self) -> None:
        """What the edge that has just come transferred; of the same edge, writes and controls come before requests."""
        dut = self.dut
        self.monitors.observe()
        taken = {stream for stream in self.offered if getattr(dut, f"{stream}_ready").value}
        if "write" in self.offered:
            self.coverage.offered_write(ready="write" in taken)
        if not self.offered.keys() <= {"request"}:
            self.cycles.changed(self.cycle)
        if not self.offered and not self.scoreboard.expected:
            self.last_progress = self.cycle
        self.coverage.taken(taken)
        self._check_waits(taken)
        for stream in ("write", "control", "request"):
            if stream in taken:
                self._accepted(self.offered.pop(stream))
                getattr(dut, f"{stream}_valid").value = 0
                self.last_progress = self.cycle
        if dut.result_valid.value:
            self._result(ready=bool(dut.result_ready.value))
        else:
            assert self.held is None, f"result_valid fell before {self.held} was taken"

    def _check_waits(self, taken: set[str]) -> None:
        """No stream starves: what is offered waits for the batches under way, but not for all that come after."""
        for stream in self.offered:
            if not (self.dut.result_valid.value and not self.dut.result_ready.value):
                self.waited[stream] += 1
            self.ahead[stream] = max(self.ahead[stream], len(self.cycles.open))
            if stream == "request" and self.ahead[stream] <= 1:
                self.cycles.has_room(self.cycle, self.waited[stream])
            if stream in taken:
                self.waited[stream] = self.ahead[stream] = 0
            assert self.waited[stream] <= (2 + self.ahead[stream]) * self.cycles.limit, (
                f"{stream} was not taken for {self.waited[stream]} cycles: the stream starves"
            )

    def _accepted(self, operation: Offer) -> None:
        if isinstance(operation, Sample):
            self._requested(operation)
        elif isinstance(operation, Control):
            refused = self.scoreboard.control(*operation)
            self.coverage.control(operation, refused=refused)
            self.monitors.control_refused = refused
            if operation.parameter == Parameter.CLEAR and not refused:
                self.monitors.vmax.cleared()
            self.refused_controls += refused
        else:
            self.coverage.beat(operation)
            self.monitors.vmax.written(operation)
            refused = [self._written(write) for write in operation.writes if write is not None]
            self.monitors.write_refused = any(refused)
            self.refused_writes += sum(refused)

    def _written(self, write: Any) -> bool:
        self.coverage.write(write)
        return self.scoreboard.write(write)

    def _requested(self, sample: Sample) -> None:
        status = self.scoreboard.request(sample.batch)
        self.coverage.request(sample.batch, status, waiting=len(self.cycles.open))
        self.statuses[status.name] = self.statuses.get(status.name, 0) + 1
        if self.cycles.requested(self.cycle, sample.batch, status):
            self.monitors.requested_alone()

    def _result(self, *, ready: bool) -> None:
        beat = self._beat()
        assert self.held is None or beat == self.held, f"result changed from {self.held} to {beat} before it was taken"
        self.held = None if ready else beat
        self.coverage.result(ready=ready)
        self.last_progress = self.cycle
        if not ready:
            self.cycles.stalled()
            return
        self.scoreboard.result(beat)
        if beat.last and self.cycles.answered(self.cycle):
            self.monitors.drew_alone()

    def _beat(self) -> Result:
        dut, config = self.dut, self.config
        return Result.of_port(
            config,
            row=int(dut.result_row.value),
            priority=int(dut.result_priority.value) if config.result_priority else 0,
            lanes=int(dut.result_lanes.value) if config.draw_ports > 1 else 1,
            last=int(dut.result_last.value),
            status=int(dut.result_status.value),
        )

    def report(self) -> dict[str, Any]:
        board = self.scoreboard
        return board.counts() | {
            "compared": board.compared,
            "mismatches": board.mismatches,
            "first_mismatch": board.first_mismatch,
            "statuses": self.statuses,
            "refused_writes": self.refused_writes,
            "refused_controls": self.refused_controls,
            "resets": self.resets,
            "cycles": self.cycles.cycles,
            "spans": self.cycles.spans,
            "timed": self.cycles.exactly,
            "simulated_cycles": self.cycle,
        }


def drive_beat(dut: Any, config: AmperConfig, beat: Beat) -> None:
    """Put the lanes of a write on its ports."""
    row = priority = invalidate = lanes = 0
    for index, write in enumerate(beat.writes):
        if write is not None:
            row |= write.row << index * config.row_width
            priority |= write.priority << index * config.priority_width
            invalidate |= write.invalidate << index
            lanes |= 1 << index
    dut.write_row.value = row
    dut.write_priority.value = priority
    dut.write_invalidate.value = invalidate
    if config.write_ports > 1:
        dut.write_lanes.value = lanes


@cocotb.test()
async def against_golden_model(dut: Any) -> None:
    await SamplerBench.test(dut)
