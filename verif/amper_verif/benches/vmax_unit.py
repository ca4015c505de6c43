"""Bench of the Vmax unit: random writes at up to one a cycle; a model in Python stands in for the row array."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import cocotb

from amper import AmperConfig
from amper_hw.latency import row_answer_cycles, settle_cycles
from amper_verif.benches.support import Device, Gaps
from amper_verif.coverage import collected, cover, invalidate_kind
from amper_verif.simulation import bench_parameters, leave_report


class RowModel:
    """The row array as the Vmax unit sees it: answers to probes, a fixed number of cycles later."""

    def __init__(self, rows: int) -> None:
        self.codes: list[int | None] = [None] * rows
        self._due: deque[tuple[int, int]] = deque()

    @property
    def valid(self) -> list[int]:
        return [code for code in self.codes if code is not None]

    def probe(self, due: int, value: int, mask: int, written: int | None) -> None:
        """A probe of what is stored now; the row ``written`` in the same cycle is left out."""
        others = [code for row, code in enumerate(self.codes) if code is not None and row != written]
        self._due.append((due, int(any((code ^ value) & mask == 0 for code in others))))

    def answer(self, cycle: int) -> int | None:
        if self._due and self._due[0][0] == cycle:
            return self._due.popleft()[1]
        return None


class VmaxBench:
    def __init__(self, dut: Any, parameters: dict[str, Any]) -> None:
        self.config = AmperConfig.from_dict(parameters["config"])
        self.device = Device(dut, deadline=100 * parameters["stretches"] * (parameters["stretch"] + 40))
        self.chance = random.Random(parameters["seed"])
        self.offered = Gaps(self.chance)
        self.compared = 0
        self.longest_settle = 0
        self._restart()

    def _restart(self) -> None:
        self.model = RowModel(self.config.rows)
        self.last_write = self.device.cycle
        self.was_exact = True
        self.searching = False  # a search in the background has begun and Vmax is not exact yet
        self.exact_due = True  # in this cycle: before it was a reset, or a write at or above `vmax`
        self.search_due = False  # in this cycle, unless it has a write: the one before interrupted a search

    # --- stimulus ----------------------------------------------------------------------------------------------

    def new_write(self, habit: str) -> tuple[int, int, int]:
        """(row, priority, invalidate); habits that lower the maximum as often as they raise it."""
        codes, top = self.model.codes, self.config.priority_max
        holders = [row for row, code in enumerate(codes) if code is not None and code == max(self.model.valid)]
        row = self.chance.randrange(self.config.rows)
        if habit == "erase":
            return self.chance.choice(holders or [row]), self.chance.randint(0, top), 1
        if habit == "lower" and holders and self.chance.random() < 0.7:
            row = self.chance.choice(holders)
            return row, self.chance.randint(0, max(0, (codes[row] or 0) - 1)), 0
        if habit == "ties":
            return row, self.chance.choice((0, 1, top - 1, top)), int(self.chance.random() < 0.3)
        return row, self.chance.randint(0, top), int(self.chance.random() < 0.2)

    async def stretch(self, writes: int) -> None:
        """Writes with gaps, in one habit, then silence until Vmax is exact."""
        habit = self.chance.choice(("mixed", "erase", "lower", "ties"))
        for _ in range(writes):
            await self.cycle(self.new_write(habit) if self.offered() else None)

    async def chase(self, writes: int) -> None:
        """Take the maximum away again and again, while the search for it is at every possible step."""
        for row in range(self.config.rows):
            await self.cycle((row, self.chance.randint(0, self.config.priority_max), 0))
        for _ in range(writes):
            await self.cycle(self.new_write(self.chance.choice(("erase", "lower"))))
            for _ in range(self.chance.randint(0, settle_cycles(self.config))):
                await self.cycle(None)

    async def settle(self) -> None:
        for _ in range(settle_cycles(self.config) + 2):
            await self.cycle(None)

    async def erase_all(self) -> None:
        """Until nothing is valid: the search must find that out."""
        for row in range(self.config.rows):
            await self.cycle((row, 0, 1))
        await self.settle()

    async def reset(self) -> None:
        cover("reset.in_flight", "vmax_unit")
        await self.device.reset(self.chance.randint(1, 2))
        self._restart()

    # --- a cycle -----------------------------------------------------------------------------------------------

    async def cycle(self, write: tuple[int, int, int] | None) -> None:
        device = self.device
        row, priority, invalidate = write or self.new_write("mixed")  # without valid they mean nothing
        device.drive(write_row=row, write_priority=priority, write_invalidate=invalidate)
        device.drive(write_valid=int(write is not None))
        answer = self.model.answer(device.cycle)
        # Without valid the answer means nothing.
        any_match = self.chance.getrandbits(1) if answer is None else answer
        device.drive(match_valid=int(answer is not None), match_any=any_match)
        await device.settle()
        exact = device.read("exact")
        self._compare(exact)
        begins = self._probe(None if write is None else write[0])
        assert begins or not self.search_due or write is not None, "a search was interrupted and not begun again"
        if write is not None:
            self._cover_write(write)
        self._promise(write, begins)
        self._write(write)
        await device.tick()

    def _compare(self, exact: int) -> None:
        valid, quiet = self.model.valid, self.device.cycle - self.last_write
        if exact:
            got = (self.device.read("occupied"), self.device.read("vmax"))
            wanted = (int(bool(valid)), max(valid, default=0))
            assert got == wanted, f"exact in cycle {self.device.cycle}: expected (occupied, vmax) {wanted}, got {got}"
            self.compared += 1
            if not self.was_exact:
                self.longest_settle = max(self.longest_settle, quiet)
            if self.searching:
                cover("vmax.search", "undisturbed" if valid else "found_nothing")
            self.searching = False
        else:
            assert not self.exact_due, (
                f"not exact in cycle {self.device.cycle}, after a reset or a write of the maximum"
            )
            assert quiet < settle_cycles(self.config), f"Vmax is not exact {quiet} cycles after the last write"
        self.was_exact = bool(exact)

    def _promise(self, write: tuple[int, int, int] | None, begins: bool) -> None:
        """What this cycle promises of the next one."""
        self.exact_due = write is not None and not write[2] and write[1] >= self.device.read("vmax")
        self.search_due = write is not None and not self.exact_due and (self.searching or self.search_due)
        self.searching = write is None and (self.searching or begins)

    def _probe(self, written: int | None) -> bool:
        """Pass a probe on to the model; returns whether it begins a search."""
        read = self.device.read
        if not read("probe_valid"):
            return False
        assert read("probe_probe") == 1, "what the Vmax unit searches must not touch the CSP"
        mask = read("probe_mask")
        self.model.probe(self.device.cycle + row_answer_cycles(self.config), read("probe_value"), mask, written)
        return mask == 0  # the first question of a search: is any row valid

    def _write(self, write: tuple[int, int, int] | None) -> None:
        if write is None:
            return
        row, priority, invalidate = write
        self.model.codes[row] = None if invalidate else priority
        self.last_write = self.device.cycle

    def _cover_write(self, write: tuple[int, int, int]) -> None:
        row, priority, invalidate = write
        valid, before = self.model.valid, self.model.codes[row]
        top = max(valid, default=-1)
        holders = valid.count(top)
        raises = not invalidate and priority > top
        if self.searching:
            cover("vmax.search", "ended_by_raise" if raises else "restarted_by_write")
        if invalidate:
            cover("invalidate.of", invalidate_kind(before, valid))
        if not valid and not invalidate:
            cover("vmax.write", "first")
        elif raises or (not invalidate and priority == top):
            cover("vmax.write", "raises" if raises else "equals")
        elif valid and before == top:
            cover("vmax.write", "lowers_only_maximum" if holders == 1 else "lowers_tied_maximum")
        else:
            cover("vmax.write", "below")


@cocotb.test()
async def against_maximum(dut: Any) -> None:
    parameters = bench_parameters()
    bench = VmaxBench(dut, parameters)
    bench.device.drive(write_valid=0, write_row=0, write_priority=0, write_invalidate=0, match_valid=0, match_any=0)
    await bench.device.start()
    for index in range(parameters["stretches"]):
        await bench.stretch(bench.chance.randint(1, parameters["stretch"]))
        if index % 3 == 0:
            await bench.settle()
        if index % 8 == 1:
            await bench.chase(20)
        if index % 7 == 6:
            await bench.erase_all()
        if index % 10 == 9:
            await bench.reset()
    # The longest way: the only holder of the maximum goes, and nothing disturbs the search.
    await bench.erase_all()
    await bench.cycle((0, bench.config.priority_max, 0))
    await bench.settle()
    await bench.cycle((0, 0, 1))
    await bench.settle()
    assert bench.compared > 0, "Vmax was never exact"
    leave_report(
        {
            "compared": bench.compared,
            "longest_settle": bench.longest_settle,
            "settle_cycles": settle_cycles(bench.config),
            "coverage": collected(),
        }
    )
