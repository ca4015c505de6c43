"""Bench of the query generator: every key against the golden model's steps, in its exact cycle if nothing stalls it."""

from __future__ import annotations

import random
from collections import deque
from typing import Any, NamedTuple

import cocotb

from amper import AmperConfig, GoldenModel, streams
from amper.config import RANDOM_WIDTH, SCALE_FRACTION_WIDTH
from amper_hw.query_generator import QueryGenerator
from amper_verif.benches.support import Device, Sink
from amper_verif.coverage import collected, cover
from amper_verif.simulation import bench_parameters, leave_report

WARM_UP_CYCLES = 6  # after a reset until the first group's place waits ready


class Key(NamedTuple):
    """A beat of the key stream."""

    value: int
    mask: int
    first: int
    last: int
    probe: int


class QueryBench:
    def __init__(self, dut: Any, parameters: dict[str, Any]) -> None:
        self.config = AmperConfig.from_dict(parameters["config"])
        self.model = GoldenModel(self.config)
        batch_cycles = 40 * self.config.groups + 200  # with back-pressure in its worst stretches
        self.device = Device(dut, deadline=parameters["batches"] * batch_cycles)
        self.chance = random.Random(parameters["seed"])
        self.sink = Sink("key", self.chance)
        self.compared = 0
        self.timed = 0  # keys whose exact cycle was checked
        self._restart()

    def _restart(self) -> None:
        self.words = streams(self.config.seed)[0]
        self.since_reset = 0
        self.expected: deque[Key] = deque()
        self.sink.clear()

    # --- expectation -------------------------------------------------------------------------------------------

    def _expect_batch(self, vmax: int) -> None:
        config = self.config
        cover("query.vmax", {0: "zero", config.priority_max: "maximum"}.get(vmax, "some"))
        for group in range(config.groups):
            word = self.words.next()
            value = self.model._representative(group, word >> (RANDOM_WIDTH - config.fraction_width), vmax)
            radius = self.model._radius(value)
            mask = self.model._mask(radius, word)
            self.expected.append(Key(value, mask, int(group == 0), int(group == config.groups - 1), 0))
            self._cover_key(value, radius, mask)

    def _cover_key(self, value: int, radius: int, mask: int) -> None:
        config = self.config
        unbounded = (value * config.radius_coefficient) >> SCALE_FRACTION_WIDTH
        saturated = unbounded > config.priority_max
        cover("query.radius", "saturated" if saturated else "some" if radius else "zero")
        cover("query.mask", {0: "zero", config.priority_max: "all_ones"}.get(mask, "some"))
        if config.variant != "fr-dithered":
            cover("query.dither", "absent")
        elif radius == 0:
            cover("query.dither", "no_radius")
        else:
            ignored = config.priority_width - bin(mask).count("1")
            cover("query.dither", "widens" if ignored > radius.bit_length() else "stays")

    # --- stimulus ----------------------------------------------------------------------------------------------

    def new_vmax(self) -> int:
        top = self.config.priority_max
        return self.chance.choice((0, top, self.chance.randint(0, top), self.chance.randint(0, min(7, top))))

    async def batch(self, *, hurry: bool, stop_after: int | None = None) -> None:
        """One batch to its last key, or a reset after so many cycles; ``hurry``: no back-pressure, exact cycles."""
        vmax = self.new_vmax()
        start = self.device.cycle
        timed = hurry and self.since_reset >= WARM_UP_CYCLES
        self._expect_batch(vmax)
        groups = self.config.groups
        taken = 0
        while self.expected:
            age = self.device.cycle - start
            if age == stop_after:
                await self._reset()
                return
            # While keys are under way a start is ignored; at most a group a cycle passes: that takes m cycles or more.
            again = 1 <= age <= groups and self.chance.random() < 0.2
            ready = hurry or self.sink.ready()
            await self._cycle(start=age == 0 or again, vmax=vmax, ready=ready)
            if timed:
                due = age >= QueryGenerator.LATENCY
                assert self.beat is not None or not due, f"no key {age} cycles after the start"
                assert self.beat is None or due, f"a key only {age} cycles after the start"
            if self.beat is not None:
                wanted = self.expected.popleft()
                assert self.beat == wanted, f"key {taken} at Vmax {vmax}: expected {wanted}, got {self.beat}"
                taken += 1
                self.compared += 1
                self.timed += timed
        assert taken == groups

    async def idle(self, cycles: int) -> None:
        for _ in range(cycles):
            # Vmax may change between batches.
            await self._cycle(start=False, vmax=self.new_vmax(), ready=self.sink.ready())
            assert self.beat is None, f"a key that nobody asked for: {self.beat}"

    async def _cycle(self, *, start: bool, vmax: int, ready: bool) -> None:
        self.device.drive(start=int(start), vmax=vmax, key_ready=int(ready))
        await self.device.settle()
        self.beat = self.sink.observe(self.device.read("key_valid"), int(ready), self._read)
        self.since_reset += 1
        await self.device.tick()

    def _read(self) -> Key:
        return Key(*(self.device.read(f"key_{name}") for name in Key._fields))

    async def _reset(self) -> None:
        cover("reset.in_flight", "query_generator")
        self.device.drive(start=0)
        await self.device.reset(self.chance.randint(1, 3))
        self._restart()


@cocotb.test()
async def against_golden_steps(dut: Any) -> None:
    parameters = bench_parameters()
    bench = QueryBench(dut, parameters)
    bench.device.drive(start=0, vmax=0, key_ready=0)
    await bench.device.start()
    for index in range(parameters["batches"]):
        await bench.batch(hurry=index % 3 == 0)
        await bench.idle(bench.chance.choice((0, 0, 1, 5, WARM_UP_CYCLES)))
        if index % 5 == 4:
            last = QueryGenerator.LATENCY + bench.config.groups - 1
            await bench.batch(hurry=True, stop_after=bench.chance.randint(1, last))
    await bench.idle(10 + QueryGenerator.LATENCY)
    assert bench.compared > 0, "no key was compared"
    assert bench.timed > 0, "the cycle of no key was checked"
    leave_report({"compared": bench.compared, "timed": bench.timed, "coverage": collected()})
