"""Bench of the census: a model in Python stands in for the row array; sums and the cycles of all planes."""

from __future__ import annotations

import random
from typing import Any

import cocotb

from amper import AmperConfig
from amper_hw.base.bits import index_width
from amper_hw.base.latency import plane_count_cycles
from amper_hw.base.variants import in_lut_ram
from amper_verif.benches.planes.plane_choice import random_counts, sums_of
from amper_verif.benches.support import Device, Gaps
from amper_verif.harness.coverage import collected, cover
from amper_verif.harness.simulation import bench_parameters, leave_report


class CensusBench:
    """Rows change now and then; each change gives other counts, which planes from the next cycle on see."""

    def __init__(self, dut: Any, parameters: dict[str, Any]) -> None:
        self.config = AmperConfig.from_dict(parameters["config"])
        self.device = Device(dut, deadline=parameters["cycles"] + 10)
        self.chance = random.Random(parameters["seed"])
        self.changing = Gaps(self.chance)
        self.cycles = plane_count_cycles(self.config)
        self.in_lut_ram = in_lut_ram(self.config)
        self.compared = self.censuses = self.broken_off = self.cleared = self.faults = 0
        self._restart()

    def _restart(self) -> None:
        self.counts = self._counts([0] * self.config.priority_width)
        self.changed = self.device.cycle  # latest cycle with a change; the first after a reset is one
        self.due: dict[int, int] = {}  # count by the cycle in which it comes
        self.zeroing = True  # planes are to be cleared

    def _counts(self, planes: list[int]) -> list[int]:
        """Those of the planes as they are sent; with parity, its own first, by chance even or odd."""
        if not self.config.protected:
            return planes
        rows = self.config.rows
        return [self.chance.randint(0, rows) if any(planes) else 0, *planes]

    async def cycle(self, *, change: bool, clear: bool = False) -> None:
        """``clear``: with ``change``, all rows become invalid."""
        device, now, planes = self.device, self.device.cycle, self.config.stored_width
        count = self.due.pop(now, None)
        rubbish = self.chance.randint(0, self.config.rows)
        device.drive(
            changed=int(change), count_valid=int(count is not None), count_rows=rubbish if count is None else count
        )
        if self.in_lut_ram:
            device.drive(clear=int(clear))
        await device.settle()
        since = now - self.changed
        asked = 1 <= since < 1 + planes
        assert device.read("active") == int(asked), f"active in cycle {now}, {since} after the latest change"
        if asked:
            place = since - 1
            plane = (place - self.config.protected) % planes
            assert device.read("index") == plane, f"cycle {now}: expected plane {plane}"
            self.due[now + self.cycles] = self.counts[place]
        current = since >= 1 + planes + self.cycles
        assert device.read("current") == int(current), f"current in cycle {now}, {since} after the latest change"
        if current:
            self._check_sums()
        if self.in_lut_ram:
            self._check_zeros(asked, clear, last=since == planes)
        self.censuses += since == 1 + planes + self.cycles
        if change:
            self.broken_off += not current
            none = [0] * self.config.priority_width
            self.counts = self._counts(none if clear else random_counts(self.config, self.chance))
            self.changed = now
        await device.tick()

    def _check_zeros(self, asked: bool, clear: bool, *, last: bool) -> None:
        assert self.device.read("zero") == int(asked and self.zeroing), f"zero in cycle {self.device.cycle}"
        assert self.device.read("zeroing") == int(self.zeroing or clear), f"zeroing in cycle {self.device.cycle}"
        self.zeroing = clear or (self.zeroing and not last)
        self.cleared += clear

    def _check_sums(self) -> None:
        sums, width = sums_of(self.counts[self.config.protected :]), index_width(self.config.rows)
        if self.config.protected:
            odd = sum(self.counts) % 2
            assert self.device.read("row_fault") == odd, f"row_fault: expected {odd}, of {self.counts}"
            self.faults += odd
        assert self.device.read("sums_total") == sums[-1], f"T: expected {sums[-1]}"
        uppers = self.device.read("sums_uppers")
        for plane in range(1, self.config.priority_width):
            upper = uppers >> (plane - 1) * width & (1 << width) - 1
            assert upper == sums[plane] >> plane, f"H_{plane}: expected {sums[plane] >> plane}, got {upper}"
        self.compared += 1

    async def reset(self) -> None:
        cover("reset.in_flight", "census")
        await self.device.reset(self.chance.randint(1, 3))
        self._restart()


@cocotb.test()
async def against_model(dut: Any) -> None:
    parameters = bench_parameters()
    bench = CensusBench(dut, parameters)
    bench.device.drive(changed=0, count_valid=0, count_rows=0)
    await bench.device.start()
    bench._restart()
    for _ in range(parameters["cycles"] // 200):
        for _ in range(bench.chance.choice((1, 30))):
            clear = bench.in_lut_ram and bench.chance.random() < 0.1
            may_write = not (bench.in_lut_ram and bench.zeroing)
            change = bench.changing() and (clear or may_write)
            await bench.cycle(change=change, clear=change and clear)
        for _ in range(bench.chance.randint(0, bench.config.priority_width + 2 * bench.cycles)):
            await bench.cycle(change=False)
        if bench.chance.random() < 0.2:
            await bench.reset()
    report = {"compared": bench.compared, "censuses": bench.censuses, "broken_off": bench.broken_off}
    report |= {"cleared": bench.cleared, "faults": bench.faults}
    leave_report(report | {"coverage": collected()})
