"""Bench of the exact draw unit: a model in Python stands in for the row array; every beat against the golden draws."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from typing import Any, NamedTuple

import cocotb

from amper import AmperConfig, Status, streams
from amper.model.planes import ExactBatch, exact_batch
from amper_hw.base import latency
from amper_hw.base.bits import index_width
from amper_spec.status import REFUSALS
from amper_verif.benches.support import Answers, Device, Gaps, Sink, load_stream
from amper_verif.harness.coverage import collected, cover
from amper_verif.harness.simulation import bench_parameters, leave_report


class Draw(NamedTuple):
    """What the golden model says of one draw."""

    plane: int
    rank: int
    row: int


class Beat(NamedTuple):
    """A beat of the result stream: draws by lane, None where there is none, each with its priority."""

    draws: tuple[tuple[int, int] | None, ...]
    last: int
    status: int


@dataclass(frozen=True)
class Request:
    """A record."""

    size: int
    status: Status


class PlaneDrawBench:
    def __init__(self, dut: Any, parameters: dict[str, Any]) -> None:
        self.config = config = AmperConfig.from_dict(parameters["config"])
        self.ports = config.draw_ports
        self.device = Device(dut, deadline=parameters["batches"] * (50 * config.batch + 500))
        self.chance = random.Random(parameters["seed"])
        self.sink = Sink("result", self.chance)
        self.offering = Gaps(self.chance)
        self.tree, self.read_cycles = latency.tree_cycles(config), latency.row_answer_cycles(config)
        self.places = latency.plane_draw_cycles(config) + latency.queue_cycles(config) + 2  # of the result queue
        self.compared = self.timed = self.split = 0

    def _restart(self) -> None:
        self.words = streams(self.config.seed)[1]
        self.offered: deque[Request] = deque()
        self.holding = False  # a record is offered, and so it stays until it is accepted
        self.to_select: deque[tuple[int, Draw]] = deque()  # (lane, draw) of all accepted records
        self.to_read: deque[int] = deque()  # rows of selections, until they are read
        self.expected: deque[Beat] = deque()
        self.promised: deque[tuple[int, int]] = deque()  # (cycle, draws that are over by then)
        self.accepted = 0  # draws of all accepted records
        self.planes: deque[int] = deque([-1], maxlen=latency.plane_lead_cycles(self.config) + 1)
        self.selected: deque[tuple[int, list[Draw | None]]] = deque()  # (cycle due, draw a lane)
        self.data: deque[tuple[int, list[int | None]]] = deque()  # (cycle due, row a lane)
        self.under_way = 0  # beats between their rank and their being taken
        self.total = 0  # T of the latest batch that drew
        self.cycles = Answers("result")  # in a hurry, the cycle of every beat
        self.last_word = -1  # in a hurry, the cycle in which the last words so far are taken
        self.sink.clear()
        self._new_rows()
        self._answer_selections()  # nothing
        self._answer_reads()

    def _new_rows(self) -> None:
        """Other priorities; only while nothing is under way."""
        config, chance = self.config, self.chance
        top = chance.choice((1, 3, config.priority_max, config.priority_max))
        share = chance.choice((0.1, 0.5, 1.0))
        self.codes = [chance.randint(1, top) if chance.random() < share else 0 for _ in range(config.rows)]
        self.codes[chance.randrange(config.rows)] = chance.randint(1, top)
        sums, width = [0], index_width(config.rows)
        for plane in range(config.priority_width):
            sums.append(sums[-1] + (sum(code >> plane & 1 for code in self.codes) << plane))
        uppers = sum((sums[plane] >> plane) << (plane - 1) * width for plane in range(1, config.priority_width))
        self.device.drive(sums_total=sums[-1], sums_uppers=uppers)

    def _new_request(self) -> Request:
        size = self.chance.choice((1, self.config.batch, self.chance.randint(1, self.config.batch)))
        return Request(size, self.chance.choice((Status.OK, Status.OK, Status.OK, *REFUSALS)))

    # --- what must come ----------------------------------------------------------------------------------------

    def _accepted(self, request: Request, *, hurry: bool) -> None:
        if request.status in REFUSALS:
            beats = [Beat((None,) * self.ports, 1, request.status)]
        else:
            golden = exact_batch(self.config, self.codes, [self.words.next() for _ in range(request.size)])
            self.total = golden.total
            self.accepted += request.size
            beats = self._beats(golden)
        self.expected.extend(beats)
        if hurry:
            self._time(len(beats))

    def _beats(self, golden: ExactBatch) -> list[Beat]:
        """D draws a beat, and a beat for each run of lanes in one plane."""
        draws = [Draw(*draw) for draw in zip(golden.planes, golden.ranks, golden.indices, strict=True)]
        beats: list[Beat] = []
        for first in range(0, len(draws), self.ports):
            group: dict[int, Draw] = {}
            for lane, draw in enumerate(draws[first : first + self.ports]):
                if group and draw.plane != next(iter(group.values())).plane:
                    beats.append(self._beat(group))
                    group = {}
                    self.split += 1
                group[lane] = draw
                self.to_select.append((lane, draw))
            beats.append(self._beat(group))
        return [*beats[:-1], beats[-1]._replace(last=1)]

    def _beat(self, group: dict[int, Draw]) -> Beat:
        known = self.config.result_priority
        found = {lane: (draw.row, self.codes[draw.row] if known else 0) for lane, draw in group.items()}
        return Beat(tuple(found.get(lane) for lane in range(self.ports)), 0, Status.OK)

    def _time(self, beats: int) -> None:
        """The exact cycles of a batch that nothing hinders: it follows the words of the one before, or begins at once;
        a record that comes with the last words waits in the queue until the place of the present one is seen free."""
        now = self.device.cycle
        first = now + latency.RECORD_CYCLES if now > self.last_word else self.last_word + 1 + (now == self.last_word)
        config = self.config
        rest = latency.urng_cycles(config) + latency.draw_cycles(config) + latency.queue_cycles(config)
        for index in range(beats):
            self.cycles.expect(first + index + rest, None)
        self.last_word = first + beats - 1

    # --- phases ------------------------------------------------------------------------------------------------

    async def phase(self, batches: int, *, hurry: bool, stop_after: int | None = None) -> None:
        """So many batches until all is taken; ``hurry``: no gaps, no back-pressure, exact cycles."""
        self.offered.extend(self._new_request() for _ in range(batches))
        begin = self.device.cycle
        while self.offered or self.expected:
            if stop_after is not None and self.device.cycle - begin >= stop_after:
                cover("reset.in_flight", "draw_unit")
                self.device.drive(record_valid=0)
                await self.device.reset(self.chance.randint(1, 3))
                self._restart()
                return
            await self._cycle(hurry=hurry)
        await self._cycle(hurry=False)
        assert not self.to_select
        assert not self.to_read
        assert self.device.read("idle"), "not idle after everything was drawn"
        assert self.device.read("total") == self.total, f"total: expected {self.total}"
        self._new_rows()

    async def load(self, words: list[int]) -> None:
        """Set the draw stream's state while the unit is idle."""
        self.device.drive(record_valid=0)
        self.words = await load_stream(self.device, self.words, words)

    # --- a cycle -----------------------------------------------------------------------------------------------

    async def _cycle(self, *, hurry: bool) -> None:
        device = self.device
        ready = hurry or self.sink.ready()
        # Where beats may be split, only a batch alone has cycles that are easily said.
        may_offer = self.ports == 1 or not self.expected if hurry else self.offering()
        self.holding = self.holding or (bool(self.offered) and may_offer)
        # Only with valid do the values count.
        request = self.offered[0] if self.holding else self._new_request()
        device.drive(record_valid=int(self.holding), record_batch=request.size, record_status=request.status)
        device.drive(result_ready=int(ready))
        self._answer_reads()
        await device.settle()
        plane = device.dut.plane_index.value  # unknown until there was a draw
        self.planes.append(int(plane) if plane.is_resolvable else -1)
        self._take_selections()
        self._answer_selections()  # without a tree, in the same cycle
        self._take_reads()
        self._check_drained()
        if hurry:
            self.cycles.observe(device.cycle, device.read("result_valid"), lambda: None)
            self.timed += device.read("result_valid")
        beat = self.sink.observe(device.read("result_valid"), int(ready), self._read_result)
        if beat is not None:
            wanted = self.expected.popleft() if self.expected else None
            assert beat == wanted, f"beat {self.compared}: expected {wanted}, got {beat}"
            self.under_way -= any(beat.draws)
            self.compared += 1
        if self.holding and device.read("record_ready"):
            self.holding = False
            self._accepted(self.offered.popleft(), hurry=hurry)
        await device.tick()

    def _check_drained(self) -> None:
        """While the rows may change, no draw that was accepted may still look at them: not for its priority, or, where
        there are none, for its plane, which goes ahead of its rank."""
        cycle, known = self.device.cycle, self.config.result_priority
        if self.device.read("drained"):
            self.promised.append(
                (cycle if known else cycle + latency.plane_lead_cycles(self.config) - 1, self.accepted)
            )
        while self.promised and self.promised[0][0] <= cycle:
            _, accepted = self.promised.popleft()
            left = len(self.to_select) + len(self.to_read)
            assert self.accepted - left >= accepted, f"drained before cycle {cycle}, and draws are left"

    # --- the row array -----------------------------------------------------------------------------------------

    def _take_selections(self) -> None:
        read, cycle = self.device.read, self.device.cycle
        lanes = [port for port in range(self.ports) if read(f"array_select_{port}_valid")]
        answer: list[Draw | None] = [None] * self.ports
        for port in lanes:
            assert self.to_select, f"cycle {cycle}: a selection, and no draw is left"
            lane, draw = self.to_select.popleft()
            asked = port, self.planes[0], read(f"array_select_{port}_rank")
            assert asked == (lane, draw.plane, draw.rank), f"cycle {cycle}: asked {asked}, expected {lane}, {draw}"
            answer[port] = draw
            if self.config.result_priority:
                self.to_read.append(draw.row)
        if lanes:
            self.selected.append((cycle + self.tree, answer))
            self.under_way += 1
            assert self.under_way <= self.places, f"{self.under_way} beats, and the queue has {self.places} places"
            cover("draw.outstanding", {1: "one", self.places: "full"}.get(self.under_way, "some"))

    def _answer_selections(self) -> None:
        """The rows of the plane in the draw's bank, and its rank there."""
        due = self.selected and self.selected[0][0] == self.device.cycle
        draws = self.selected.popleft()[1] if due else [None] * self.ports
        rows, chance = self.config.bank_rows, self.chance
        width = min(self.config.rows, rows)
        for port, draw in enumerate(draws):
            # Only with valid does the rest count.
            bank, vector, rank = chance.randrange(-(-self.config.rows // rows)), chance.getrandbits(width), 0
            if draw is not None:
                bank = draw.row // rows
                codes = self.codes[bank * rows : (bank + 1) * rows]
                vector = sum((code >> draw.plane & 1) << row for row, code in enumerate(codes))
                rank = (vector & ((1 << draw.row % rows) - 1)).bit_count()
            names = {"valid": int(draw is not None), "vector": vector, "rank": rank}
            names |= {"bank": bank} if self.config.rows > rows else {}
            self.device.drive(**{f"array_selected_{port}_{name}": value for name, value in names.items()})

    def _take_reads(self) -> None:
        if not self.config.result_priority:
            return
        read = self.device.read
        asked = [read(f"array_read_{port}_row") if read(f"array_read_{port}_valid") else None for port in self._lanes]
        for row in asked:
            assert row is None or row == self.to_read.popleft(), f"cycle {self.device.cycle}: row {row} is read"
        if any(row is not None for row in asked):
            self.data.append((self.device.cycle + self.read_cycles, asked))

    def _answer_reads(self) -> None:
        if not self.config.result_priority:
            return
        due = self.data and self.data[0][0] == self.device.cycle
        rows = self.data.popleft()[1] if due else [None] * self.ports
        for port, row in enumerate(rows):
            # 0 when nothing was read, as the row array promises.
            self.device.drive(**{f"array_data_{port}_priority": 0 if row is None else self.codes[row]})

    @property
    def _lanes(self) -> range:
        return range(self.ports)

    def _read_result(self) -> Beat:
        read, config = self.device.read, self.config
        status = read("result_status")
        lanes = read("result_lanes") if self.ports > 1 else int(status not in REFUSALS)
        rows, row_mask = read("result_row"), (1 << config.row_width) - 1
        codes = read("result_priority") if config.result_priority else 0
        draws: list[tuple[int, int] | None] = []
        for lane in self._lanes:
            row = rows >> lane * config.row_width & row_mask
            draw = row, codes >> lane * config.priority_width & config.priority_max
            assert lanes >> lane & 1 or draw == (0, 0), f"lane {lane} has no draw, but {draw}"
            draws.append(draw if lanes >> lane & 1 else None)
        return Beat(tuple(draws), read("result_last"), status)


@cocotb.test()
async def against_golden_draws(dut: Any) -> None:
    parameters = bench_parameters()
    bench = PlaneDrawBench(dut, parameters)
    bench.device.drive(record_valid=0, record_batch=0, record_status=0, result_ready=0)
    bench.device.drive(load_valid=0, load_word=0, load_value=0)
    bench._restart()
    await bench.device.start()
    for index in range(-(-parameters["batches"] // 8)):
        await bench.phase(8, hurry=index % 2 == 0)
        if index % 2:
            await bench.phase(4, hurry=bench.chance.random() < 0.5, stop_after=bench.chance.randint(1, 60))
        if index % 3 == 0:
            await bench.load(bench.chance.choice(([0, 0, 0, 0], [bench.chance.getrandbits(32) for _ in range(4)])))
    assert bench.compared > 0, "no beat was compared"
    assert bench.timed > 0, "the cycles of no batch were checked"
    leave_report({"compared": bench.compared, "timed": bench.timed, "split": bench.split, "coverage": collected()})
