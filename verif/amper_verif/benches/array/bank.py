"""Bench of a bank: writes, searches, probes, selections and reads at once, every answer in its exact cycle.

``RowsBench`` drives the ports of any row array; the bench of the tree adds the bank's index.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import cocotb

from amper import AmperConfig
from amper_hw.base.latency import bank_answer_cycles, bank_any_cycles, bank_count_cycles
from amper_verif.benches.array.match_line import Key, key_matches, key_names
from amper_verif.benches.support import Answers, Device, Gaps
from amper_verif.harness.coverage import amount, cover
from amper_verif.harness.simulation import bench_parameters, leave_report


class RowWrite(NamedTuple):
    """What a lane writes."""

    row: int
    priority: int
    invalidate: int


class PlainAnswers(Answers):
    """Answers without a strobe: what stands there in any other cycle does not matter, or is ``otherwise``."""

    def look(self, cycle: int, read: Callable[[], Any], *, otherwise: Any = None) -> None:
        due = bool(self._due) and self._due[0][0] == cycle
        if not due and otherwise is not None:
            got = read()
            assert got == otherwise, f"{self.name} in cycle {cycle}: nothing was asked, got {got}"
        self.observe(cycle, int(due), read)


class RowsBench:
    """One model for banks and trees of them: a list of codes, two sets of rows, one queue of answers per answer port.

    CSP after CSP is collected by searches, counted, transferred and selected from, while the next one is collected.
    Writes, probes and reads go on all the time, and nothing that a question meets in its own cycle may change its
    answer.
    """

    def __init__(
        self,
        dut: Any,
        parameters: dict[str, Any],
        *,
        answer_cycles: int,
        any_cycles: int,
        count_cycles: int,
        banks: int = 1,
    ) -> None:
        self.config = AmperConfig.from_dict(parameters["config"])
        self.rows = parameters["rows"]
        self.banks = banks
        self.answer_cycles = answer_cycles
        self.any_cycles = any_cycles
        self.count_cycles = count_cycles
        self.device = Device(dut, deadline=400 * parameters["rounds"] + 20_000)
        self.chance = random.Random(parameters["seed"])
        draws = range(self.config.draw_ports)
        self.match, self.count, self.changed = PlainAnswers("match"), Answers("count"), PlainAnswers("changed")
        self.selected = [Answers(f"selected {port}") for port in draws]
        self.data = [PlainAnswers(f"data {port}") for port in draws] if self.config.result_priority else []
        self.writing, self.probing, self.reading = Gaps(self.chance), Gaps(self.chance), Gaps(self.chance)
        self.searching, self.selecting = Gaps(self.chance), Gaps(self.chance)
        self.alphabet = 2
        self.early = self.overlapping = self.cleared = 0
        self._restart()

    def _restart(self) -> None:
        self.codes: list[int | None] = [None] * self.rows
        self.kept: dict[int, int] = {}  # codes that a clear has left: a draw before it may still read them
        self.collecting: set[int] = set()
        self.queries: deque[tuple[int, int]] = deque()  # (first, last) of the searches that it still needs
        self.counted = -1  # cycle of its count, once all were sent
        self.late = False  # it is not transferred before its count
        self.drawn: list[int] = []
        self.drawable = 0  # cycle from which selections are legal
        self.selections = 0  # still to come from this CSP

    @property
    def answers(self) -> tuple[Answers, ...]:
        return self.match, self.count, self.changed, *self.selected, *self.data

    # --- the life of a CSP -------------------------------------------------------------------------------------

    def _plan(self) -> None:
        """The searches of the next CSP; before them, perhaps, some that are only counted (k)."""
        self.alphabet = self.chance.choice((1, 2, 5, 1 << self.config.priority_width))
        census, count = self.chance.choice((0, 0, 0, 1, 3)), self.chance.randint(1, 6)
        last = count - 1
        self.queries.extend([(1, 1)] * census + [(int(index == 0), int(index == last)) for index in range(count)])
        self.late = census > 0 or self.chance.random() < 0.4
        self.counted = -1

    async def transfers(self, count: int) -> None:
        """Cycles until so many CSPs were transferred."""
        for _ in range(count):
            if not self.queries and self.counted < 0:
                self._plan()
            while not await self.cycle():
                pass

    async def drain(self) -> None:
        while self.selections:
            await self.cycle(begin=False)
        for _ in range(self.count_cycles + self.answer_cycles + 1):
            await self.cycle(begin=False, quiet=True)

    async def reset(self) -> None:
        if self.match.outstanding or self.count.outstanding:
            cover("reset.in_flight", "row_array")
        await self.device.reset(self.chance.randint(1, 2))
        for answers in self.answers:
            answers.clear()
        self._restart()

    # --- a cycle -----------------------------------------------------------------------------------------------

    async def cycle(self, *, begin: bool = True, quiet: bool = False) -> bool:
        """One cycle; all questions are answered from what is stored before this cycle's writes.

        ``begin``: go on with the next CSP. ``quiet``: ask and write nothing. Returns whether there was a transfer.
        """
        self._rubbish()
        writes = {} if quiet or not self.writing() else self._new_writes()
        selects = self._select()
        transfer = begin and self._transfer()
        questions = {"select"} if selects else set()
        if begin and self._search():
            questions.add("search")
        elif not quiet and self.probing():
            questions.add("probe_of_same_row" if self._probe(writes) else "probe")
        if not quiet and self.reading() and self._read():
            questions.add("read")
        self._write(writes)
        if writes:
            for question in questions or {"idle"}:
                cover("write.during", question)
        elif not quiet and self.chance.random() < 0.004:
            self._clear()
        if selects:
            self.overlapping += "search" in questions or self.count.outstanding > 0
        await self.device.settle()
        self._observe()
        await self.device.tick()
        return transfer

    def _rubbish(self) -> None:
        """No question, and payloads that mean nothing."""
        chance, config = self.chance, self.config
        bits = chance.getrandbits
        inputs = {"search_valid": 0, "search_payload_valid": bits(config.search_ports), "clear": 0, "transfer": 0}
        inputs |= {f"search_{name}": bits(1) for name in ("first", "last", "probe")}
        width = config.search_ports * config.priority_width
        inputs |= {f"search_{name}": bits(width) for name in key_names(config.range_match)}
        for port in range(config.write_ports):
            inputs |= {f"write_{port}_valid": 0, f"write_{port}_row": chance.randrange(self.rows)}
            inputs |= {f"write_{port}_priority": bits(config.priority_width), f"write_{port}_invalidate": bits(1)}
        for port in range(config.draw_ports):
            inputs |= {f"select_{port}_valid": 0, f"select_{port}_rank": chance.randrange(self.rows)}
            if config.result_priority:
                inputs |= {f"read_{port}_valid": 0, f"read_{port}_row": chance.randrange(self.rows)}
        self.device.drive(**inputs)

    def _new_writes(self) -> dict[int, RowWrite]:
        """Writes of some lanes, each into another bank."""
        writes: dict[int, RowWrite] = {}
        taken = set()
        for port in range(self.config.write_ports):
            row = self.chance.randrange(self.rows)
            if row // self.config.bank_rows not in taken and self.chance.random() < 0.7:
                writes[port] = RowWrite(row, self._code(), int(self.chance.random() < 0.25))
                taken.add(row // self.config.bank_rows)
        return writes

    def _code(self) -> int:
        """Few different codes in most rounds, so that searches match many rows."""
        top = self.config.priority_max
        steps = max(1, self.alphabet - 1)
        return self.chance.randrange(self.alphabet) * top // steps if self.alphabet > 1 else top // 2

    def _write(self, writes: dict[int, RowWrite]) -> None:
        added = removed = 0
        for port, write in writes.items():
            self.device.drive(**{f"write_{port}_{name}": value for name, value in write._asdict().items()})
            self.device.drive(**{f"write_{port}_valid": 1})
            was_valid = self.codes[write.row] is not None
            added |= (not write.invalidate and not was_valid) << port
            removed |= (write.invalidate and was_valid) << port
            self.codes[write.row] = None if write.invalidate else write.priority
            self.kept.pop(write.row, None)
        if writes:
            self.changed.expect(self.device.cycle + self.any_cycles, (added, removed))

    def _clear(self) -> None:
        self.device.drive(clear=1)
        self.kept |= self._valid_codes()
        self.codes = [None] * self.rows
        self.cleared += 1

    def _key(self) -> Key:
        top = self.config.priority_max
        width = self.chance.randint(0, self.config.priority_width)
        if self.config.range_match:
            low, high = self._code(), self._code()
            return self.chance.choice(((low, low), (min(low, high), max(low, high)), (0, top), (low, high)))
        return self._code(), self.chance.choice((0, top, top & ~((1 << width) - 1)))

    def _ask(self, lanes: int, **fields: int) -> set[int]:
        """Drive a beat of searches in these lanes; returns the rows that match."""
        config = self.config
        self.device.drive(
            search_valid=1, search_payload_valid=lanes, **{f"search_{name}": bit for name, bit in fields.items()}
        )
        keys = [self._key() for _ in range(config.search_ports)]
        for index, name in enumerate(key_names(config.range_match)):
            codes = sum(key[index] << port * config.priority_width for port, key in enumerate(keys))
            self.device.drive(**{f"search_{name}": codes})
        valid = [(row, code) for row, code in enumerate(self.codes) if code is not None]
        asked = [key for port, key in enumerate(keys) if lanes >> port & 1]
        cover("match.occupied", {0: "none", self.rows: "all"}.get(len(valid), "some"))
        matches = {"width": config.priority_width, "range_match": config.range_match}
        return {row for row, code in valid if any(key_matches(key, code, **matches) for key in asked)}

    def _search(self) -> bool:
        """The next search of the CSP that is collected, now or later."""
        if not self.queries or not self.searching():
            return False
        first, last = self.queries.popleft()
        ports = self.config.search_ports
        lanes = self.chance.choice(((1 << ports) - 1, (1 << ports) - 1, self.chance.getrandbits(ports)))
        hits = self._ask(lanes, first=first, last=last, probe=0)
        cover("match.rows", amount(len(hits), self.rows))
        self.match.expect(self.device.cycle + self.any_cycles, int(bool(hits)))
        self.collecting = hits if first else self.collecting | hits
        if last:
            self.count.expect(self.device.cycle + self.count_cycles, len(self.collecting))
        if not self.queries:
            self.counted = self.device.cycle + self.count_cycles
            cover("csp.rows", amount(len(self.collecting), self.rows))
        return True

    def _probe(self, writes: dict[int, RowWrite]) -> bool:
        """Ask whether any row but those written now matches; returns whether one of them would have."""
        # `first` and `last` belong to searches: they stay rubbish.
        hits = self._ask(1, probe=1)
        written = {write.row for write in writes.values()}
        self.match.expect(self.device.cycle + self.any_cycles, int(bool(hits - written)))
        return bool(hits & written)

    def _transfer(self) -> bool:
        """Whether the collected CSP is now taken over: not before the present one was counted and selected from."""
        cycle = self.device.cycle
        collected_all = not self.queries and self.counted >= 0
        if not collected_all or cycle < self.drawable or self.selections or (self.late and cycle <= self.counted):
            return False
        if self.chance.random() < 0.3:
            return False
        self.device.drive(transfer=1)
        self.drawn = sorted(self.collecting)
        self.drawable = max(cycle + 1, self.counted + 2)
        self.selections = self.chance.choice((0, 1, self.chance.randint(1, 12))) if self.drawn else 0
        self.early += cycle < self.counted
        kind = "before_count" if cycle < self.counted else "after_count" if cycle > self.counted else "with_count"
        cover("csp.transfer", kind)
        self._plan()
        return True

    def _select(self) -> bool:
        """A selection in some of the lanes."""
        if not self.selections or self.device.cycle < self.drawable or not self.selecting():
            return False
        self.selections -= 1
        ports = self.config.draw_ports
        lanes = self.chance.choice(((1 << ports) - 1, self.chance.randrange(1, 1 << ports)))
        for port in range(ports):
            if lanes >> port & 1:
                self._select_in(port)
        return True

    def _select_in(self, port: int) -> None:
        members = self.drawn
        rank = self.chance.choice((0, len(members) - 1, self.chance.randrange(len(members))))
        self.device.drive(**{f"select_{port}_valid": 1, f"select_{port}_rank": rank})
        bank, position = divmod(members[rank], self.config.bank_rows)
        inside = [row % self.config.bank_rows for row in members if row // self.config.bank_rows == bank]
        vector = sum(1 << row for row in inside)
        self.selected[port].expect(self.device.cycle + self.answer_cycles, (vector, inside.index(position), bank))
        cover("select.rank", "first" if rank == 0 else "last" if rank == len(members) - 1 else "middle")
        cover("select.bank", "first" if bank == 0 else "last" if bank == self.banks - 1 else "middle")

    def _read(self) -> bool:
        """Reads in some of the lanes, of rows that are valid or were until a clear."""
        codes = self.kept | self._valid_codes()
        if not codes or not self.data:
            return False
        for port, answers in enumerate(self.data):
            if port == 0 or self.chance.getrandbits(1):
                row = self.chance.choice(list(codes))
                self.device.drive(**{f"read_{port}_valid": 1, f"read_{port}_row": row})
                answers.expect(self.device.cycle + self.answer_cycles, codes[row])
        return True

    def _valid_codes(self) -> dict[int, int]:
        return {row: code for row, code in enumerate(self.codes) if code is not None}

    # --- answers -----------------------------------------------------------------------------------------------

    def _observe(self) -> None:
        read, cycle = self.device.read, self.device.cycle
        self.match.look(cycle, lambda: read("match_any"))
        self.count.observe(cycle, read("count_valid"), lambda: read("count_rows"))
        self.changed.look(cycle, lambda: (read("changed_added"), read("changed_removed")), otherwise=(0, 0))
        for port, answers in enumerate(self.selected):
            names = [f"selected_{port}_{name}" for name in ("vector", "rank", "bank")[: 3 if self.banks > 1 else 2]]
            # Of a single bank, the index is always 0 and is left out.
            bank = () if self.banks > 1 else (0,)
            answers.observe(
                cycle, read(f"selected_{port}_valid"), lambda names=names, bank=bank: (*map(read, names), *bank)
            )
        for port, plain in enumerate(self.data):
            # The draw unit puts it into the beat of a refused request: 0.
            plain.look(cycle, lambda name=f"data_{port}_priority": read(name), otherwise=0)

    def report(self) -> dict[str, Any]:
        for answers in self.answers:
            answers.check_finished()
        return {
            "compared": sum(answers.compared for answers in self.answers),
            "least": min(answers.compared for answers in self.answers),
            "early": self.early,
            "overlapping": self.overlapping,
            "cleared": self.cleared,
        }


async def run_rounds(bench: RowsBench, rounds: int) -> None:
    """So many CSPs, with resets in the middle, then to the end."""
    bench._rubbish()
    await bench.device.start()
    for index in range(rounds):
        await bench.transfers(1)
        if index % 10 == 9:
            for _ in range(bench.chance.randint(0, 6)):
                await bench.cycle()
            await bench.reset()
    while not bench.drawn:  # so that selections have been compared when the run ends
        await bench.transfers(1)
    bench.selections = 2
    await bench.drain()


@cocotb.test()
async def against_model(dut: Any) -> None:
    parameters = bench_parameters()
    config = AmperConfig.from_dict(parameters["config"])
    bench = RowsBench(
        dut,
        parameters,
        answer_cycles=bank_answer_cycles(config),
        any_cycles=bank_any_cycles(config),
        count_cycles=bank_count_cycles(config),
    )
    await run_rounds(bench, parameters["rounds"])
    leave_report(bench.report())
