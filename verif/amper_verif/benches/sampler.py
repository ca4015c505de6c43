"""Bench of the whole sampler: random or recorded operations and back-pressure, every beat against the golden model."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from amper import AmperConfig, Status
from amper_verif.benches.sampler_coverage import SamplerCoverage
from amper_verif.coverage import collected
from amper_verif.scoreboard import Result, Scoreboard
from amper_verif.simulation import bench_parameters, leave_progress, leave_report
from amper_verif.workload import Operation, Reset, Sample, Write, workload

IDLE_LIMIT = 20_000  # cycles without any handshake after which the device hangs


class SamplerBench:
    """Drives the three streams cycle by cycle; everything is sampled at the rising edge, before the registers move."""

    def __init__(self, dut: Any, config: AmperConfig, seed: int) -> None:
        self.dut = dut
        self.config = config
        self.scoreboard = Scoreboard(config)
        self.random = random.Random(seed)
        self.cycle = 0
        self.last_progress = 0
        self.operations: deque[Operation] = deque()
        self.ready_chance = 1.0  # of result_ready in a cycle
        self.offer_chance = 1.0  # of offering the next operation in a cycle
        self.held: tuple[int, ...] | None = None  # a beat that was refused must not change
        self.refusal_due = False
        self.stalls = 0  # cycles in which a result was not taken
        self.started: deque[tuple[int, int, int]] = deque()  # (cycle, stalls so far, batch; 0 if refused) of requests
        self.cycles: list[tuple[int, int]] = []  # (batch, cycles from request to last result), without back-pressure
        self.statuses: dict[str, int] = {}
        self.refused_writes = 0
        self.resets = 0
        self.offered: Operation | None = None
        self.coverage = SamplerCoverage(self.scoreboard.model)

    async def start(self) -> None:
        cocotb.start_soon(Clock(self.dut.clk, 10, unit="ns").start())
        await self.reset()

    async def reset(self) -> None:
        dut = self.dut
        dut.rst.value = 1
        for signal in (dut.write_valid, dut.request_valid, dut.result_ready):
            signal.value = 0
        self.offered = None
        await RisingEdge(dut.clk)
        await RisingEdge(dut.clk)
        dut.rst.value = 0
        self.scoreboard.reset()
        self.started.clear()
        self.held = None
        self.refusal_due = False

    async def run(self, operations: list[Operation]) -> None:
        """All of ``operations``, then until every result has come."""
        self.operations.extend(operations)
        self.last_progress = self.cycle
        total = len(operations)
        while self.operations or self.offered is not None or self.scoreboard.expected:
            if self.offered is None and self.operations and isinstance(self.operations[0], Reset):
                await self._reset_operation()
                continue
            self._offer()
            await RisingEdge(self.dut.clk)
            self.cycle += 1
            self._observe()
            if self.cycle % 1024 == 0:
                leave_progress(total - len(self.operations), total)
            assert self.cycle - self.last_progress < IDLE_LIMIT, (
                f"no handshake for {IDLE_LIMIT} cycles: the device hangs"
            )
        leave_progress(total, total)

    async def _reset_operation(self) -> None:
        """A reset in the middle of whatever is going on, some cycles after the operation before it."""
        wait = self.operations.popleft()
        assert isinstance(wait, Reset)
        for _ in range(wait.after):
            self.dut.result_ready.value = int(self.random.random() < self.ready_chance)
            self.dut.write_valid.value = 0
            self.dut.request_valid.value = 0
            await RisingEdge(self.dut.clk)
            self.cycle += 1
            self._observe()
        self.resets += 1
        self.coverage.reset(in_flight=bool(self.scoreboard.expected))
        await self.reset()
        self.last_progress = self.cycle

    def _offer(self) -> None:
        """Put the next operation on its stream; once offered, it stays until it is taken."""
        dut = self.dut
        waiting = self.offered is None and self.operations and not isinstance(self.operations[0], Reset)
        if waiting and (self.offer_chance >= 1 or self.random.random() < self.offer_chance):
            self.offered = self.operations.popleft()
            if isinstance(self.offered, Write):
                dut.write_row.value = self.offered.row
                dut.write_priority.value = self.offered.priority
                dut.write_invalidate.value = self.offered.invalidate
                dut.write_valid.value = 1
            elif isinstance(self.offered, Sample):
                dut.request_batch.value = self.offered.batch
                dut.request_valid.value = 1
                self.ready_chance = self.offered.ready_chance
                self.offer_chance = self.offered.offer_chance
        ready = self.ready_chance >= 1 or self.random.random() < self.ready_chance
        dut.result_ready.value = int(ready)

    def _observe(self) -> None:
        dut = self.dut
        assert int(dut.write_refused.value) == self.refusal_due, "write_refused does not tell of the write before"
        self.refusal_due = False
        if self.offered is not None:
            if isinstance(self.offered, Write) and dut.write_valid.value:
                self.coverage.offered_write(ready=bool(dut.write_ready.value))
                if dut.write_ready.value:
                    self._written(self.offered)
            elif isinstance(self.offered, Sample) and dut.request_valid.value and dut.request_ready.value:
                self._requested(self.offered)
        if dut.result_valid.value:
            self._result(ready=bool(dut.result_ready.value))
        else:
            assert self.held is None, f"result_valid fell before {self.held} was taken"

    def _written(self, write: Write) -> None:
        self.coverage.write(write)
        self.refusal_due = self.scoreboard.write(write.row, write.priority, write.invalidate)
        self.refused_writes += self.refusal_due
        self.dut.write_valid.value = 0
        self.offered = None
        self.last_progress = self.cycle

    def _requested(self, sample: Sample) -> None:
        status = self.scoreboard.request(sample.batch)
        self.coverage.request(sample.batch, status)
        self.statuses[status.name] = self.statuses.get(status.name, 0) + 1
        drawn = status in (Status.OK, Status.FALLBACK)
        self.started.append((self.cycle, self.stalls, sample.batch if drawn else 0))
        self.dut.request_valid.value = 0
        self.offered = None
        self.last_progress = self.cycle

    def _result(self, *, ready: bool) -> None:
        dut = self.dut
        fields = (dut.result_row, dut.result_priority, dut.result_last, dut.result_status)
        beat = Result(*(int(field.value) for field in fields))
        assert self.held is None or beat == self.held, f"result changed from {self.held} to {beat} before it was taken"
        self.held = None if ready else beat
        self.coverage.result(ready=ready)
        if not ready:
            self.stalls += 1
            return
        self.last_progress = self.cycle
        self.scoreboard.result(beat)
        if beat.last and self.started:
            cycle, stalls, batch = self.started.popleft()
            if batch and stalls == self.stalls:
                self.cycles.append((batch, self.cycle - cycle))

    def report(self) -> dict[str, Any]:
        board = self.scoreboard
        return {
            "batches": board.batches,
            "compared": board.compared,
            "mismatches": board.mismatches,
            "first_mismatch": board.first_mismatch,
            "statuses": self.statuses,
            "refused_writes": self.refused_writes,
            "resets": self.resets,
            "cycles": self.cycles,
            "simulated_cycles": self.cycle,
            "coverage": collected(),
        }


@cocotb.test()
async def against_golden_model(dut: Any) -> None:
    parameters = bench_parameters()
    config = AmperConfig.from_dict(parameters["config"])
    bench = SamplerBench(dut, config, parameters["seed"])
    await bench.start()
    await bench.run(workload(config, parameters["workload"], parameters["seed"]))
    leave_report(bench.report())
    bench.scoreboard.check_finished()
