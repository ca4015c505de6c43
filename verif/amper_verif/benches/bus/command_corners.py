"""What chance alone seldom brings to the command queue: every bit of a row and of a code, every status, every place."""

from __future__ import annotations

import random

from amper import AmperConfig, Parameter
from amper.operations.vocabulary import Write
from amper_hw.bus.registers import COMMAND_DEPTH, DATA_WIDTH
from amper_verif.benches.bus.register_program import RegisterProgram
from amper_verif.harness.progress import followed

_ROWS = 16  # that are tried one by one at most
_DRAWS = 6  # of a batch, at most, where every size is not needed
_WAITS = (2, 3, 6, 31, 101, 1001)  # cycles with a batch under way


class CommandCorners:
    """Runs them all, whatever the bus; the program compares what comes with the golden model."""

    def __init__(self, program: RegisterProgram, chance: random.Random) -> None:
        self._program = program
        self._registers = program.registers
        self._chance = chance
        self._rows = sorted({0, program.config.rows - 1, *range(min(_ROWS, program.config.rows))})

    @property
    def _config(self) -> AmperConfig:
        return self._program.config

    async def run(self) -> None:
        """All of them; what the sampler holds is then that of the golden model."""
        await self._program.control(Parameter.CLEAR, 1)
        await self._program.control(Parameter.BATCH, min(self._config.batch, _DRAWS))
        steps = [self._single_rows, self._states, self._refusals]
        for step in followed([*steps, self._updates] if self._config.packed_registers else steps):
            await step()
        for kinds in ("wwwwwwwwwwwwwww", "iwcwruwiwcrwiwc", "ciirrwuwcwwiirr"):
            await self._places(kinds)
        await self._cycles()
        await self._program.control(Parameter.BATCH, self._config.batch)
        await self._program.settle()

    def _code(self) -> int:
        return self._chance.randint(1, self._config.priority_max)

    async def _fill(self) -> None:
        for row in self._rows:
            await self._program.write(Write(row, self._code()))

    async def _single_rows(self) -> None:
        """One valid row at a time, with every bit of its code by itself and left out; then every row."""
        program, top, chance = self._program, self._config.priority_max, self._chance
        bits = [1 << bit for bit in range(self._config.priority_width)]
        pairs = [(chance.choice(self._rows), code) for bit in bits for code in (bit, top ^ bit)]
        for row, code in [*pairs, *((row, self._code()) for row in self._rows)]:
            await program.write(Write(row, code))
            await program.sample(1)
            await program.settle()
            await program.write(Write(row, 0, 1))

    async def _states(self) -> None:
        """Random words of the draws' stream, which all bits of a command come through."""
        program = self._program
        await self._fill()
        for _ in range(8):
            for word in range(4):
                await program.control(Parameter.DRAW_STATE_0 + word, self._chance.getrandbits(32) | 1)
            await program.check_batch()

    async def _updates(self) -> None:
        """Of batches of every size, all rows, and once more than there are; of some before all draws were taken."""
        program = self._program
        for draws in range(1, min(self._config.batch, 2 * _DRAWS) + 1):
            await program.sample(draws)
            if draws % 3 == 0:
                await self._registers.wait_for("RESULT_AVAILABLE")
                await program.take_results(draws // 2)
                await program.update()
            await program.take_results()
            for _ in range(draws // 2 + 2):
                await program.update()
            if draws % 2:
                await program.sample(self._config.batch + 1)
                await program.take_results()
                await program.update()
        await program.settle()

    async def _refusals(self) -> None:
        """Every status behind every other, and behind draws."""
        program, most = self._program, self._config.batch
        beyond = [most + 1 | 1 << bit for bit in range(DATA_WIDTH)]
        for parameter, value, more in (
            (Parameter.ENABLE, 0, []),
            (Parameter.ENABLE, 1, beyond),
            (Parameter.CLEAR, 1, []),
        ):
            await program.control(parameter, value)
            for draws in (1, most + 1, 0, 1, most + 1, *more, 1):
                await program.sample(draws)
                await program.take_results()
        await program.settle()
        await self._fill()

    async def _places(self, kinds: str) -> None:
        """Commands behind a request that has to wait: each takes a place, and the first that finds none is refused."""
        program, registers = self._program, self._registers
        await program.check_batch()
        await self.stick()
        level = COMMAND_DEPTH - 1
        for kind in kinds * 2:
            assert await registers.get("LEVEL") == level
            assert await registers.field("STATUS", "QUEUE_FULL") == (level == 0)
            if not level:
                break
            level -= await self._command(kind)
        for name, value in (("WRITE_PRIORITY", 1), ("INVALIDATE", 0), ("BATCH", 1), ("REQUEST", 1)):
            assert await registers.try_put(name, value), f"{name} was taken by a full queue"
        for name, register in registers.map.items():  # a read of it is no command
            if register.readable and register.writable:
                await registers.get(name)
        assert await registers.bus_errors() == ["QUEUE_FULL"]
        await program.settle()

    async def _command(self, kind: str) -> int:
        """A write, an invalidation, a change, a request or an update; returns how many commands it was."""
        program, row = self._program, self._chance.choice(self._rows)
        if kind == "u" and self._config.packed_registers:
            before = program.pairs
            await program.update()
            return program.pairs - before
        if kind == "i":
            await program.write(Write(row, 0, 1))
        elif kind == "c":
            await program.control(Parameter.BATCH, self._chance.randint(1, min(self._config.batch, _DRAWS)))
        elif kind == "r":
            await program.sample(1)
        else:
            await program.write(Write(row, self._code()))
        return 1

    async def stick(self) -> None:
        """Requests whose results nobody takes, until one of them waits in the queue."""
        for _ in range(200):
            await self._program.sample(1)
            for cycles in (20, 400):  # the longer one where it may still be taken
                await self._program.bus.idle(cycles)
                if await self._registers.get("LEVEL") == COMMAND_DEPTH:
                    break
            else:
                return
        raise AssertionError("no request had to wait")

    async def _cycles(self) -> None:
        """CYCLES counts while a batch is under way, and then alone."""
        registers, bus = self._registers, self._program.bus

        async def passed(cycles: int) -> int:
            before = await registers.get("CYCLES")
            await bus.idle(cycles)
            return await registers.get("CYCLES") - before

        await self.stick()
        of_one = await passed(1)
        for cycles in _WAITS:
            assert await passed(cycles) - of_one == cycles - 1, f"CYCLES in {cycles} cycles with a batch under way"
        await self._program.settle()
        assert await passed(50) == 0, "CYCLES counts without a batch"
