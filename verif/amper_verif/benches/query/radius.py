"""Bench of the radius: a key for every point, exactly so many cycles later if nothing stalls it."""

from __future__ import annotations

import random
from collections import deque
from typing import Any, NamedTuple

import cocotb

from amper import VARIANTS, AmperConfig, GoldenModel, Parameter
from amper_hw.base.latency import radius_cycles
from amper_spec.config import COEFFICIENT_WIDTH, SCALE_FRACTION_WIDTH
from amper_verif.benches.query.query_keys import Query, cover_key, key_codes, read_query
from amper_verif.benches.support import Device, Gaps, Sink
from amper_verif.harness.simulation import bench_parameters, leave_report


class Point(NamedTuple):
    """A beat of points, in all lanes, valid or not."""

    valid: int
    codes: list[int]
    dithers: list[int]
    first: int
    last: int


class RadiusBench:
    def __init__(self, dut: Any, parameters: dict[str, Any]) -> None:
        # A single group: the coefficient is lambda' itself.
        self.config = AmperConfig.from_dict(parameters["config"] | {"groups": 1, "radius_scale": 0.0})
        self.model = GoldenModel(self.config)
        self.device = Device(dut, deadline=100 * parameters["points"])
        self.chance = random.Random(parameters["seed"])
        self.sink = Sink("key", self.chance)
        self.offers = Gaps(self.chance)
        self.built = [name for name in self.config.variants if name != "k"]
        self.expected: deque[Query] = deque()
        self.due: deque[int] = deque()  # cycles of the keys, when nothing stalls
        self.compared = self.timed = 0

    def point(self) -> Point:
        config, chance, top = self.config, self.chance, self.config.priority_max
        lanes = range(config.search_ports)
        return Point(
            valid=chance.randrange(1, 1 << config.search_ports),
            codes=[
                chance.choice((0, 1, top, chance.randint(0, top), 1 << chance.randrange(config.priority_width)))
                for _ in lanes
            ],
            dithers=[chance.choice((0, top >> 1, chance.randint(0, top >> 1))) for _ in lanes],
            first=chance.randrange(2),
            last=chance.randrange(2),
        )

    def key(self, point: Point) -> Query:
        codes = []
        for lane, (value, dither) in enumerate(zip(point.codes, point.dithers, strict=True)):
            if point.valid >> lane & 1:
                radius = self.model._radius(value)
                mask = self.model._mask(radius, dither)  # which fr does not use
                cover_key(self.model, value, radius, mask)
                codes.append(key_codes(self.model, value, radius, mask))
        return Query(point.valid, tuple(codes), point.first, point.last)

    def change(self) -> None:
        """Another variant and radius; nothing is under way."""
        top = (1 << COEFFICIENT_WIDTH) - 1
        usual = self.chance.randint(0, 1 << SCALE_FRACTION_WIDTH)
        radius = self.chance.choice((0, usual, usual, self.chance.randint(0, top), top))
        variant = VARIANTS.index(self.chance.choice(self.built))
        self.model.set_parameter(Parameter.RADIUS, radius)
        self.model.set_parameter(Parameter.VARIANT, variant)
        self.device.drive(parameters_radius=radius, parameters_variant=variant)

    def drive(self, point: Point) -> None:
        width = self.config.priority_width
        self.device.drive(
            point_payload_valid=point.valid,
            point_code=sum(code << lane * width for lane, code in enumerate(point.codes)),
            point_first=point.first,
            point_last=point.last,
        )
        if "fr-dithered" in self.config.variants:
            dithers = enumerate(point.dithers)
            self.device.drive(point_dither=sum(dither << lane * (width - 1) for lane, dither in dithers))

    async def stretch(self, points: int, *, hurry: bool) -> None:
        """So many points with the same parameters; ``hurry``: one every cycle, and no back-pressure."""
        latency = radius_cycles(self.config)
        offered, point = False, self.point()
        while points or self.expected:
            offered = points > 0 and (offered or hurry or self.offers())
            ready = hurry or self.sink.ready()
            self.drive(point)
            self.device.drive(point_valid=int(offered), query_ready=int(ready))
            await self.device.settle()
            self.observe(ready, hurry)
            taken = offered and bool(self.device.read("point_ready"))
            assert taken or not (hurry and offered), "a point had to wait"
            if taken:
                self.expected.append(self.key(point))
                if hurry:
                    self.due.append(self.device.cycle + latency)
                points, offered, point = points - 1, False, self.point()
            await self.device.tick()

    def observe(self, ready: bool, hurry: bool) -> None:
        valid = self.device.read("query_valid")
        due = bool(self.due) and self.due[0] == self.device.cycle
        if hurry:
            assert valid == due, f"valid is {valid} in cycle {self.device.cycle}, expected {int(due)}"
        key = self.sink.observe(valid, int(ready), lambda: read_query(self.device, self.config))
        if key is None:
            return
        wanted = self.expected.popleft()
        assert key == wanted, f"key {self.compared}: expected {wanted}, got {key}"
        self.compared += 1
        if hurry:
            self.due.popleft()
            self.timed += 1


@cocotb.test()
async def against_golden_keys(dut: Any) -> None:
    parameters = bench_parameters()
    bench = RadiusBench(dut, parameters)
    bench.change()
    bench.device.drive(point_valid=0, query_ready=0)
    await bench.device.start()
    stretch = 0
    while bench.compared < parameters["points"]:
        bench.change()
        await bench.stretch(bench.chance.randint(1, 40), hurry=stretch % 2 == 0)
        stretch += 1
    assert bench.timed > 0, "the cycle of no key was checked"
    leave_report({"compared": bench.compared, "timed": bench.timed})
