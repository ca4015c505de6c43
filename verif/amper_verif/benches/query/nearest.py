"""Bench of the nearest-neighbour searches: the bench counts rows, and the match sets must be the golden model's."""

from __future__ import annotations

import random
from collections import deque
from typing import Any, NamedTuple

import cocotb

from amper import AmperConfig, GoldenModel
from amper.model.golden import Batch
from amper_hw.base.latency import count_cycles, nearest_cycles
from amper_hw.query.representative import point_layout
from amper_spec.config import COEFFICIENT_WIDTH
from amper_spec.parameters import Parameter
from amper_verif.benches.query.query_keys import Query, read_query
from amper_verif.benches.support import Device, Gaps, Sink
from amper_verif.harness.simulation import bench_parameters, leave_report

SHAPES = ("distinct", "ties", "equal", "sparse", "zeros", "low", "one_row", "top")
NEIGHBOURS_TOP = (1 << COEFFICIENT_WIDTH) - 1  # lambda just below 16


class Point(NamedTuple):
    """A beat of the point stream."""

    code: int
    first: int
    last: int
    boundary: int


class NearestBench:
    def __init__(self, dut: Any, parameters: dict[str, Any]) -> None:
        self.config = AmperConfig.from_dict(parameters["config"])
        self.model = GoldenModel(self.config)
        rounds = 3 * (self.config.priority_width + 2)
        cycles = 40 * rounds * (self.config.groups + count_cycles(self.config))  # in the worst stretches of gaps
        self.device = Device(dut, deadline=parameters["stretches"] * cycles)
        self.chance = random.Random(parameters["seed"])
        self.offered = Gaps(self.chance)
        self.sink = Sink("key", self.chance)
        self.names = [name for name, _ in point_layout(self.config) if name in Point._fields]
        self.searches = self.timed = self.empty = 0
        self._restart()

    def _restart(self) -> None:
        self.points: deque[Point] = deque()
        self.answers: deque[tuple[int, int]] = deque()  # (cycle, rows)
        self.batches: deque[Batch] = deque()  # whose last query has not been taken
        self.starts: deque[int] = deque()  # the cycles in which their first points were taken
        self.taken = 0  # queries of the first of them
        self.sink.clear()

    # --- stimulus ----------------------------------------------------------------------------------------------

    def new_rows(self, shape: str) -> list[int | None]:
        rows, top = self.config.rows, self.config.priority_max
        some = self.chance.choice((self.chance.randint(1, top), 1 << self.chance.randrange(self.config.priority_width)))
        draw = {
            "distinct": lambda: self.chance.randint(0, top),
            "ties": lambda: self.chance.choice((0, some // 3, some // 2, some)),
            "equal": lambda: some,
            "sparse": lambda: self.chance.choice((1, top)) if self.chance.random() < 0.1 else None,
            "zeros": lambda: 0,
            "low": lambda: self.chance.randint(0, 2),
            "one_row": lambda: None,
            "top": lambda: self.chance.choice((top, self.chance.randint(0, some))),
        }[shape]
        codes: list[int | None] = [draw() for _ in range(rows)]
        codes[self.chance.randrange(rows)] = {"zeros": 0, "low": 1}.get(shape, some)
        return codes

    def new_parameters(self) -> None:
        groups = self.chance.choice((1, self.config.groups, self.chance.randint(1, self.config.groups)))
        power = 1 << self.chance.randrange(16, COEFFICIENT_WIDTH)  # lambda V_i C_i is then often a multiple of Vmax
        neighbours = self.chance.choice((0, power, power + 1, self.chance.randrange(1 << 20), NEIGHBOURS_TOP, None))
        self.model.set_parameter(Parameter.GROUPS, groups)
        if neighbours is not None:  # else what it was
            self.model.set_parameter(Parameter.NEIGHBOURS, neighbours)

    def expect_batch(self) -> None:
        batch = self.model.draw()
        assert isinstance(batch, Batch)
        groups = self.model.settings.groups
        boundaries = [self.model._representative(group, 0, batch.vmax) for group in range(groups)]
        codes = [*boundaries, *batch.representatives]
        self.points.extend(
            Point(code, int(at == 0), int(at == len(codes) - 1), int(at < groups)) for at, code in enumerate(codes)
        )
        self.batches.append(batch)

    async def stretch(self, batches: int, *, hurry: bool, stop_after: int | None = None) -> None:
        """Batches without a change between them, or a reset after so many cycles; ``hurry``: nothing stalls."""
        self.model.priorities = self.new_rows(self.chance.choice(SHAPES))
        for _ in range(batches):
            self.expect_batch()
        start = self.device.cycle
        while self.batches:
            if self.device.cycle - start == stop_after:
                self.device.drive(point_valid=0, count_valid=0)
                await self.device.reset(self.chance.randint(1, 3))
                self._restart()
                return
            await self.cycle(hurry=hurry)
        assert not self.points, "searches came before all points were taken"
        assert not self.answers, "searches came before all counts were known"

    # --- a cycle -----------------------------------------------------------------------------------------------

    async def cycle(self, *, hurry: bool) -> None:
        device = self.device
        ready = hurry or self.sink.ready()
        self._drive(offer=bool(self.points) and (hurry or self.waiting or self.offered()), ready=ready)
        await device.settle()
        if self.waiting and device.read("point_ready"):
            if self.points.popleft().first:
                self.starts.append(device.cycle)
            self.waiting = False
        query = self.sink.observe(device.read("query_valid"), int(ready), lambda: read_query(device, self.config))
        if query is not None:
            self._take(query, hurry=hurry)
        await device.tick()

    waiting = False  # a point is offered, so it stays until it is taken

    def _drive(self, *, offer: bool, ready: bool) -> None:
        self.waiting = offer
        # Without valid they mean nothing.
        point = self.points[0] if offer else Point(self.chance.randint(0, self.config.priority_max), 1, 1, 1)
        due = bool(self.answers) and self.answers[0][0] <= self.device.cycle
        rows = self.answers.popleft()[1] if due else self.chance.randint(0, self.config.rows)
        self.device.drive(**{f"point_{name}": getattr(point, name) for name in self.names})
        self.device.drive(point_valid=int(offer), count_valid=int(due), count_rows=rows, query_ready=int(ready))
        settings = self.model.settings
        self.device.drive(vmax=self.model.vmax or 0, parameters_groups=settings.groups)
        self.device.drive(parameters_neighbours=settings.neighbours)

    # --- checks ------------------------------------------------------------------------------------------------

    def _take(self, query: Query, *, hurry: bool) -> None:
        batch = self.batches[0]
        groups = len(batch.match_sets)
        turn, group = divmod(self.taken, groups)
        census = turn <= self.config.priority_width
        assert query.census == int(census), f"census is {query.census} in round {turn}"
        assert (query.valid, query.probe) == (1, 0), f"not a search in lane 0 alone: {query}"
        ends = (int(census or group == 0), int(census or group == groups - 1))
        assert (query.first, query.last) == ends, (
            f"(first, last) must be {ends} in round {turn}, group {group}: {query}"
        )
        ((low, high),) = query.codes
        matching = frozenset(row for row, code in self.model._valid().items() if low <= code <= high)
        if census:
            self._answer(len(matching), hurry=hurry)
        else:
            wanted = batch.match_sets[group]
            assert matching == wanted, f"group {group}: {query} matches {matching}, the golden model {wanted}"
            self.searches += 1
            self.empty += not wanted
        self.taken += 1
        if self.taken == groups * (self.config.priority_width + 2):
            self._end_batch(hurry=hurry)

    def _answer(self, rows: int, *, hurry: bool) -> None:
        due = self.device.cycle + count_cycles(self.config)
        if not hurry:
            after = self.answers[-1][0] + 1 if self.answers else 0
            due = max(after, due + self.chance.choice((0, 0, 1, self.chance.randint(0, 20))))
        self.answers.append((due, rows))

    def _end_batch(self, *, hurry: bool) -> None:
        batch, start = self.batches.popleft(), self.starts.popleft()
        self.taken = 0
        if hurry:
            wanted, cycles = nearest_cycles(self.config, len(batch.match_sets)), self.device.cycle - start
            assert cycles == wanted, f"{len(batch.match_sets)} groups took {cycles} cycles, expected {wanted}"
            self.timed += 1


@cocotb.test()
async def against_golden_match_sets(dut: Any) -> None:
    parameters = bench_parameters()
    bench = NearestBench(dut, parameters)
    others = [name for name in bench.names if name != "code"]
    bench.device.drive(point_valid=0, point_code=0, **{f"point_{name}": 0 for name in others})
    bench.device.drive(count_valid=0, count_rows=0, query_ready=0, vmax=0)
    bench.device.drive(parameters_groups=1, parameters_neighbours=0)
    await bench.device.start()
    for index in range(parameters["stretches"]):
        hurry = index % 3 == 0
        await bench.stretch(bench.chance.randint(1, 3), hurry=hurry)
        if index % 4 == 3:
            most = nearest_cycles(bench.config, bench.model.settings.groups)
            await bench.stretch(1, hurry=hurry, stop_after=bench.chance.randint(1, most))
        bench.new_parameters()
    report = {"searches": bench.searches, "timed": bench.timed, "empty": bench.empty}
    leave_report(report)
