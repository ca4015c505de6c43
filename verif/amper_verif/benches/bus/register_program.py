"""What software does through the registers, and that it gets what the golden model says."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable
from typing import Any, NamedTuple

from amper import AmperConfig, Parameter
from amper.operations.vocabulary import Beat, Control, Operation, Reset, Sample, Write
from amper.operations.workload import workload
from amper_hw.base.variants import has_candidates, has_exact
from amper_hw.bus.registers import INTERRUPTS
from amper_spec.status import REFUSALS, Status
from amper_verif.benches.bus.register_access import POLLS, Bus, RegisterAccess
from amper_verif.harness.progress import followed
from amper_verif.harness.scoreboard import Scoreboard


class Draw(NamedTuple):
    """What the result registers say of a draw."""

    row: int
    priority: int
    last: int
    status: int


def unpacked(word: int) -> tuple[int, int, int]:
    """Row, priority and whether it is the last, of RESULT_PACKED."""
    assert word >> 15 & 1, f"the packed result {word:#x} is not valid"
    return word & 0x3FFF, word >> 16, word >> 14 & 1


class RegisterProgram:
    """Commands in the order of a program, each told to the golden model when it was accepted."""

    def __init__(self, bus: Bus, config: AmperConfig, chance: random.Random) -> None:
        self.bus = bus
        self.config = config
        self.registers = RegisterAccess(bus, config)
        self.scoreboard = Scoreboard(config)
        self.expected: deque[Draw] = deque()
        self.drawn: list[int] = []  # rows of the batch that was taken last, which can be updated in pairs
        self.pairs = 0  # that were
        self.drawn_more = False  # the next draw belongs to the same batch
        self.packed = {"taken": 0, "empty": 0, "updated": 0}
        self.compared = 0
        self.refused = 0  # commands that came when the queue was full
        self._chance = chance

    async def start(self) -> None:
        """After a reset: results to the registers."""
        self.scoreboard.reset()
        self.expected.clear()
        self.drawn, self.drawn_more, self.pairs = [], False, 0
        if "CONTROL" in self.registers.map:
            await self.registers.put("CONTROL", 0)

    # --- single steps --------------------------------------------------------------------------------------------

    async def prepare(self) -> None:
        """Some rows and, where there are groups, another number of them."""
        for row in range(min(self.config.rows, 64)):
            await self.write(Write(row, self._chance.randint(0, self.config.priority_max)))
        await self.control(Parameter.GROUPS, max(1, self.config.groups - 1))
        await self.registers.wait_for("QUEUE_EMPTY")
        await self.registers.bus_errors()

    async def check_batch(self) -> None:
        """A batch: its draws are the model's."""
        await self.sample(0)
        await self.take_results()

    async def write(self, write: Write) -> None:
        if write.invalidate:
            await self._command("INVALIDATE", write.row)
        else:
            await self.registers.put("WRITE_ROW", write.row)
            await self._command("WRITE_PRIORITY", write.priority)
        self.scoreboard.write(write)

    async def control(self, parameter: int, value: int) -> None:
        await self._command(Parameter(parameter).name, value)
        self.scoreboard.control(parameter, value)

    async def sample(self, draws: int) -> None:
        await self._command("REQUEST", draws)
        self.request(draws)

    def request(self, draws: int) -> None:
        """A request was accepted: what its draws will be."""
        self.scoreboard.request(draws or self.scoreboard.model.settings.batch)
        while self.scoreboard.expected:
            beat = self.scoreboard.expected.popleft()
            for lane, row in enumerate(beat.rows):
                priority = beat.priorities[lane] if self.config.result_priority else 0
                last = beat.last and lane == len(beat.rows) - 1
                self.expected.append(Draw(row, priority, int(last), beat.status))

    async def _command(self, name: str, value: int) -> None:
        """A command; when the queue is full, results are taken until it is not."""
        for _ in range(POLLS):
            if not await self.registers.try_put(name, value):
                return
            self.refused += 1
            errors = await self.registers.bus_errors()
            assert set(errors) - {"PARAMETER_REFUSED", "WRITE_REFUSED"} == {"QUEUE_FULL"}, f"{name}: {errors}"
            await self.take_results(1)
        raise AssertionError("the command queue stayed full")

    async def fill_queue(self) -> None:
        """Requests until, with nobody taking results, no more fits anywhere."""
        refused = 0
        for _ in range(200):
            if refused == 2:
                break
            await self.bus.idle(200)
            if await self.registers.try_put("REQUEST", 1):
                refused += 1
            else:
                self.request(1)
                refused = 0
        assert refused == 2, "the command queue never became full"
        assert await self.registers.bus_errors() == ["QUEUE_FULL"]

    async def take_results(self, most: int | None = None) -> None:
        """Takes and compares results: all that are expected, or up to ``most`` of those that have come."""
        left = len(self.expected) if most is None else most
        polls = 0
        while left and polls < POLLS:
            polls += 1
            if not await self.registers.field("STATUS", "RESULT_AVAILABLE"):
                if most is not None:
                    return
                continue
            polls = 0
            left -= 1
            await self._take_result()
        assert not left or most is not None, f"{left} results never came"

    async def _take_result(self) -> None:
        if self.config.packed_registers and self._chance.random() < 0.5:
            row, priority, last = unpacked(await self.registers.get("RESULT_PACKED"))
            self.packed["taken"] += 1
        else:
            row, priority, last = await self.registers.get("RESULT_ROW"), None, None
        status = await self.registers.get("RESULT_STATUS")
        got = Draw(row, await self.registers.get("RESULT_PRIORITY"), status >> 8, status & 0xFF)
        assert priority is None or (priority, last) == (got.priority, got.last)
        self._taken(got)

    def _taken(self, got: Draw) -> None:
        assert self.expected, f"a result that nobody asked for: {got}"
        wanted = self.expected.popleft()
        assert got == wanted, f"draw {self.compared}: expected {wanted}, got {got}"
        self.compared += 1
        if not self.drawn_more:
            self.drawn, self.pairs = [], 0
        self.drawn_more = not got.last
        if Status(got.status) not in REFUSALS:
            self.drawn.append(got.row)

    async def no_packed_result(self) -> None:
        """Where there is no draw, the packed one is 0, and that is no error."""
        assert await self.registers.get("RESULT_PACKED") == 0
        self.packed["empty"] += 1

    async def update(self) -> None:
        """Priorities for the next two rows of the batch that was taken last, if it has so many left."""
        for _ in range(POLLS):
            codes = [self._chance.randint(0, self.config.priority_max) for _ in range(2)]
            rows = self.drawn[2 * self.pairs :][:2]
            if not await self.registers.try_put("UPDATE", codes[0] | codes[1] << 16):
                assert rows, "an update of nothing was accepted"
                for row, code in zip(rows, codes, strict=False):
                    self.scoreboard.write(Write(row, code, 0))
                self.packed["updated"] += len(rows)
                self.pairs += 1
                return
            errors = set(await self.registers.bus_errors()) - {"PARAMETER_REFUSED", "WRITE_REFUSED"}
            if errors == {"RESULT_EMPTY"}:
                assert not rows, f"an update of {rows} was refused"
                return
            assert errors == {"QUEUE_FULL"}
            self.refused += 1
            await self.take_results(1)
        raise AssertionError("the command queue stayed full")

    # --- programs ------------------------------------------------------------------------------------------------

    async def run_chosen(self, parameters: dict[str, Any]) -> None:
        """The workload of a bench's parameters; behind a random one, batches of every size."""
        await self.run(workload(self.config, parameters["workload"], parameters["seed"]))
        if parameters["workload"]["kind"] == "random":
            await self.batch_sizes()

    async def run(self, operations: Iterable[Operation]) -> None:
        """A program: writes, parameters, requests and resets, with results taken now and then."""
        for operation in followed(operations):
            if isinstance(operation, Beat):
                for write in operation.writes:
                    if write is not None:
                        await self.write(write)
            elif isinstance(operation, Control):
                await self.control(operation.parameter, operation.value)
            elif isinstance(operation, Sample):
                await self.sample(operation.batch)
            elif isinstance(operation, Reset):
                await self.bus.idle(operation.after)
                await self.bus.reset()
                await self.start()
            else:
                await self.settle()
            if self._chance.random() < 0.2:
                await self.take_results(self._chance.choice((1, 3, 20)))
            if self.config.packed_registers and self._chance.random() < 0.2:
                for _ in range(self._chance.choice((1, 2, self.config.batch))):
                    await self.update()
        await self.settle()

    async def batch_sizes(self) -> None:
        """Requests of as many draws as BATCH says, each right behind a change of BATCH, legal or not."""
        await self.sample(1)
        most = self.config.batch
        for value in (0, 1, most + 1, most, most // 2, most - 1, 0, most, 1, 2):
            await self.control(Parameter.BATCH, value)
            await self.sample(0)
        for draws in (self.config.batch + 1, 1 << self.config.batch_width | 1, 1 << 31 | 1, (1 << 32) - 1):
            await self.sample(draws)
        await self.settle()

    async def settle(self) -> None:
        """Everything has come, and what can be read back is what the model has."""
        await self.take_results()
        if self.config.packed_registers:
            await self.no_packed_result()
        registers, board = self.registers, self.scoreboard
        await registers.wait_for("QUEUE_EMPTY")
        await registers.wait_for("VMAX_EXACT")
        await self.bus.idle(50)
        searching = has_candidates(self.config)  # else what only searches need reads 0
        wanted = {
            "VALID_ROWS": board.valid_rows * searching,
            "CSP_SIZE": board.csp_size,
            "ERRORS": board.errors & 0xFFFF_FFFF,
            "SEARCHES": board.searches & 0xFFFF_FFFF,
            "VMAX": (board.model.vmax or 0) * searching,
        }
        if has_exact(self.config):
            wanted |= {"TOTAL_LOW": board.total & 0xFFFF_FFFF, "TOTAL_HIGH": board.total >> 32}
        shown = {name: await registers.get(name) for name in wanted}
        assert shown == wanted, f"expected {wanted}, got {shown}"
        for parameter in list(Parameter)[: Parameter.CLEAR]:
            value = await registers.get(parameter.name)
            assert value == board.model.get_parameter(parameter), f"{parameter.name} is {value}"
        await registers.bus_errors()

    async def check_resets(self) -> None:
        """Right after a reset every register has the value that the map says."""
        for name, register in self.registers.map.items():
            if register.readable and name != "RESULT_ROW":
                value = await self.registers.get(name)
                assert value == register.reset, f"{name} is {value:#x} after reset, not {register.reset:#x}"

    async def check_interrupts(self) -> None:
        """Each interrupt is there while its cause is and it is enabled."""
        registers = self.registers
        await self.settle()
        await self._expect_interrupts("IDLE")
        assert await self.bus.write(0xFFC, 0)
        await self._expect_interrupts("ERROR", "IDLE")
        await self.sample(1)
        await registers.wait_for("RESULT_AVAILABLE")
        await registers.wait_for("QUEUE_EMPTY")
        await self._expect_interrupts("RESULT", "ERROR", "IDLE")
        await registers.bus_errors()
        for _ in range(100):
            await self.sample(0)
            await self.bus.idle(200)
            if await registers.field("STATUS", "BUSY"):
                break
        assert await registers.field("STATUS", "QUEUE_EMPTY")
        await self._expect_interrupts("RESULT")  # a batch is under way, but its results find no room
        await self.fill_queue()
        await self._expect_interrupts("RESULT")
        await self.settle()
        await self._expect_interrupts("IDLE")

    async def _expect_interrupts(self, *names: str) -> None:
        """IRQ_STATUS has these bits, and irq is 1 when one of them is enabled."""
        status = sum(1 << bit for bit, name in enumerate(INTERRUPTS) if name in names)
        assert await self.registers.get("IRQ_STATUS") == status
        for enable in range(1 << len(INTERRUPTS)):
            await self.registers.put("IRQ_ENABLE", enable)
            assert await self.registers.get("IRQ_ENABLE") == enable
            await self.bus.idle(2)
            assert self.bus.irq() == bool(status & enable), f"irq with enable {enable:b}, status {status:b}"
        await self.registers.put("IRQ_ENABLE", 0)
