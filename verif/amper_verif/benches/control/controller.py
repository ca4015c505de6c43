"""Bench of the controller: batch after batch, several under way; all around it is a model with random delays.

What must come follows from a few facts about each batch: when its last search entered, when its first match was known,
when it was counted and transferred. So every strobe is compared in every cycle.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import cocotb

from amper import AmperConfig, Status
from amper_hw.base.latency import CSP_CYCLES, any_answer_cycles, count_cycles
from amper_verif.benches.array.match_line import key_names
from amper_verif.benches.support import LONG_STALL, Device, Gaps
from amper_verif.harness.coverage import batch_kind, cover
from amper_verif.harness.simulation import bench_parameters, leave_report

STATES = ("IDLE", "PREPARE", "SEARCH", "FALLBACK", "DRAW")
MOST_STARTED = 10  # batches that the models around take ahead; more than the real ones do


class Query(NamedTuple):
    """A query on its way; ``hit``: some row matches it."""

    key: dict[str, int]
    census: int
    hit: int


class Request(NamedTuple):
    """A request and what it meets: cycles until all is settled, whether a row is valid then, whether it is enabled."""

    batch: int
    settle: int
    occupied: int
    enable: int


@dataclass
class Batch:
    """A batch that was started; all but ``queries`` are cycles, counts and facts."""

    nearest: bool
    queries: deque[Query] = field(default_factory=deque)
    empty: bool = False
    rows: int = 0  # |CSP|, of all valid rows if it is empty
    entered: int | None = None  # its last query
    matched: int | None = None  # from then on, a match is known
    everything: int | None = None  # the search of all valid rows
    counted: int | None = None  # |CSP| comes


class ControllerBench:
    def __init__(self, dut: Any, parameters: dict[str, Any]) -> None:
        self.config = AmperConfig.from_dict(parameters["config"])
        self.device = Device(dut, deadline=parameters["batches"] * (40 * self.config.groups + 500))
        self.chance = random.Random(parameters["seed"])
        self.answer_cycles, self.count_cycles = any_answer_cycles(self.config), count_cycles(self.config)
        self.requesting, self.offering, self.probing = Gaps(self.chance), Gaps(self.chance), Gaps(self.chance)
        self.beats = -(-self.config.groups // self.config.search_ports)
        # ROW_FAULT is of variant exact alone.
        self.statuses = {each.name: 0 for each in Status if each != Status.ROW_FAULT}
        self.compared = self.batches = self.gapless = 0
        self._restart()

    def _restart(self) -> None:
        self.nearest = self.config.variant == "k"
        self.request: Request | None = None  # offered, and so it stays until it is taken
        self.prepared: Request | None = None  # taken, and not answered yet
        self.record_ready = 0
        self.waiting = 0  # records whose draws are not done
        self.started: deque[Batch] = deque()  # with queries that have not entered
        self.offered: tuple[Batch, Query] | None = None  # by the generator, and so it stays until it is taken
        self.kept: tuple[Batch, Query] | None = None  # taken, and it has not entered
        self.full: Batch | None = None  # the CSP in the bitmap
        self.drawing: Batch | None = None  # the CSP that is drawn from
        self.release = 0  # cycle in which its last draw enters
        self.answers: dict[int, int] = {}  # cycle -> any row matches
        self.counts: dict[int, tuple[Batch | None, int]] = {}  # cycle -> (batch or None of a census, rows)
        self.stalled = 0
        self.entered = -2  # cycle of the last query of a CSP

    # --- stimulus ----------------------------------------------------------------------------------------------

    def new_request(self, *, hurry: bool) -> Request:
        most, chance = self.config.batch, self.chance
        if hurry:
            return Request(chance.randint(1, most), 0, 1, 1)
        batch = chance.choice((0, 1, most, chance.randint(1, most), chance.getrandbits(most.bit_length())))
        return Request(batch, chance.choice((0, 0, 1, 10)), int(chance.random() < 0.8), int(chance.random() < 0.8))

    def new_batch(self, *, hurry: bool) -> Batch:
        """Queries of which none, the first, the last or any match; before them, for k, those of a census."""
        batch = Batch(self.nearest)
        habit = "first" if hurry else self.chance.choice(("none", "first", "last", "any"))
        census = self.chance.choice((0, 1, 2 * self.config.groups)) if self.nearest else 0
        for index in range(census + self.beats):
            place = index - census
            last = place == self.beats - 1
            hit = {"none": 0, "first": place == 0, "last": last, "any": self.chance.getrandbits(1)}[habit]
            key = self._key(first=int(place <= 0), last=int(place < 0 or last))
            batch.queries.append(Query(key, int(place < 0), int(hit or (place < 0 and self.chance.getrandbits(1)))))
        batch.empty = not any(query.hit for query in batch.queries if not query.census)
        batch.rows = self.chance.choice((1, self.config.rows, self.chance.randint(1, self.config.rows)))
        return batch

    def _key(self, *, first: int, last: int) -> dict[str, int]:
        config, bits = self.config, self.chance.getrandbits
        codes = {name: bits(config.search_ports * config.priority_width) for name in key_names(config.range_match)}
        return {"payload_valid": bits(config.search_ports), **codes, "first": first, "last": last, "probe": 0}

    def _packed(self, key: dict[str, int]) -> int:
        """A key as the one port of a structure inside another."""
        config, packed, low = self.config, 0, 0
        for name, value in key.items():
            packed |= value << low
            codes = name in key_names(config.range_match)
            low += config.search_ports * (config.priority_width if codes else name == "payload_valid") or 1
        return packed

    # --- a cycle -----------------------------------------------------------------------------------------------

    async def cycle(self, *, hurry: bool, begin: bool = True) -> None:
        """``hurry``: no gaps and no delays. ``begin``: new requests may come."""
        hold = 0 if hurry else int(self.chance.random() < 0.1)
        inputs = self._front_inputs(hurry=hurry, begin=begin) | {"hold": hold} | self._query_inputs(hurry=hurry)
        inputs |= self._array_inputs(hurry=hurry)
        self.device.drive(**inputs)
        await self.device.settle()
        self._compare(self._expected_of_front(inputs) | self._expected_of_searches(inputs))
        self._compare_search(inputs)
        self._take_answers(inputs)
        self._take_transfer(inputs, hurry=hurry)
        self._take_search(inputs)
        self._take_front(inputs, hurry=hurry)
        await self.device.tick()

    def _front_inputs(self, *, hurry: bool, begin: bool) -> dict[str, int]:
        chance = self.chance
        if self.request is None and begin and (hurry or self.requesting()):
            self.request = self.new_request(hurry=hurry)
        self.record_ready = self.record_ready or int(self.waiting < MOST_STARTED and (hurry or chance.random() < 0.5))
        batch = chance.getrandbits(self.config.batch_width) if self.request is None else self.request.batch
        inputs = {"request_valid": int(self.request is not None), "request_batch": batch}
        # Without a request in hand, the state of the rest does not matter.
        names = ("settled", "occupied", "enable")
        inputs |= {name: chance.getrandbits(1) for name in names}
        if self.prepared is not None:
            inputs["settled"] = int(self.prepared.settle == 0)
            inputs["enable"] = self.prepared.enable
            if inputs["settled"]:
                inputs["occupied"] = self.prepared.occupied
        room = len(self.started) < MOST_STARTED
        inputs["start_ready"] = int(room and (hurry or chance.random() < 0.7))
        return inputs | {"nearest": int(self.nearest), "record_ready": self.record_ready}

    def _query_inputs(self, *, hurry: bool) -> dict[str, int]:
        left = next((batch for batch in self.started if batch.queries), None)
        if self.offered is None and left and (hurry or self.offering()):
            self.offered = left, left.queries.popleft()
        query = self.offered[1] if self.offered else Query(self._key(first=1, last=1), self.chance.getrandbits(1), 0)
        return {
            "query_valid": int(self.offered is not None),
            "query_key": self._packed(query.key),
            "query_census": query.census,
        }

    def _array_inputs(self, *, hurry: bool) -> dict[str, int]:
        cycle, chance = self.device.cycle, self.chance
        _, rows = self.counts.get(cycle, (None, chance.randint(0, self.config.rows)))
        # Of all searches, only that of all valid rows may meet a probe.
        probing = not hurry and self.probing() and (self._next_query() is None or self._everything_waits())
        return {
            "match_any": self.answers.pop(cycle, chance.getrandbits(1)),
            "count_valid": int(cycle in self.counts),
            "count_rows": rows,
            "released": int(self.drawing is not None and cycle == self.release),
            "probing": int(probing),
        }

    # --- what must come ----------------------------------------------------------------------------------------

    def _everything_waits(self) -> bool:
        """No query of the CSP in the bitmap matched, as the last answer said in an earlier cycle."""
        batch = self.full
        if batch is None or not batch.empty or batch.everything is not None or batch.entered is None:
            return False
        return self.device.cycle > batch.entered + self.answer_cycles

    def _next_query(self) -> tuple[Batch, Query] | None:
        """The query to enter next, and its batch."""
        return self.kept or self.offered

    def _known(self, cycle: int | None) -> bool:
        return cycle is not None and cycle <= self.device.cycle

    def _expected_of_front(self, inputs: dict[str, int]) -> dict[str, int]:
        idle, request = self.prepared is None, self.prepared
        expected = {
            "request_ready": int(idle and self.record_ready and not inputs["hold"]),
            "start_valid": 0,
            "record_valid": 0,
        }
        if request is not None:
            status = self._status(request)
            settled = request.settle == 0
            expected["start_valid"] = int(settled and status == Status.OK)
            needs_rows = status in (Status.OK, Status.NO_VALID_ROW)
            now = settled and (inputs["start_ready"] or status != Status.OK) if needs_rows else True
            expected["record_valid"] = int(now)
            if now:
                expected |= {"record_status": status, "record_batch": request.batch}
        full = self.full
        seen_all = (
            full is None
            or self._known(None if full.matched is None else full.matched - 1)
            or self._known(None if full.everything is None else full.everything + 1)
        )
        return expected | {"open": int(idle and not self.started and seen_all)}

    def _status(self, request: Request) -> Status:
        if not request.enable:
            return Status.DISABLED
        if not 1 <= request.batch <= self.config.batch:
            return Status.BAD_BATCH
        return Status.OK if request.occupied else Status.NO_VALID_ROW

    def _expected_of_searches(self, inputs: dict[str, int]) -> dict[str, int]:
        full = self.full
        ready = False
        if full is not None:
            counted = None if full.counted is None else full.counted + 1
            ready = self._known(counted if full.nearest or full.empty else full.matched)
        transfer = ready and (self.drawing is None or inputs["released"])
        waits = self._everything_waits()
        enters = (full is None or transfer) and self._next_query() is not None
        search = not inputs["probing"] if waits else enters
        expected = {"transfer": int(transfer), "query_ready": int(self.kept is None), "search_valid": int(search)}
        batch, rows = self.counts.get(self.device.cycle, (None, 0))
        expected["csp_valid"] = int(batch is not None and rows > 0)
        if batch is not None and rows:
            expected |= {"csp_rows": rows, "csp_fallback": int(batch.empty)}
        if "k" in self.config.variants:
            census = self.device.cycle in self.counts and batch is None
            expected |= {"census_valid": int(census), **({"census_rows": rows} if census else {})}
        return expected

    def _compare(self, expected: dict[str, int]) -> None:
        for name, wanted in expected.items():
            got = self.device.read(name)
            assert got == wanted, f"{name} in cycle {self.device.cycle}: expected {wanted}, got {got}"
            self.compared += 1

    def _compare_search(self, inputs: dict[str, int]) -> None:
        """The payload of the search that enters now."""
        read, width = self.device.read, self.config.priority_width
        if not read("search_valid"):
            return
        names = ("payload_valid", *key_names(self.config.range_match), "first", "last", "probe")
        got = {name: read(f"search_{name}") for name in names}
        if not self._everything_waits():
            following = self._next_query()
            assert following is not None
            assert got == following[1].key, f"search: expected {following[1].key}, got {got}"
            return
        top = (1 << width) - 1
        codes = tuple(got[name] & top for name in key_names(self.config.range_match))
        assert got["payload_valid"] == 1, "all valid rows are one search, in lane 0"
        assert (got["first"], got["last"], got["probe"]) == (1, 1, 0)
        assert codes == (0, top) if self.config.range_match else codes[1] == 0, f"{codes} does not match every row"

    # --- what follows ------------------------------------------------------------------------------------------

    def _take_answers(self, inputs: dict[str, int]) -> None:
        self.counts.pop(self.device.cycle, None)
        if inputs["released"]:
            self.drawing = None
            self.waiting -= 1

    def _take_transfer(self, inputs: dict[str, int], *, hurry: bool) -> None:
        if not self.device.read("transfer"):
            return
        batch, cycle = self.full, self.device.cycle
        assert batch is not None
        assert batch.counted is not None
        # Draws begin ``CSP_CYCLES`` after the count, and each enters the array at least a cycle later.
        draws = 1 if hurry else self.chance.choice((1, 2, 10, self.config.batch))
        self.release = max(cycle, batch.counted + CSP_CYCLES) + draws
        self.drawing, self.full = batch, None

    def _take_search(self, inputs: dict[str, int]) -> None:
        cycle = self.device.cycle
        following, entered = self._next_query(), False
        if self._everything_waits():
            if inputs["probing"]:
                self.stalled += 1
                self._keep()
                return
            assert self.full is not None
            cover("stall.search", "none" if not self.stalled else "short" if self.stalled < LONG_STALL else "long")
            self.stalled = 0
            self.full.everything, self.full.counted = cycle, cycle + self.count_cycles
            self.counts[self.full.counted] = self.full, self.full.rows
        elif following is not None and self.device.read("search_valid"):
            self._take_query(*following)
            entered = True
        self._keep(entered=entered)

    def _keep(self, *, entered: bool = False) -> None:
        """What the controller takes of the query that is offered, and keeps until it enters."""
        if self.kept is not None:
            self.kept = None if entered else self.kept
            return
        if not entered:
            self.kept = self.offered
        self.offered = None

    def _take_query(self, batch: Batch, query: Query) -> None:
        cycle = self.device.cycle
        self.answers[cycle + self.answer_cycles] = query.hit
        if query.census:
            self.counts[cycle + self.count_cycles] = None, self.chance.randint(0, self.config.rows)
            return
        if query.hit and batch.matched is None:
            batch.matched = cycle + self.answer_cycles + 1
        if query.key["first"] and cycle == self.entered + 1:
            self.gapless += 1
        if not query.key["last"]:
            return
        self.started.popleft()
        self.full, batch.entered, self.entered = batch, cycle, cycle
        counted = cycle + self.count_cycles
        self.counts[counted] = batch, 0 if batch.empty else batch.rows
        batch.counted = None if batch.empty else counted
        status = Status.FALLBACK if batch.empty else Status.OK
        self.statuses[status.name] += 1
        self.batches += 1
        cover("result.status", status.name)

    def _take_front(self, inputs: dict[str, int], *, hurry: bool) -> None:
        read = self.device.read
        if self.prepared is not None:
            status = self._status(self.prepared)
            if read("record_valid"):
                self.prepared = None
                self.record_ready = 0
                if status == Status.OK:
                    self.waiting += 1
                    self.started.append(self.new_batch(hurry=hurry))
                else:
                    self.statuses[status.name] += 1
                    cover("result.status", status.name)
            else:
                self.prepared = self.prepared._replace(settle=max(0, self.prepared.settle - 1))
        elif self.request is not None and read("request_ready"):
            cover("request.batch", batch_kind(self.request.batch, self.config.batch))
            self.prepared, self.request = self.request, None
        elif read("open") and len(self.config.variants) > 1 and "k" in self.config.variants:
            self.nearest = self.nearest ^ (self.chance.random() < 0.1)  # a change of the variant

    # --- phases ------------------------------------------------------------------------------------------------

    async def phase(self, batches: int, *, hurry: bool) -> None:
        """So many drawn batches, then until nothing is under way."""
        end = self.batches + batches
        while self.batches < end:
            await self.cycle(hurry=hurry)
        while not self._is_done():
            await self.cycle(hurry=hurry, begin=False)

    def _is_done(self) -> bool:
        return not (self.request or self.prepared or self.started or self.full or self.drawing or self.counts)

    def states(self) -> set[str]:
        """What is being done now, for the coverage of resets."""
        everything = self.full is not None and self.full.everything is not None
        states = {
            "IDLE": self._is_done(),
            "PREPARE": self.prepared is not None,
            "SEARCH": bool(self.started),
            "FALLBACK": everything or self._everything_waits(),
            "DRAW": self.drawing is not None,
        }
        return {name for name, now in states.items() if now}

    async def reset_in(self, state: str) -> None:
        """Go on until ``state``, and there a reset."""
        while state not in self.states() or self.chance.random() < 0.5:
            await self.cycle(hurry=False, begin=state != "IDLE")
        cover("reset.controller", state)
        await self.device.reset(self.chance.randint(1, 3))
        self._restart()


@cocotb.test()
async def against_facts(dut: Any) -> None:
    parameters = bench_parameters()
    bench = ControllerBench(dut, parameters)
    bench.device.drive(**dict.fromkeys(("request_valid", "query_valid", "count_valid", "released", "probing"), 0))
    await bench.device.start()
    for index in range(-(-parameters["batches"] // 10)):
        await bench.phase(10, hurry=index % 3 == 0)
        await bench.reset_in(STATES[index % len(STATES)])
    await bench.phase(5, hurry=False)
    assert all(bench.statuses.values()), f"a status never occurred: {bench.statuses}"
    leave_report({"compared": bench.compared, "statuses": bench.statuses, "gapless": bench.gapless})
