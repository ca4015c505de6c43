"""What chance alone seldom brings at the registers: every address, every bit that they hold, every error by itself."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable

from amper import VARIANTS, AmperConfig, Parameter
from amper.operations.vocabulary import Write
from amper_hw.bus.registers import BUS_ERRORS, DATA_WIDTH
from amper_spec.algorithm import COEFFICIENT_WIDTH
from amper_verif.benches.bus.register_access import POLLS, RegisterAccess
from amper_verif.benches.bus.register_program import RegisterProgram
from amper_verif.harness.progress import followed


class RegisterCorners:
    """Runs them all, from a reset on; whatever the bus.

    ``unaligned`` : whether the bus can say an address that is no multiple of 4.
    """

    def __init__(self, program: RegisterProgram, chance: random.Random, *, unaligned: bool) -> None:
        self._program = program
        self._registers: RegisterAccess = program.registers
        self._chance = chance
        self._unaligned = unaligned

    @property
    def _config(self) -> AmperConfig:
        return self._program.config

    async def run(self) -> None:
        """All of them."""
        for step in followed((self._every_address, self._held_bits, self._parameters, self._errors)):
            await step()

    # --- addresses and what registers hold ---------------------------------------------------------------------------

    async def _every_address(self) -> None:
        """A read of each word that has no register is an error, and counted."""
        registers = self._registers
        await registers.bus_errors()
        before = await registers.get("BUS_ERROR_COUNT")
        for address in registers.free:
            answer = await registers.bus.read(address)
            assert answer == (0, True), f"a read of {address:#x}, where there is no register: {answer}"
        assert await registers.bus_errors() == ["UNMAPPED"]
        assert await registers.get("BUS_ERROR_COUNT") == before + len(registers.free)

    async def _held_bits(self) -> None:
        """Registers that keep what is written: each bit by itself and left out; the others stay."""
        registers = self._registers
        kept = [name for name in ("WRITE_ROW", "IRQ_ENABLE", "CONTROL") if name in registers.map]
        for name in kept:
            mask = registers.map[name].mask
            bits = [1 << bit for bit in range(DATA_WIDTH) if mask >> bit & 1]
            for value in (mask, 0, *bits, *(mask ^ bit for bit in bits), 0):
                await registers.put(name, value)
                await self._shows(name, value)
            others = {other: await registers.get(other) for other in kept}
            assert not any(others.values()), f"a write of {name} changed {others}"

    async def _parameters(self) -> None:
        """Every bit of each value by itself, and beside the largest one that is legal; at its limits in the end."""
        config = self._config
        limits = {
            Parameter.GROUPS: config.groups,
            Parameter.RADIUS: min((config.groups << COEFFICIENT_WIDTH) - 1, (1 << DATA_WIDTH) - 1),
            Parameter.NEIGHBOURS: (1 << COEFFICIENT_WIDTH) - 1,
            Parameter.BATCH: config.batch,
            Parameter.ROWS: config.rows,
            Parameter.ENABLE: 1,
            Parameter.VARIANT: VARIANTS.index(config.variant),
            Parameter.CLEAR: 1,
        }
        bits = [1 << bit for bit in range(DATA_WIDTH)]
        for parameter, limit in limits.items():
            known = await self._change(parameter, limit)
            values = [0, limit + 1, *(limit | bit for bit in bits if known), *bits, limit]
            for value in dict.fromkeys(value for value in values if value >> DATA_WIDTH == 0):
                await self._change(parameter, value)
            await self._change(parameter, limit)
        await self._program.settle()

    async def _change(self, parameter: Parameter, value: int) -> bool:
        """A parameter, legal or not: what STATUS and its register say then. Returns whether it is in force."""
        program, registers = self._program, self._registers
        await registers.put(parameter.name, value)
        refused = program.scoreboard.control(parameter, value)
        said = await self._emptied()
        assert self._said(said, "PARAMETER_REFUSED") == refused, f"{parameter.name} = {value:#x}: STATUS is {said:#x}"
        if registers.map[parameter.name].readable and (not refused or self._chance.random() < 0.2):
            await self._shows(parameter.name, program.scoreboard.model.get_parameter(parameter))
        return not refused

    async def _shows(self, name: str, wanted: int) -> None:
        """A register, read after an even and an odd number of cycles: a bit that inverts itself in each would be as it
        was in every other one."""
        for _ in range(2):
            shown = await self._registers.get(name)
            assert shown == wanted, f"{name} is {shown:#x}, not {wanted:#x}"
            await self._registers.bus.idle(1)

    async def _emptied(self) -> int:
        """STATUS, once every command was taken."""
        for _ in range(POLLS):
            said = await self._registers.get("STATUS")
            if self._said(said, "QUEUE_EMPTY"):
                return said
        raise AssertionError("the command queue never became empty")

    def _said(self, status: int, field: str) -> bool:
        place = next(each for each in self._registers.map["STATUS"].fields if each.name == field)
        return bool(status & place.mask)

    # --- errors ------------------------------------------------------------------------------------------------------

    def _causes(self) -> dict[str, Callable[[], Awaitable[object]]]:
        """Accesses that set a bit of BUS_ERRORS, where one alone can, in every configuration."""
        bus, offsets = self._registers.bus, {name: one.offset for name, one in self._registers.map.items()}
        beyond, config = self._registers.map["WRITE_ROW"].mask + 1, self._config
        causes: dict[str, Callable[[], Awaitable[object]]] = {
            "UNMAPPED": lambda: bus.read(offsets["RESULT_ROW"] + 0x100),
            "STROBE": lambda: bus.write(offsets["WRITE_ROW"], 1, 0b0111),
            "READ_ONLY": lambda: bus.write(offsets["ID"], 0),
            "WRITE_ONLY": lambda: bus.read(offsets["REQUEST"]),
            "RESERVED": lambda: bus.write(offsets["WRITE_ROW"], beyond),
            "RESULT_EMPTY": lambda: bus.read(offsets["RESULT_ROW"]),
            "PARAMETER_REFUSED": lambda: self._program.control(Parameter.BATCH, 0),
        }
        if config.rows <= self._registers.map["WRITE_ROW"].mask:
            causes["WRITE_REFUSED"] = lambda: self._program.write(Write(config.rows, 1, 1))
        if self._unaligned:
            causes["UNALIGNED"] = lambda: bus.read(offsets["ID"] + 1)
        return causes

    async def _errors(self) -> None:
        """Each bit of BUS_ERRORS is set by its cause and cleared by a 1, alone; one is enough for the interrupt."""
        registers, causes = self._registers, self._causes()
        bits = {name: 1 << bit for bit, name in enumerate(BUS_ERRORS)}
        await self._program.settle()
        await registers.put("IRQ_ENABLE", 0b010)
        for name, cause in causes.items():
            await self._expect_error(0, "before")
            await cause()
            await self._emptied()
            await self._expect_error(bits[name], name)
            await registers.put("BUS_ERRORS", registers.map["BUS_ERRORS"].mask ^ bits[name])
            await self._expect_error(bits[name], f"{name} after the others were cleared")
            await registers.put("BUS_ERRORS", bits[name])
        for cause in causes.values():
            await cause()
        await self._emptied()
        left = sum(bits[name] for name in causes)
        for name in self._chance.sample(list(causes), len(causes)):
            await self._expect_error(left, f"before {name} is cleared")
            await registers.put("BUS_ERRORS", bits[name])
            left ^= bits[name]
        await self._expect_error(0, "after all were cleared")
        await registers.put("IRQ_ENABLE", 0)

    async def _expect_error(self, bits: int, what: str) -> None:
        found = await self._registers.get("BUS_ERRORS")
        assert found == bits, f"{what}: BUS_ERRORS is {found:#x}, not {bits:#x}"
        pending = await self._registers.get("IRQ_STATUS") >> 1 & 1
        assert (pending, self._registers.bus.irq()) == (bool(bits),) * 2, f"{what}: the interrupt of errors"
