"""Bench of the sampler behind Wishbone with LiteX's master, which is classic, and its LiteX module."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from amper import AmperConfig
from amper_verif.benches.bus.register_access import ALL_BYTES, PeerBus
from amper_verif.benches.bus.register_program import RegisterProgram
from amper_verif.harness.simulation import bench_parameters, leave_report

WRITE, READ = 1, 2  # commands of the bridge: one, the number of words, four bytes of address, four of each word
DEADLINE = 1000  # cycles for a byte


class LiteXBus(PeerBus):
    """An access is a command to the bridge, a byte at a time, with gaps; always of whole words."""

    def __init__(self, dut: Any, chance: random.Random) -> None:
        super().__init__(dut, chance)
        self.accesses = self.errors = 0
        dut.sent_valid.value = dut.got_ready.value = 0

    async def write(self, address: int, value: int, strobe: int = ALL_BYTES) -> bool:
        assert strobe == ALL_BYTES
        await self._send([WRITE, 1, *(address >> 2).to_bytes(4, "big"), *value.to_bytes(4, "big")])
        while not int(self.dut.sent_ready.value):  # ready for the next command: the access is over
            await RisingEdge(self.dut.clk)
        return self._error()

    async def read(self, address: int, strobe: int = ALL_BYTES) -> tuple[int, bool]:
        assert strobe == ALL_BYTES
        await self._send([READ, 1, *(address >> 2).to_bytes(4, "big")])
        value = bytes([await self._receive() for _ in range(4)])
        return int.from_bytes(value, "big"), self._error()

    def _error(self) -> bool:
        error = bool(int(self.dut.erred.value))
        self.accesses += 1
        self.errors += error
        return error

    async def _send(self, data: list[int]) -> None:
        for byte in data:
            await self.idle(self.chance.choice((0, 0, 0, 1, 3)))
            self.dut.sent_data.value, self.dut.sent_valid.value = byte, 1
            await self._until("sent_ready")
            self.dut.sent_valid.value = 0
        await RisingEdge(self.dut.clk)

    async def _receive(self) -> int:
        self.dut.got_ready.value = 1
        byte = await self._until("got_valid", "got_data")
        self.dut.got_ready.value = 0
        return byte

    async def _until(self, flag: str, value: str | None = None) -> int:
        """The edge at which ``flag`` is 1; the ``value`` there."""
        for _ in range(DEADLINE):
            await RisingEdge(self.dut.clk)
            if int(getattr(self.dut, flag).value):
                return int(getattr(self.dut, value or flag).value)
        raise AssertionError(f"{flag} never became 1")


@cocotb.test()
async def against_model(dut: Any) -> None:
    parameters = bench_parameters()
    config = AmperConfig.from_dict(parameters["config"])
    chance = random.Random(parameters["seed"])
    cocotb.start_soon(Clock(dut.clk, 10, unit="ns").start())
    bus = LiteXBus(dut, chance)
    program = RegisterProgram(bus, config, chance)
    await bus.reset()
    await program.check_resets()
    await program.start()
    assert await bus.write(0xFFC, 0), "an address without a register was not answered by wb_err"
    await program.registers.bus_errors()
    await program.run_chosen(parameters)
    report = program.scoreboard.counts() | {"compared": program.compared, "packed": program.packed}
    leave_report(report | {"accesses": bus.accesses, "errors": bus.errors})
