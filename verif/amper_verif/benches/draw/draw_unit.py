"""Bench of the draw unit: a model in Python stands in for the row array; every beat against the golden draws."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from typing import Any, NamedTuple

import cocotb

from amper import AmperConfig, Status, streams
from amper_hw.base.latency import (
    CSP_CYCLES,
    count_cycles,
    draw_cycles,
    key_cycles,
    queue_cycles,
    row_answer_cycles,
    urng_cycles,
)
from amper_spec.status import REFUSALS
from amper_verif.benches.support import Answers, Device, Gaps, Sink, load_stream
from amper_verif.harness.coverage import cover
from amper_verif.harness.simulation import bench_parameters, leave_report


class Beat(NamedTuple):
    """A beat of the result stream, every lane as it stands there."""

    rows: tuple[int, ...]
    priorities: tuple[int, ...]
    lanes: int
    last: int
    status: int


@dataclass
class Batch:
    """A batch on its way; ``accepted``, ``counted``, ``ready`` and ``transferred`` are cycles, once they are known."""

    size: int
    status: Status  # of its record
    csp: list[int]
    fallback: bool
    accepted: int | None = None
    counted: int | None = None
    ready: int | None = None  # from then on it may be transferred
    transferred: int | None = None
    drawn: int = 0  # selections so far

    @property
    def refused(self) -> bool:
        return self.status in REFUSALS


class DrawBench:
    def __init__(self, dut: Any, parameters: dict[str, Any]) -> None:
        self.config = AmperConfig.from_dict(parameters["config"])
        self.ports = self.config.draw_ports
        self.banks = -(-self.config.rows // self.config.bank_rows)
        batch_cycles = 50 * self.config.batch + 500  # with back-pressure in its worst stretches
        self.device = Device(dut, deadline=parameters["batches"] * batch_cycles)
        self.chance = random.Random(parameters["seed"])
        self.sink = Sink("result", self.chance)
        self.offering = Gaps(self.chance)
        self.answer_cycles = row_answer_cycles(self.config)
        # As many beats may be between their random words and their being taken: promised as what the queue holds.
        self.most = draw_cycles(self.config) + queue_cycles(self.config) + 2
        self.compared = self.timed = self.gapless = 0
        self._restart()

    def _restart(self) -> None:
        self.words = streams(self.config.seed)[1]
        self.codes = [self.chance.randint(0, self.config.priority_max) for _ in range(self.config.rows)]
        self.offered: deque[Batch] = deque()  # records still to be accepted
        self.open: deque[Batch] = deque()  # accepted, but not transferred yet; without the refused
        self.untimed: deque[Batch] = deque()  # accepted, and the cycles of its beats are not known yet
        self.drawing: Batch | None = None  # transferred last
        self.released = True  # all draws from it have entered the array
        self.expected: deque[Beat] = deque()
        self.cycles = Answers("result")  # in a hurry, the cycle of every beat
        self.slot = -1  # cycle in which the last beat so far began
        self.finished: deque[int] = deque()  # in a hurry, cycles in which the last beats of batches enter the queue
        self.csp_sizes: deque[tuple[int, int]] = deque()  # in a hurry, (cycle from which, csp_size)
        self.csp_size = 0
        self.latest_size = 0  # csp_size when all accepted batches have begun
        self.selected: deque[tuple[int, list[tuple[int, int, int]]]] = deque()  # (cycle due, answers a lane)
        self.data: deque[tuple[int, list[int | None]]] = deque()  # (cycle due, row a lane)
        self.begun = 0  # beats with selections, without their result yet
        self.sink.clear()
        self.holding = False  # a record is offered, and so it stays until it is accepted

    # --- batches -----------------------------------------------------------------------------------------------

    def new_batch(self) -> Batch:
        config, chance = self.config, self.chance
        share = chance.choice((0.0, 0.1, 0.5, 1.0))
        csp = [row for row in range(config.rows) if chance.random() < share] or [chance.randrange(config.rows)]
        size = chance.choice((1, config.batch, chance.randint(1, config.batch)))
        status = chance.choice((Status.OK, Status.OK, Status.OK, Status.OK, *REFUSALS))
        return Batch(size, status, csp, fallback=status == Status.OK and chance.random() < 0.2)

    def _beats(self, batch: Batch) -> list[Beat]:
        """What must come of a batch."""
        none = (0,) * self.ports
        priorities = none if self.config.result_priority else ()
        if batch.refused:
            return [Beat(none, priorities, 0, 1, batch.status)]
        beats = []
        for first in range(0, batch.size, self.ports):
            count = min(self.ports, batch.size - first)
            rows = [batch.csp[((self.words.next() >> 32) * len(batch.csp)) >> 32] for _ in range(count)]
            codes = [self.codes[row] for row in rows]
            unused = [0] * (self.ports - count)
            status = Status.FALLBACK if batch.fallback else Status.OK
            last = int(first + count == batch.size)
            priorities = (*codes, *unused) if self.config.result_priority else ()
            beats.append(Beat((*rows, *unused), priorities, (1 << count) - 1, last, status))
        return beats

    async def phase(self, batches: int, *, hurry: bool, stop_after: int | None = None) -> None:
        """So many batches until all is taken; ``hurry``: no gaps, no back-pressure, exact cycles."""
        self.offered.extend(self.new_batch() for _ in range(batches))
        begin = self.device.cycle
        while self.offered or self.expected or self.open or self.untimed:
            if stop_after is not None and self.device.cycle - begin >= stop_after:
                await self._reset()
                return
            await self._cycle(hurry=hurry)
        for _ in range(2):
            await self._cycle(hurry=hurry)
            assert self.device.read("idle"), "not idle after everything was drawn"
        assert self.device.read("csp_size") == self.latest_size, f"csp_size: expected {self.latest_size}"
        self.csp_size = self.latest_size
        if hurry:
            assert not self.finished
            self.timed += self.cycles.compared
            self.cycles.compared = 0

    async def load(self, words: list[int]) -> None:
        """Set the draw stream's state while the unit is idle; a word that would make all of it 0 is ignored."""
        self.device.drive(record_valid=0, csp_valid=0)
        self.words = await load_stream(self.device, self.words, words)

    # --- a cycle -----------------------------------------------------------------------------------------------

    async def _cycle(self, *, hurry: bool) -> None:
        device, cycle = self.device, self.device.cycle
        ready = hurry or self.sink.ready()
        self.holding = self.holding or (bool(self.offered) and (hurry or self.offering()))
        self._drive_record()
        self._drive_csp()
        self._answer_selections()
        self._answer_reads()
        device.drive(result_ready=int(ready))
        await device.settle()
        self._observe_idle(hurry=hurry)
        self._take_selections()
        self._take_reads()
        if hurry:
            self.cycles.observe(cycle, device.read("result_valid"), lambda: None)
        beat = self.sink.observe(device.read("result_valid"), int(ready), self._read_result)
        if beat is not None:
            self._compare(beat)
        self._accept()
        self._transfer()
        self._schedule(hurry=hurry)
        await device.tick()

    def _drive_record(self) -> None:
        # Only with valid do the values count.
        batch = self.offered[0] if self.holding else self.new_batch()
        self.device.drive(record_valid=int(self.holding), record_batch=batch.size, record_status=batch.status)

    def _drive_csp(self) -> None:
        cycle = self.device.cycle
        uncounted = [batch for batch in (self.drawing, *self.open) if batch and batch.counted == cycle]
        batch = uncounted[0] if uncounted else self.new_batch()
        self.device.drive(csp_valid=int(bool(uncounted)), csp_rows=len(batch.csp), csp_fallback=int(batch.fallback))

    def _accept(self) -> None:
        if not (self.holding and self.device.read("record_ready")):
            return
        self.holding = False
        batch = self.offered.popleft()
        batch.accepted = self.device.cycle
        self.expected.extend(self._beats(batch))
        self.untimed.append(batch)
        if not batch.refused:
            self.open.append(batch)
            self.latest_size = 0 if batch.fallback else len(batch.csp)

    def _transfer(self) -> None:
        """The first counted CSP, or one that soon will be, goes to the draws when those before are released."""
        head = self.open[0] if self.open else None
        if head is None or not self.released or head.ready is None or head.ready > self.device.cycle:
            return
        head.transferred = self.device.cycle
        self.drawing = self.open.popleft()
        self.released = False

    def _schedule(self, *, hurry: bool) -> None:
        """Choose when the next CSP is counted, and work out which cycles follow from that."""
        config, head = self.config, self.open[0] if self.open else None
        if head is not None and head.counted is None and head.accepted is not None:
            previous = self.drawing.transferred if self.drawing else None
            # The searches follow the start, and the transfer before.
            earliest = max(head.accepted + key_cycles(config), -1 if previous is None else previous)
            head.counted = earliest + count_cycles(config) + self.chance.choice((0, 0, 0, 1, 5, 20))
            head.ready = head.counted - self.chance.randrange(count_cycles(config))
        while self.untimed and (self.untimed[0].refused or self.untimed[0].counted is not None):
            batch = self.untimed.popleft()
            if hurry:
                self._time(batch)

    def _time(self, batch: Batch) -> None:
        """The exact cycles of a batch that nothing hinders."""
        config = self.config
        assert batch.accepted is not None
        # The queue of records, the present record, its words, the queue of beats.
        made = batch.accepted + 2 + urng_cycles(config) + 1
        counted = 0 if batch.counted is None else batch.counted + CSP_CYCLES
        first = max(made, self.slot + 1, counted)
        self.gapless += not batch.refused and first == self.slot + 1
        beats = 1 if batch.refused else -(-batch.size // self.ports)
        for index in range(beats):
            self.cycles.expect(first + index + draw_cycles(config) + queue_cycles(config), None)
        self.slot = first + beats - 1
        self.finished.append(self.slot + draw_cycles(config))
        if not batch.refused:
            self.csp_sizes.append((first + 1, 0 if batch.fallback else len(batch.csp)))

    # --- the row array -----------------------------------------------------------------------------------------

    def _take_selections(self) -> None:
        read, cycle = self.device.read, self.device.cycle
        asked = [read(f"array_select_{port}_valid") for port in range(self.ports)]
        batch = self.drawing
        count = min(self.ports, batch.size - batch.drawn) if batch else 0
        last = False
        if any(asked):
            assert batch is not None, f"cycle {cycle}: a selection, and there is no CSP"
            assert batch.counted is not None
            assert batch.transferred is not None
            assert cycle > max(batch.counted, batch.transferred), f"cycle {cycle}: a selection too early"
            assert asked == [int(port < count) for port in range(self.ports)], f"{asked}, and {count} draws are left"
            batch.drawn += count
            last = batch.drawn == batch.size
            self.selected.append((cycle + self.answer_cycles, [self._selection(batch, port) for port in range(count)]))
            self.begun += 1
            assert self.begun <= self.most, f"{self.begun} beats under way, the queue has {self.most} places"
            cover("draw.outstanding", {1: "one", self.most: "full"}.get(self.begun, "some"))
        assert read("released") == last, f"released in cycle {cycle}: expected {last}"
        self.released = self.released or last

    def _selection(self, batch: Batch, port: int) -> tuple[int, int, int]:
        """(bank's bitmap, rank in it, bank) for the rank that a lane asks for."""
        rank = self.device.read(f"array_select_{port}_rank")
        assert rank < len(batch.csp), f"rank {rank} asked of a CSP of {len(batch.csp)} rows"
        bank, position = divmod(batch.csp[rank], self.config.bank_rows)
        inside = [row % self.config.bank_rows for row in batch.csp if row // self.config.bank_rows == bank]
        return sum(1 << row for row in inside), inside.index(position), bank

    def _answer_selections(self) -> None:
        due = self.selected and self.selected[0][0] == self.device.cycle
        answers = self.selected.popleft()[1] if due else []
        width = min(self.config.rows, self.config.bank_rows)
        for port in range(self.ports):
            # Only with valid does the rest count.
            rubbish = self.chance.getrandbits(width), self.chance.randrange(width), self.chance.randrange(self.banks)
            vector, rank, bank = answers[port] if port < len(answers) else rubbish
            names = {"valid": int(port < len(answers)), "vector": vector, "rank": rank}
            names |= {"bank": bank} if self.banks > 1 else {}
            self.device.drive(**{f"array_selected_{port}_{name}": value for name, value in names.items()})

    def _take_reads(self) -> None:
        if not self.config.result_priority:
            return
        read = self.device.read
        asked = [read(f"array_read_{port}_valid") for port in range(self.ports)]
        if any(asked):
            rows = [read(f"array_read_{port}_row") if valid else None for port, valid in enumerate(asked)]
            self.data.append((self.device.cycle + self.answer_cycles, rows))

    def _answer_reads(self) -> None:
        if not self.config.result_priority:
            return
        due = self.data and self.data[0][0] == self.device.cycle
        rows = self.data.popleft()[1] if due else [None] * self.ports
        for port, row in enumerate(rows):
            # 0 when nothing was read, as the row array promises.
            self.device.drive(**{f"array_data_{port}_priority": 0 if row is None else self.codes[row]})

    # --- results -----------------------------------------------------------------------------------------------

    def _observe_idle(self, *, hurry: bool) -> None:
        read, cycle = self.device.read, self.device.cycle
        idle = read("idle")
        in_use = self.selected or self.data
        assert not idle or not in_use, f"idle in cycle {cycle}, and the row array is still in use"
        if not hurry:
            return
        while self.finished and self.finished[0] < cycle:
            self.finished.popleft()
        busy = self.finished or self.untimed
        assert idle == (not busy), f"idle is {idle} in cycle {cycle}"
        while self.csp_sizes and self.csp_sizes[0][0] <= cycle:
            self.csp_size = self.csp_sizes.popleft()[1]
        assert read("csp_size") == self.csp_size, f"csp_size in cycle {cycle}: expected {self.csp_size}"

    def _read_result(self) -> Beat:
        read, config = self.device.read, self.config

        def parts(name: str, width: int) -> tuple[int, ...]:
            value = read(f"result_{name}")
            return tuple(value >> lane * width & (1 << width) - 1 for lane in range(self.ports))

        rows = parts("row", config.row_width)
        priorities = parts("priority", config.priority_width) if config.result_priority else ()
        status = read("result_status")
        lanes = read("result_lanes") if self.ports > 1 else int(status not in REFUSALS)
        return Beat(rows, priorities, lanes, read("result_last"), status)

    def _compare(self, beat: Beat) -> None:
        wanted = self.expected.popleft() if self.expected else None
        assert beat == wanted, f"beat {self.compared}: expected {wanted}, got {beat}"
        self.begun -= beat.status not in REFUSALS
        self.compared += 1

    async def _reset(self) -> None:
        cover("reset.in_flight", "draw_unit")
        await self.device.reset(self.chance.randint(1, 3))
        self._restart()


@cocotb.test()
async def against_golden_stream(dut: Any) -> None:
    parameters = bench_parameters()
    bench = DrawBench(dut, parameters)
    bench._drive_record()
    bench.device.drive(csp_valid=0, result_ready=0, load_valid=0, load_word=0, load_value=0)
    await bench.device.start()
    left = parameters["batches"]
    for index in range(-(-left // 8)):
        hurry = index % 2 == 0
        await bench.phase(8, hurry=hurry)
        if index % 2:
            await bench.phase(4, hurry=bench.chance.random() < 0.5, stop_after=bench.chance.randint(1, 60))
        if index % 3 == 0:
            await bench.load(bench.chance.choice(([0, 0, 0, 0], [bench.chance.getrandbits(32) for _ in range(4)])))
    assert bench.compared > 0, "no beat was compared"
    assert bench.timed > 0, "the cycles of no batch were checked"
    leave_report({"compared": bench.compared, "timed": bench.timed, "gapless": bench.gapless})
