"""Every illegal access to the registers: its answer, its bit in BUS_ERRORS, and that nothing else changes."""

from __future__ import annotations

import itertools
import random

from amper import VARIANTS, Parameter
from amper.operations.vocabulary import Write
from amper_hw.bus.fields import Register
from amper_hw.bus.registers import BUS_ERRORS
from amper_verif.benches.bus.register_access import ALL_BYTES, RegisterAccess
from amper_verif.benches.bus.register_program import RegisterProgram

PARTIAL = list(range(1, ALL_BYTES))


class IllegalAccesses:
    """Runs them all; ``tried`` counts them by name of their bit."""

    def __init__(self, program: RegisterProgram, chance: random.Random, *, unaligned: bool) -> None:
        self._program = program
        self._registers: RegisterAccess = program.registers
        self._chance = chance
        self._unaligned = unaligned  # whether the bus can say such an address
        self._count = 0  # what BUS_ERROR_COUNT has to be
        self.tried: dict[str, int] = {}

    async def run(self) -> None:
        """Some rows and parameters are set before, and a batch after it shows that they are still there."""
        await self._program.prepare()
        before = await self._registers.snapshot()
        self._count = await self._registers.get("BUS_ERROR_COUNT")
        for name, register in self._registers.map.items():
            await self._try_register(name, register)
        await self._try_unmapped()
        await self._try_no_byte()
        await self._clear_one_of_two()
        await self._expect("RESULT_EMPTY", self._registers.map["RESULT_ROW"].offset, None)
        assert await self._registers.snapshot() == before, "an illegal access changed a register"
        await self._program.check_batch()
        await self._refused_values()
        await self._program.check_batch()
        await self._full_queue()

    async def _expect(self, name: str, address: int, value: int | None, strobe: int = ALL_BYTES) -> None:
        """A write, or a read without ``value``: an error, the sticky bit ``name`` alone, one more in the count."""
        bus = self._registers.bus
        if value is None:
            data, error = await bus.read(address, strobe)
            assert data == 0, f"a read of {address:#x} with an error has data {data:#x}"
        else:
            error = await bus.write(address, value, strobe)
        access = f"{'read' if value is None else 'write'} at {address:#x}, value {value}, strobe {strobe:04b}"
        assert error, f"{access}: no error"
        found = await self._registers.get("BUS_ERRORS")
        assert found == 1 << list(BUS_ERRORS).index(name), f"{access}: expected {name}, got {found:#x}"
        await self._registers.put("BUS_ERRORS", found)
        self._count += 1
        assert await self._registers.get("BUS_ERROR_COUNT") == self._count, access
        self.tried[name] = self.tried.get(name, 0) + 1

    async def _try_register(self, name: str, register: Register) -> None:
        bit = self._chance.getrandbits
        for strobe in PARTIAL if name in ("WRITE_PRIORITY", "GROUPS", "ID") else self._chance.sample(PARTIAL, 2):
            await self._expect("STROBE", register.offset, bit(32), strobe)
        for low in (1, 2, 3) if self._unaligned else ():
            await self._expect("UNALIGNED", register.offset + low, bit(32), self._chance.randrange(16))
            await self._expect("UNALIGNED", register.offset + low, None)
        if not register.writable:
            await self._expect("READ_ONLY", register.offset, bit(32))
        if not register.readable:
            await self._expect("WRITE_ONLY", register.offset, None)
        if register.writable:
            reserved = [place for place in range(32) if not register.mask >> place & 1]
            for place in reserved:
                await self._expect("RESERVED", register.offset, 1 << place | bit(32) & register.mask)

    async def _try_unmapped(self) -> None:
        free = self._registers.free
        for address in {*free[:20], *self._chance.sample(free, 20), free[-1]}:
            await self._expect("UNMAPPED", address, self._chance.getrandbits(32), self._chance.randrange(16))
            await self._expect("UNMAPPED", address, None)

    async def _try_no_byte(self) -> None:
        """A write that names no byte: no error and no effect, wherever it goes."""
        for register in self._registers.map.values():
            assert not await self._registers.bus.write(register.offset, self._chance.getrandbits(32), 0)
        assert await self._registers.bus_errors() == []

    async def _clear_one_of_two(self) -> None:
        """A 1 clears its own bit of BUS_ERRORS, a 0 none."""
        for kept, cleared in itertools.permutations((1, 3)):  # UNMAPPED and READ_ONLY
            assert await self._registers.bus.write(0xFFC, 0)
            assert await self._registers.bus.write(0, 0)
            self._count += 2
            assert await self._registers.get("BUS_ERRORS") == 0b1010
            await self._registers.put("BUS_ERRORS", 0)
            assert await self._registers.get("BUS_ERRORS") == 0b1010
            await self._registers.put("BUS_ERRORS", 1 << cleared)
            assert await self._registers.get("BUS_ERRORS") == 1 << kept
            await self._registers.bus_errors()

    async def _refused_values(self) -> None:
        """What the sampler itself refuses: the bus answers no error, since the command waits for its turn."""
        registers = self._registers
        illegal = {
            Parameter.GROUPS: 0,
            Parameter.RADIUS: (1 << 32) - 1,
            Parameter.NEIGHBOURS: (1 << 32) - 1,
            Parameter.VARIANT: len(VARIANTS),
            Parameter.BATCH: self._program.config.batch + 1,
            Parameter.ROWS: 0,
            Parameter.ENABLE: 2,
            Parameter.CLEAR: 0,
        }
        for parameter, value in illegal.items():
            before = await registers.snapshot()
            await registers.put(parameter.name, value)
            assert self._program.scoreboard.control(parameter, value), "the model does not refuse it"
            await registers.wait_for("QUEUE_EMPTY")
            await self._check_refusal("PARAMETER_REFUSED", before)
        before = await registers.snapshot()
        rows = self._program.config.rows
        beyond = [rows] if rows < 1 << self._program.config.row_width else []
        for row in beyond:
            await registers.put("INVALIDATE", row)
            assert self._program.scoreboard.write(Write(row, 0, 1)), "the model does not refuse it"
            await registers.wait_for("QUEUE_EMPTY")
            await self._check_refusal("WRITE_REFUSED", before)

    async def _check_refusal(self, name: str, before: dict[str, int]) -> None:
        assert await self._registers.field("STATUS", name), f"STATUS.{name} is not 1"
        assert await self._registers.bus_errors() == [name]
        after = await self._registers.snapshot()
        changed = {key for key in before if before[key] != after[key]}
        assert changed <= {"STATUS", "ERRORS"}, f"{name} changed {changed}"
        assert after["ERRORS"] == before["ERRORS"] + 1
        self.tried[name] = self.tried.get(name, 0) + 1

    async def _full_queue(self) -> None:
        """Requests whose results nobody takes fill everything; each kind of command is then refused."""
        registers = self._registers
        await self._program.fill_queue()
        self._count = await registers.get("BUS_ERROR_COUNT")
        assert await registers.get("LEVEL") == 0
        assert await registers.field("STATUS", "QUEUE_FULL")
        for name, value in (("WRITE_PRIORITY", 1), ("INVALIDATE", 0), ("GROUPS", 1), ("CLEAR", 1), ("REQUEST", 1)):
            await self._expect("QUEUE_FULL", registers.map[name].offset, value)
        await self._program.take_results()
        await registers.wait_for("QUEUE_EMPTY")
        await self._program.check_batch()
