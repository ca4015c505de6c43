"""Bench of the write unit: every write in its exact cycle and lane, every refusal, and when beats are taken."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

import cocotb

from amper import AmperConfig
from amper_verif.benches.support import Device, Gaps
from amper_verif.harness.simulation import bench_parameters, leave_report


class LaneWrite(NamedTuple):
    """What a lane of a beat asks for; ``used``: it holds a write."""

    used: int
    row: int
    priority: int
    invalidate: int


class WriteBench:
    """A lane is due as many cycles late as lanes below it go to the same bank."""

    def __init__(self, dut: Any, parameters: dict[str, Any]) -> None:
        self.config = AmperConfig.from_dict(parameters["config"])
        self.device = Device(dut, deadline=3 * parameters["cycles"] + 1000)
        self.chance = random.Random(parameters["seed"])
        self.offering, self.opening = Gaps(self.chance), Gaps(self.chance)
        self.compared = self.refusals = 0
        self.longest = 0  # cycles that a beat took
        self.without_gap = 0  # beats taken while the one before is issued
        self._restart()

    def _restart(self) -> None:
        self.due: dict[int, dict[int, tuple[int, int, int]]] = {}  # cycle -> lane -> (row, priority, invalidate)
        self.refused = 0  # lanes, in this cycle
        self.free = 0  # cycle from which a beat can be taken
        self.beat: list[LaneWrite] | None = None  # offered
        self.rows = self.config.rows

    def new_beat(self) -> list[LaneWrite]:
        """Lanes anywhere, all in one bank, or all in one row; rows beyond those in use as well."""
        config, chance = self.config, self.chance
        habit = chance.choice(("any", "bank", "row", "beyond"))
        first = chance.randrange(config.rows)
        lanes = []
        for _ in range(config.write_ports):
            row = {
                "any": chance.randrange(config.rows),
                "bank": min(config.rows - 1, first // config.bank_rows * config.bank_rows + chance.randrange(2)),
                "row": first,
                "beyond": chance.getrandbits(config.row_width),
            }[habit]
            used = int(config.write_ports == 1 or chance.random() < 0.8)
            lanes.append(LaneWrite(used, row, chance.getrandbits(config.priority_width), chance.getrandbits(1)))
        return lanes

    def _taken(self, beat: list[LaneWrite]) -> None:
        """Note what must come of a beat that is taken in this cycle."""
        cycle = self.device.cycle
        in_bank: dict[int, int] = {}
        for lane, write in enumerate(beat):
            if write.used and write.row >= self.rows:
                self.refused |= 1 << lane
                self.refusals += 1
            elif write.used:
                bank = write.row // self.config.bank_rows
                delay = in_bank.get(bank, 0)
                in_bank[bank] = delay + 1
                self.due.setdefault(cycle + 1 + delay, {})[lane] = self._issued(write)
        cycles = max(in_bank.values(), default=1)
        self.longest = max(self.longest, cycles)
        self.free = cycle + cycles

    def _issued(self, write: LaneWrite) -> tuple[int, int, int]:
        """Row, priority and invalidate: where exact is built in, code 0 makes a row invalid, and one that is has it."""
        if "exact" not in self.config.variants:
            return write.row, write.priority, write.invalidate
        code = 0 if write.invalidate else write.priority
        return write.row, code, int(code == 0)

    # --- a cycle -----------------------------------------------------------------------------------------------

    async def cycle(self, *, offer: bool, opened: bool) -> None:
        device, chance = self.device, self.chance
        if self.beat is None and offer:
            self.beat = self.new_beat()
        if self.beat is None and chance.random() < 0.05:
            self.rows = chance.choice((1, self.config.rows, chance.randint(1, self.config.rows)))
        self._drive(self.beat or self.new_beat(), opened)
        await device.settle()
        issuing = self._compare(opened)
        self.refused = 0
        if self.beat is not None and device.read("write_ready"):
            self.without_gap += issuing
            self._taken(self.beat)
            self.beat = None
        await device.tick()

    def _drive(self, beat: list[LaneWrite], opened: bool) -> None:
        config = self.config

        def packed(name: str, width: int) -> int:
            return sum(getattr(write, name) << lane * width for lane, write in enumerate(beat))

        self.device.drive(
            write_valid=int(self.beat is not None),
            write_row=packed("row", config.row_width),
            write_priority=packed("priority", config.priority_width),
            write_invalidate=packed("invalidate", 1),
            open=int(opened),
            rows=self.rows,
        )
        if config.write_ports > 1:
            self.device.drive(write_lanes=packed("used", 1))

    def _compare(self, opened: bool) -> bool:
        """Check a cycle; returns whether writes were issued in it."""
        read, cycle = self.device.read, self.device.cycle
        due = self.due.pop(cycle, {})
        issued = {
            lane: tuple(read(f"issue_{lane}_{name}") for name in ("row", "priority", "invalidate"))
            for lane in range(self.config.write_ports)
            if read(f"issue_{lane}_valid")
        }
        assert issued == due, f"cycle {cycle}: expected the writes {due}, got {issued}"
        self.compared += len(due)
        idle = int(not due and not self.due)
        assert read("idle") == idle, f"idle in cycle {cycle}: expected {idle}"
        assert read("refused") == self.refused, f"refused in cycle {cycle}: expected {self.refused:#b}"
        ready = int(opened and cycle >= self.free)
        assert read("write_ready") == ready, f"write_ready in cycle {cycle}: expected {ready}"
        return bool(due)

    async def reset(self) -> None:
        self.device.drive(write_valid=0)
        await self.device.reset(self.chance.randint(1, 2))
        self._restart()
        self.free = self.device.cycle


@cocotb.test()
async def against_model(dut: Any) -> None:
    parameters = bench_parameters()
    bench = WriteBench(dut, parameters)
    bench._drive(bench.new_beat(), False)
    await bench.device.start()
    for index in range(parameters["cycles"]):
        await bench.cycle(offer=bench.offering(), opened=bench.opening())
        if index % 200 == 199:
            await bench.reset()
    while bench.beat is not None or bench.due:
        await bench.cycle(offer=False, opened=True)
    await bench.cycle(offer=False, opened=False)
    leave_report(
        {
            "compared": bench.compared,
            "refusals": bench.refusals,
            "longest": bench.longest,
            "without_gap": bench.without_gap,
        }
    )
