"""Bench of a bank: writes, searches, probes, selections and reads at once, every answer in its exact cycle.

``RowsBench`` drives the ports of any row array; the bench of the tree adds the bank's index.
"""

from __future__ import annotations

import random
from typing import Any

import cocotb

from amper import AmperConfig
from amper_hw.bank import Bank
from amper_verif.benches.match_line import key_pattern, pattern_matches
from amper_verif.benches.support import Answers, Device, Gaps
from amper_verif.coverage import amount, collected, cover
from amper_verif.simulation import bench_parameters, leave_report


class RowsBench:
    """One model for banks and trees of them: a list of codes, a set of rows, one queue of answers per answer port.

    A round is: searches from ``first`` to ``last``, |CSP| awaited, then selections. Writes, probes and reads go on all
    the time, and nothing that a question meets in its own cycle may change its answer.
    """

    def __init__(
        self, dut: Any, parameters: dict[str, Any], *, answer_cycles: int, count_cycles: int, banks: int = 1
    ) -> None:
        self.config = AmperConfig.from_dict(parameters["config"])
        self.rows = parameters["rows"]
        self.banks = banks
        self.answer_cycles = answer_cycles
        self.count_cycles = count_cycles
        self.device = Device(dut, deadline=40 * parameters["rounds"] + 20_000)
        self.chance = random.Random(parameters["seed"])
        self.match, self.count = Answers("match"), Answers("count")
        self.selected, self.data = Answers("selected"), Answers("data")
        self.codes: list[int | None] = [None] * self.rows
        self.csp: set[int] = set()
        self.writing, self.probing, self.reading = Gaps(self.chance), Gaps(self.chance), Gaps(self.chance)
        self.searching, self.selecting = Gaps(self.chance), Gaps(self.chance)
        self.alphabet = 0

    # --- a round -----------------------------------------------------------------------------------------------

    async def round(self) -> None:
        self.alphabet = self.chance.choice((1, 2, 5, 1 << self.config.priority_width))
        left = self.chance.randint(1, 6)
        first = True
        while left:
            search = self.searching()
            await self.cycle(search=(first, left == 1) if search else None)
            if search:
                first, left = False, left - 1
        cover("csp.rows", amount(len(self.csp), self.rows))
        while self.count.outstanding:
            await self.cycle()
        for _ in range(self.chance.randint(0, 12) if self.csp else 0):
            await self.cycle(select=self.selecting())

    async def drain(self) -> None:
        for _ in range(self.count_cycles + self.answer_cycles + 1):
            await self.cycle(quiet=True)

    async def reset(self) -> None:
        if self.match.outstanding or self.data.outstanding:
            cover("reset.in_flight", "row_array")
        await self.device.reset(self.chance.randint(1, 2))
        for answers in self.answers:
            answers.clear()
        self.codes = [None] * self.rows
        self.csp = set()

    @property
    def answers(self) -> tuple[Answers, ...]:
        return self.match, self.count, self.selected, self.data

    # --- a cycle -----------------------------------------------------------------------------------------------

    async def cycle(
        self, *, search: tuple[bool, bool] | None = None, select: bool = False, quiet: bool = False
    ) -> None:
        """One cycle; all questions are answered from what is stored before this cycle's write."""
        self._rubbish()
        write = None if quiet or not self.writing() else self._new_write()
        questions = set()
        if search is not None:
            self._search(*search)
            questions.add("search")
        elif not quiet and self.probing():
            same_row = self._probe(write)
            questions.add("probe_of_same_row" if same_row else "probe")
        if self._select(select):
            questions.add("select")
        if self._read(wanted=not quiet and self.reading()):
            questions.add("read")
        self._write(write)
        if write is not None:
            for question in questions or {"idle"}:
                cover("write.during", question)
        await self.device.settle()
        self._observe()
        await self.device.tick()

    def _rubbish(self) -> None:
        """No question, and payloads that mean nothing."""
        chance, top = self.chance, self.config.priority_max
        self.device.drive(
            write_valid=0,
            write_row=chance.randrange(self.rows),
            write_priority=chance.randint(0, top),
            write_invalidate=chance.getrandbits(1),
            search_valid=0,
            search_value=chance.randint(0, top),
            search_mask=chance.randint(0, top),
            search_first=chance.getrandbits(1),
            search_last=chance.getrandbits(1),
            search_probe=chance.getrandbits(1),
            select_valid=0,
            select_rank=chance.randrange(self.rows),
            read_valid=0,
            read_row=chance.randrange(self.rows),
        )

    def _new_write(self) -> tuple[int, int, int]:
        row = self.chance.randrange(self.rows)
        return row, self._code(), int(self.chance.random() < 0.25)

    def _code(self) -> int:
        """Few different codes in most rounds, so that searches match many rows."""
        top = self.config.priority_max
        steps = max(1, self.alphabet - 1)
        return self.chance.randrange(self.alphabet) * top // steps if self.alphabet > 1 else top // 2

    def _write(self, write: tuple[int, int, int] | None) -> None:
        if write is None:
            return
        row, code, invalidate = write
        self.device.drive(write_valid=1, write_row=row, write_priority=code, write_invalidate=invalidate)
        self.codes[row] = None if invalidate else code

    def _key(self) -> tuple[int, int]:
        top = self.config.priority_max
        width = self.chance.randint(0, self.config.priority_width)
        return self._code(), self.chance.choice((0, top, top & ~((1 << width) - 1)))

    def _matching(self, value: int, mask: int) -> set[int]:
        pattern = key_pattern(value, mask, self.config.priority_width)
        return {row for row, code in enumerate(self.codes) if code is not None and pattern_matches(pattern, code)}

    def _search(self, first: bool, last: bool) -> None:
        value, mask = self._key()
        self.device.drive(
            search_valid=1,
            search_value=value,
            search_mask=mask,
            search_first=int(first),
            search_last=int(last),
            search_probe=0,
        )
        hits = self._matching(value, mask)
        cover("match.rows", amount(len(hits), self.rows))
        self.csp = hits if first else self.csp | hits
        if last:
            self.count.expect(self.device.cycle + self.count_cycles, len(self.csp))

    def _probe(self, write: tuple[int, int, int] | None) -> bool:
        """Ask whether any row but the one written now matches; returns whether that row would have."""
        value, mask = self._key()
        # `first` and `last` belong to searches: they stay rubbish.
        self.device.drive(search_valid=1, search_value=value, search_mask=mask, search_probe=1)
        hits = self._matching(value, mask)
        written = {write[0]} if write is not None else set()
        self.match.expect(self.device.cycle + self.answer_cycles, int(bool(hits - written)))
        return bool(hits & written)

    def _select(self, wanted: bool) -> bool:
        if not wanted:
            return False
        members = sorted(self.csp)
        rank = self.chance.choice((0, len(members) - 1, self.chance.randrange(len(members))))
        self.device.drive(select_valid=1, select_rank=rank)
        bank, position = divmod(members[rank], self.config.bank_rows)
        inside = [row % self.config.bank_rows for row in members if row // self.config.bank_rows == bank]
        vector = sum(1 << row for row in inside)
        self.selected.expect(self.device.cycle + self.answer_cycles, (vector, inside.index(position), bank))
        cover("select.rank", "first" if rank == 0 else "last" if rank == len(members) - 1 else "middle")
        cover("select.bank", "first" if bank == 0 else "last" if bank == self.banks - 1 else "middle")
        return True

    def _read(self, *, wanted: bool) -> bool:
        valid_rows = [row for row, code in enumerate(self.codes) if code is not None] if wanted else []
        if not valid_rows:
            return False
        row = self.chance.choice(valid_rows)
        self.device.drive(read_valid=1, read_row=row)
        self.data.expect(self.device.cycle + self.answer_cycles, self.codes[row])
        return True

    # --- answers -----------------------------------------------------------------------------------------------

    def _observe(self) -> None:
        read, cycle = self.device.read, self.device.cycle
        self.match.observe(cycle, read("match_valid"), lambda: read("match_any"))
        self.count.observe(cycle, read("count_valid"), lambda: read("count_rows"))
        self.selected.observe(cycle, read("selected_valid"), self._read_selected)
        self.data.observe(cycle, read("data_valid"), lambda: read("data_priority"))
        if not read("data_valid"):
            # The draw unit puts it into the beat of a refused request.
            assert read("data_priority") == 0, "data_priority must be 0 when nothing was read"

    def _read_selected(self) -> tuple[int, int, int]:
        bank = self.device.read("selected_bank") if self.banks > 1 else 0
        return self.device.read("selected_vector"), self.device.read("selected_rank"), bank

    def report(self) -> dict[str, Any]:
        for answers in self.answers:
            answers.check_finished()
        return {answers.name: answers.compared for answers in self.answers} | {
            "compared": sum(answers.compared for answers in self.answers),
            "coverage": collected(),
        }


async def run_rounds(bench: RowsBench, rounds: int) -> None:
    """Rounds with resets in the middle, then a last one to the end."""
    bench._rubbish()
    await bench.device.start()
    for index in range(rounds):
        await bench.round()
        if index % 10 == 9:
            for _ in range(bench.chance.randint(0, 6)):
                await bench.cycle()
            await bench.reset()
    while not bench.csp:  # so that selections have been compared when the run ends
        await bench.round()
    await bench.cycle(select=True)
    await bench.drain()


@cocotb.test()
async def against_model(dut: Any) -> None:
    parameters = bench_parameters()
    bench = RowsBench(dut, parameters, answer_cycles=Bank.ANSWER_LATENCY, count_cycles=Bank.COUNT_LATENCY)
    await run_rounds(bench, parameters["rounds"])
    leave_report(bench.report())
