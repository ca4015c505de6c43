"""Bench of banks and trees of them where only variant exact is built in: every answer in its exact cycle."""

from __future__ import annotations

import random
from typing import Any

import cocotb

from amper import AmperConfig
from amper_hw.base import latency
from amper_hw.base.variants import in_lut_ram
from amper_verif.benches.array.bank import PlainAnswers
from amper_verif.benches.support import Answers, Device, Gaps
from amper_verif.harness.coverage import amount, collected, cover
from amper_verif.harness.simulation import bench_parameters, leave_report


class PlaneArrayBench:
    """Stretches of writes, each with a census behind it and then draws; reads all the time."""

    def __init__(self, dut: Any, parameters: dict[str, Any]) -> None:
        self.config = AmperConfig.from_dict(parameters["config"])
        self.device = Device(dut, deadline=600 * parameters["rounds"] + 5_000)
        self.chance = random.Random(parameters["seed"])
        self.banks = -(-self.config.rows // self.config.bank_rows)
        ports = range(self.config.draw_ports)
        self.count = Answers("plane_count")
        self.selected = [Answers(f"selected {port}") for port in ports]
        self.data = [PlainAnswers(f"data {port}") for port in ports] if self.config.result_priority else []
        self.writing, self.reading, self.drawing = Gaps(self.chance), Gaps(self.chance), Gaps(self.chance)
        self.cleared = 0
        self.in_lut_ram = in_lut_ram(self.config)
        self._restart()

    def _restart(self) -> None:
        self.codes = [0] * self.config.rows
        self.stored: set[int] = set()  # rows written since the latest clear
        self.ranks: dict[int, tuple[int, int]] = {}  # lanes and plane to select from, by cycle
        for answers in self.answers:
            answers.clear()

    @property
    def answers(self) -> tuple[Answers, ...]:
        return self.count, *self.selected, *self.data

    async def round(self) -> None:
        """Writes, a census, some draws."""
        for _ in range(self.chance.choice((0, 1, 10, 40))):
            await self.cycle(write=self.writing())
        if self.chance.random() < 0.2:
            await self.clear()
        # A census that was broken off leaves nothing behind.
        for plane in range(self.chance.choice((0, 0, self.config.priority_width - 1))):
            await self.cycle(census=plane)
        for _ in range(self.chance.choice((1, 3))):  # a census begins behind a cycle without one
            await self.cycle(write=True)
        for plane in range(self.config.priority_width):
            await self.cycle(census=plane)
        for _ in range(latency.plane_count_cycles(self.config)):
            await self.cycle()
        for _ in range(self.chance.choice((0, 5, 40))):
            await self.cycle(draw=self.drawing())
        for _ in range(latency.plane_lead_cycles(self.config)):
            await self.cycle()

    async def clear(self) -> None:
        """In one cycle; or, in LUT RAM, plane by plane, counted or not, after another broken off."""
        if not self.in_lut_ram:
            await self.cycle(clear=True)
            return
        self.codes = [0] * self.config.rows
        self.stored.clear()
        self.cleared += 1
        planes = self.config.priority_width
        for plane in (*range(self.chance.choice((0, planes - 1))), *range(planes)):
            await self.cycle(zero=plane)

    async def cycle(
        self,
        *,
        write: bool = False,
        clear: bool = False,
        census: int = -1,
        zero: int = -1,
        draw: bool = False,
        read: bool = True,
    ) -> None:
        """One cycle; questions are answered from what is stored before this cycle's writes."""
        self._rubbish()
        device, now = self.device, self.device.cycle
        device.drive(**{"plane_zero": int(zero >= 0)} if self.in_lut_ram else {"clear": int(clear)})
        if zero >= 0 and self.chance.random() < 0.5:
            self._count(zero)
        elif zero >= 0:
            device.drive(plane_index=zero)
        if census >= 0:
            self._count(census)
        if draw:
            self._plane()
        self._select(*self.ranks.pop(now, (0, 0)))
        if read and self.data and self.reading():
            self._read()
        if write:
            self._write()
        if clear:
            self.codes = [0] * self.config.rows
            self.stored.clear()
            self.cleared += 1
        await device.settle()
        self._observe()
        await device.tick()

    def _rubbish(self) -> None:
        """No question, and payloads that mean nothing; a cycle without a write brings code 0."""
        chance, config = self.chance, self.config
        self.device.drive(plane_index=chance.randrange(config.priority_width), plane_census=0)
        for port in range(config.write_ports):
            row = chance.randrange(config.rows)
            self.device.drive(**{f"write_{port}_valid": 0, f"write_{port}_row": row, f"write_{port}_priority": 0})
        for port in range(config.draw_ports):
            self.device.drive(**{f"select_{port}_valid": 0, f"select_{port}_rank": chance.randrange(config.rows)})
            if config.result_priority:
                self.device.drive(**{f"read_{port}_valid": 0, f"read_{port}_row": chance.randrange(config.rows)})

    def _write(self) -> None:
        """Writes of some lanes, each into another bank; code 0 makes a row invalid."""
        chance, config = self.chance, self.config
        taken = set()
        for port in range(config.write_ports):
            row = chance.randrange(config.rows)
            if row // config.bank_rows in taken or chance.random() < 0.2:
                continue
            taken.add(row // config.bank_rows)
            self.stored.add(row)
            self.codes[row] = chance.choice((0, config.priority_max, chance.randint(0, config.priority_max)))
            names = {"valid": 1, "row": row, "priority": self.codes[row]}
            self.device.drive(**{f"write_{port}_{name}": value for name, value in names.items()})

    def _members(self, plane: int) -> list[int]:
        return [row for row, code in enumerate(self.codes) if code >> plane & 1]

    def _count(self, plane: int) -> None:
        self.device.drive(plane_index=plane, plane_census=1)
        members = len(self._members(plane))
        if members:
            cover("plane.rows", amount(members, self.config.rows))
        self.count.expect(self.device.cycle + latency.plane_count_cycles(self.config), members)

    def _plane(self) -> None:
        """A plane for draws, whose ranks follow."""
        planes = [plane for plane in range(self.config.priority_width) if self._members(plane)]
        if not planes:
            return
        plane, ports = self.chance.choice(planes), self.config.draw_ports
        self.device.drive(plane_index=plane)
        lanes = self.chance.choice(((1 << ports) - 1, self.chance.randrange(1, 1 << ports)))
        self.ranks[self.device.cycle + latency.plane_lead_cycles(self.config)] = lanes, plane

    def _select(self, lanes: int, plane: int) -> None:
        config, chance, members = self.config, self.chance, self._members(plane)
        for port in range(config.draw_ports):
            if not lanes >> port & 1:
                continue
            rank = chance.choice((0, len(members) - 1, chance.randrange(len(members))))
            self.device.drive(**{f"select_{port}_valid": 1, f"select_{port}_rank": rank})
            bank, position = divmod(members[rank], config.bank_rows)
            inside = [row % config.bank_rows for row in members if row // config.bank_rows == bank]
            answer = sum(1 << row for row in inside), inside.index(position), bank
            self.selected[port].expect(self.device.cycle + latency.rank_answer_cycles(config), answer)
            cover("select.rank", "first" if rank == 0 else "last" if rank == len(members) - 1 else "middle")

    def _read(self) -> None:
        rows = sorted(self.stored) if self.in_lut_ram else range(self.config.rows)
        for port, answers in enumerate(self.data if rows else ()):
            row = self.chance.choice(rows)
            self.device.drive(**{f"read_{port}_valid": 1, f"read_{port}_row": row})
            answers.expect(self.device.cycle + latency.read_answer_cycles(self.config), self.codes[row])

    def _observe(self) -> None:
        read, cycle = self.device.read, self.device.cycle
        self.count.observe(cycle, read("plane_count_valid"), lambda: read("plane_count_rows"))
        for port, answers in enumerate(self.selected):
            names = [f"selected_{port}_{name}" for name in ("vector", "rank", "bank")[: 3 if self.banks > 1 else 2]]
            bank = () if self.banks > 1 else (0,)
            answers.observe(
                cycle, read(f"selected_{port}_valid"), lambda names=names, bank=bank: (*map(read, names), *bank)
            )
        for port, plain in enumerate(self.data):
            # The draw unit puts it into the beat of a refused request: 0.
            plain.look(cycle, lambda name=f"data_{port}_priority": read(name), otherwise=0)

    async def reset(self) -> None:
        cover("reset.in_flight", "row_array")
        await self.device.reset(self.chance.randint(1, 2))
        self._restart()
        await self.start()

    async def start(self) -> None:
        """Reset makes all rows invalid in the cycle after it; in LUT RAM, it takes a clear."""
        await self.cycle(read=False)
        if self.in_lut_ram:
            await self.clear()


@cocotb.test()
async def against_model(dut: Any) -> None:
    parameters = bench_parameters()
    bench = PlaneArrayBench(dut, parameters)
    bench._rubbish()
    bench.device.drive(**{"plane_zero" if bench.in_lut_ram else "clear": 0})
    await bench.device.start()
    await bench.start()
    for index in range(parameters["rounds"]):
        await bench.round()
        if index % 10 == 9:
            await bench.reset()
    for _ in range(latency.plane_count_cycles(bench.config) + latency.read_answer_cycles(bench.config)):
        await bench.cycle(read=False)
    for answers in bench.answers:
        answers.check_finished()
    report = {"compared": sum(answers.compared for answers in bench.answers), "cleared": bench.cleared}
    leave_report(report | {"coverage": collected()})
