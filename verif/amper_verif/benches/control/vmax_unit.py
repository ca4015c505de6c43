"""Bench of the Vmax unit: random writes at up to W a cycle; a model in Python stands in for the row array."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from typing import Any

import cocotb

from amper import AmperConfig
from amper_hw.base.latency import any_answer_cycles, is_deep, settle_cycles
from amper_verif.benches.array.bank import RowWrite
from amper_verif.benches.array.match_line import Key, key_matches, key_names
from amper_verif.benches.support import Device, Gaps
from amper_verif.harness.coverage import cover, invalidate_kind
from amper_verif.harness.simulation import bench_parameters, leave_report

Writes = dict[int, RowWrite]  # by lane


class RowModel:
    """The row array as the Vmax unit sees it: answers to probes, a fixed number of cycles later."""

    def __init__(self, rows: int) -> None:
        self.codes: list[int | None] = [None] * rows
        self._due: deque[tuple[int, int]] = deque()

    @property
    def valid(self) -> list[int]:
        return [code for code in self.codes if code is not None]

    def probe(self, due: int, fits: Callable[[int], bool], written: set[int]) -> None:
        """A probe of what is stored now; rows ``written`` in the same cycle are left out."""
        others = [code for row, code in enumerate(self.codes) if code is not None and row not in written]
        self._due.append((due, int(any(fits(code) for code in others))))

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
        self.spared = 0  # cycles with writes that needed no probe, because they left the holder alone
        self.cleared = 0
        self._restart()

    def _restart(self) -> None:
        self.model = RowModel(self.config.rows)
        self.last_write = self.device.cycle
        self.was_exact = True
        self.searching = False  # a search in the background has begun and Vmax is not exact yet
        self.exact_due = True  # in this cycle: before it was a reset, a clear, or a write at or above `vmax`
        self.search_due = False  # in this cycle, unless it has a write: the one before interrupted a search
        self.holders: set[int] = set()  # rows of which the unit must know one as that of the maximum
        # What each cycle asks of its probe, until that comes: (there may be none, it must begin a search).
        self.decisions = deque([(False, False)] * is_deep(self.config))

    # --- stimulus ----------------------------------------------------------------------------------------------

    def new_write(self, habit: str) -> RowWrite:
        """Habits that lower the maximum as often as they raise it."""
        codes, top = self.model.codes, self.config.priority_max
        holders = [row for row, code in enumerate(codes) if code is not None and code == max(self.model.valid)]
        row = self.chance.randrange(self.config.rows)
        if habit == "erase":
            return RowWrite(self.chance.choice(holders or [row]), self.chance.randint(0, top), 1)
        if habit == "lower" and holders and self.chance.random() < 0.7:
            row = self.chance.choice(holders)
            return RowWrite(row, self.chance.randint(0, max(0, (codes[row] or 0) - 1)), 0)
        if habit == "ties":
            return RowWrite(row, self.chance.choice((0, 1, top - 1, top)), int(self.chance.random() < 0.3))
        return RowWrite(row, self.chance.randint(0, top), int(self.chance.random() < 0.2))

    def new_writes(self, habit: str) -> Writes:
        """One write or more, no two of them into the same bank."""
        ports = self.config.write_ports
        lanes = self.chance.sample(range(ports), self.chance.choice((1, ports, self.chance.randint(1, ports))))
        writes: Writes = {}
        banks: set[int] = set()
        for lane in lanes:
            write = self.new_write(habit)
            bank = write.row // self.config.bank_rows
            if bank not in banks:
                writes[lane] = write
                banks.add(bank)
        return writes

    def in_any_lane(self, row: int, priority: int, invalidate: int) -> Writes:
        return {self.chance.randrange(self.config.write_ports): RowWrite(row, priority, invalidate)}

    async def stretch(self, writes: int) -> None:
        """Writes with gaps, in one habit, and clears."""
        habit = self.chance.choice(("mixed", "erase", "lower", "ties"))
        for _ in range(writes):
            offered = self.offered()
            clear = not offered and self.chance.random() < 0.05
            await self.cycle(self.new_writes(habit) if offered else {}, clear=clear)

    async def chase(self, writes: int) -> None:
        """Take the maximum away again and again, while the search for it is at every possible step."""
        for row in range(self.config.rows):
            await self.cycle(self.in_any_lane(row, self.chance.randint(0, self.config.priority_max), 0))
        for _ in range(writes):
            await self.cycle(self.new_writes(self.chance.choice(("erase", "lower"))))
            for _ in range(self.chance.randint(0, settle_cycles(self.config))):
                await self.cycle({})

    async def settle(self) -> None:
        for _ in range(settle_cycles(self.config) + 2):
            await self.cycle({})

    async def erase_all(self) -> None:
        """Until nothing is valid: the search must find that out."""
        for row in range(self.config.rows):
            await self.cycle(self.in_any_lane(row, 0, 1))
        await self.settle()

    async def reset(self) -> None:
        cover("reset.in_flight", "vmax_unit")
        await self.device.reset(self.chance.randint(1, 2))
        self._restart()

    # --- a cycle -----------------------------------------------------------------------------------------------

    async def cycle(self, writes: Writes, *, clear: bool = False) -> None:
        """``clear``: make all rows invalid, if Vmax is surely exact, as the unit demands."""
        device = self.device
        clear = clear and (self.exact_due or (self.was_exact and self.last_write < device.cycle - 1))
        self.cleared += clear
        self._drive(writes, clear=clear)
        answer = self.model.answer(device.cycle)
        # Without a probe the answer means nothing.
        device.drive(match_any=self.chance.getrandbits(1) if answer is None else answer)
        await device.settle()
        self._compare(device.read("exact"))
        begins = self._probe({write.row for write in writes.values()})
        self._cover_writes(writes)
        self._promise(writes, begins, clear=clear)
        self._write(writes, clear=clear)
        await device.tick()

    def _drive(self, writes: Writes, *, clear: bool) -> None:
        self.device.drive(clear=int(clear))
        for lane in range(self.config.write_ports):
            write = writes.get(lane) or self.new_write("mixed")  # without valid it means nothing
            self.device.drive(**{f"write_{lane}_{name}": value for name, value in write._asdict().items()})
            self.device.drive(**{f"write_{lane}_valid": int(lane in writes)})

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
                f"not exact in cycle {self.device.cycle}, after a reset, a clear or a write of the maximum"
            )
            assert quiet < settle_cycles(self.config), f"Vmax is not exact {quiet} cycles after the last write"
        self.was_exact = bool(exact)

    def _promise(self, writes: Writes, begins: bool, *, clear: bool) -> None:
        """What this cycle promises of the next one."""
        vmax = self.device.read("vmax")
        raising = [write for write in writes.values() if not write.invalidate and write.priority >= vmax]
        self.exact_due = bool(raising) or clear
        self.search_due = bool(writes) and not raising and (self.searching or begins or self.search_due)
        self.searching = not writes and (self.searching or begins)
        if raising:
            top = max(write.priority for write in raising)
            self.holders = {write.row for write in raising if write.priority == top}
        elif clear or any(write.row in self.holders for write in writes.values()):
            self.holders = set()

    def _probe(self, written: set[int]) -> bool:
        """Pass a probe on to the model; returns whether it begins a search."""
        read, config = self.device.read, self.config
        untouched = bool(self.holders) and not self.holders & written
        self.spared += untouched and bool(written)
        # In a deep pipeline the probe that comes now was decided on in the cycle before.
        self.decisions.append((untouched, self.search_due and not written))
        untouched, must_begin = self.decisions.popleft()
        if not read("probe_valid"):
            assert not must_begin, "a search was interrupted and not begun again"
            return False
        assert not untouched, f"a probe in cycle {self.device.cycle}, and one of the rows {self.holders} is the maximum"
        assert read("probe_probe") == 1, "what the Vmax unit searches must not touch the CSP"
        assert read("probe_payload_valid") == 1, "a probe is a search in lane 0"
        key = self._read_key()
        matches = {"width": config.priority_width, "range_match": config.range_match}
        self.model.probe(
            self.device.cycle + any_answer_cycles(config), lambda code: key_matches(key, code, **matches), written
        )
        # The first question of a search: is any row valid?
        begins = key == (0, config.priority_max) if config.range_match else key[1] == 0
        assert begins or not must_begin, "a search was interrupted and not begun again"
        return begins

    def _read_key(self) -> Key:
        """The codes of lane 0."""
        low, high = (self.device.read(f"probe_{name}") for name in key_names(self.config.range_match))
        return low & self.config.priority_max, high & self.config.priority_max

    def _write(self, writes: Writes, *, clear: bool) -> None:
        for write in writes.values():
            self.model.codes[write.row] = None if write.invalidate else write.priority
            self.last_write = self.device.cycle
        if clear:
            self.model.codes = [None] * self.config.rows

    def _cover_writes(self, writes: Writes) -> None:
        top = max(self.model.valid, default=-1)
        raises = any(not write.invalidate and write.priority > top for write in writes.values())
        if self.searching and writes:
            cover("vmax.search", "ended_by_raise" if raises else "restarted_by_write")
        for write in writes.values():
            self._cover_write(write)

    def _cover_write(self, write: RowWrite) -> None:
        valid, before = self.model.valid, self.model.codes[write.row]
        top = max(valid, default=-1)
        if write.invalidate:
            cover("invalidate.of", invalidate_kind(before, valid))
        if not valid and not write.invalidate:
            cover("vmax.write", "first")
        elif not write.invalidate and write.priority >= top:
            cover("vmax.write", "raises" if write.priority > top else "equals")
        elif valid and before == top:
            cover("vmax.write", "lowers_only_maximum" if valid.count(top) == 1 else "lowers_tied_maximum")
        else:
            cover("vmax.write", "below")


@cocotb.test()
async def against_maximum(dut: Any) -> None:
    parameters = bench_parameters()
    bench = VmaxBench(dut, parameters)
    bench._drive({}, clear=False)
    bench.device.drive(match_any=0)
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
    await bench.cycle(bench.in_any_lane(0, bench.config.priority_max, 0))
    await bench.settle()
    await bench.cycle(bench.in_any_lane(0, 0, 1))
    await bench.settle()
    assert bench.compared > 0, "Vmax was never exact"
    leave_report(
        {
            "compared": bench.compared,
            "spared": bench.spared,
            "cleared": bench.cleared,
            "longest_settle": bench.longest_settle,
            "settle_cycles": settle_cycles(bench.config),
        }
    )
