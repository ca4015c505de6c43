"""The registers seen from a bench, whatever the bus: named, and with everything that an access may answer."""

from __future__ import annotations

import random
from typing import Any, Protocol

from cocotb.triggers import ClockCycles, RisingEdge

from amper import AmperConfig
from amper_hw.bus.fields import Register
from amper_hw.bus.registers import ACCESS_ERRORS, ADDRESS_WIDTH, BUS_ERRORS, WINDOW, WINDOW_BYTES, register_map

ALL_BYTES = 0b1111
POLLS = 5000  # reads after which something never came


class Bus(Protocol):
    """One access after the other."""

    async def write(self, address: int, value: int, strobe: int = ALL_BYTES) -> bool:
        """Returns whether the answer was an error."""

    async def read(self, address: int, strobe: int = ALL_BYTES) -> tuple[int, bool]:
        """Returns the data, and whether the answer was an error."""

    async def reset(self) -> None:
        """Reset of the device, and of everything around it."""

    async def idle(self, cycles: int) -> None:
        """Lets time pass."""

    def irq(self) -> int:
        """The interrupt now."""


class PeerBus:
    """What a bus with a master that is not ours has besides its accesses."""

    def __init__(self, dut: Any, chance: random.Random) -> None:
        self.dut, self.chance = dut, chance

    async def reset(self) -> None:
        """Three cycles, and one more."""
        self.dut.rst.value = 1
        await ClockCycles(self.dut.clk, 3)
        self.dut.rst.value = 0
        await RisingEdge(self.dut.clk)

    async def idle(self, cycles: int) -> None:
        """Lets time pass."""
        if cycles:
            await ClockCycles(self.dut.clk, cycles)

    def irq(self) -> int:
        """The interrupt now."""
        return int(self.dut.irq.value)


class RegisterAccess:
    """Registers by name; an error that is not expected, and one that is but does not come, is an AssertionError.

    ``free`` : addresses of words that have neither a register nor, with AXI4, the window.
    """

    def __init__(self, bus: Bus, config: AmperConfig) -> None:
        self.bus = bus
        self.map: dict[str, Register] = {register.name: register for register in register_map(config)}
        taken = {register.offset for register in self.map.values()}
        if config.bus == "axi4" and config.packed_registers:
            taken |= set(range(WINDOW, WINDOW + WINDOW_BYTES))
        self.free = [address for address in range(0, 1 << ADDRESS_WIDTH, 4) if address not in taken]

    async def get(self, name: str) -> int:
        value, error = await self.bus.read(self.map[name].offset)
        assert not error, f"a read of {name} was answered with an error"
        return value

    async def put(self, name: str, value: int) -> None:
        assert not await self.try_put(name, value), f"a write of {value:#x} to {name} was answered with an error"

    async def try_put(self, name: str, value: int) -> bool:
        """Returns whether the answer was an error."""
        return await self.bus.write(self.map[name].offset, value)

    async def field(self, name: str, field: str) -> int:
        place = next(each for each in self.map[name].fields if each.name == field)
        return (await self.get(name) & place.mask) >> place.low

    async def wait_for(self, field: str) -> None:
        """Until a field of STATUS is 1."""
        for _ in range(POLLS):
            if await self.field("STATUS", field):
                return
        raise AssertionError(f"STATUS.{field} never became 1")

    async def bus_errors(self) -> list[str]:
        """Names of the bits of BUS_ERRORS that are 1, which are then cleared."""
        bits = await self.get("BUS_ERRORS")
        await self.put("BUS_ERRORS", bits)
        # Commands that are still in the queue may be refused meanwhile; accesses are not.
        left = await self.get("BUS_ERRORS")
        assert left >> len(ACCESS_ERRORS) << len(ACCESS_ERRORS) == left, f"BUS_ERRORS was not cleared: {left:#x}"
        return [name for bit, name in enumerate(BUS_ERRORS) if bits >> bit & 1]

    async def snapshot(self) -> dict[str, int]:
        """Every register that can be read without a consequence, but for those that show errors."""
        names = [name for name, register in self.map.items() if register.readable]
        hidden = ("RESULT_ROW", "RESULT_PACKED", "BUS_ERRORS", "BUS_ERROR_COUNT", "IRQ_STATUS", "CYCLES")
        return {name: await self.get(name) for name in names if name not in hidden}
