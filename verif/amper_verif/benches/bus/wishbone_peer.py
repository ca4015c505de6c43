"""Bench of the sampler behind Wishbone with masters that are not ours: those of cocotbext-wishbone."""

from __future__ import annotations

import random
from typing import Any, ClassVar

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge
from cocotbext.wishbone.driver import WBOp, WishboneMaster

from amper import AmperConfig
from amper_verif.benches.bus.register_access import ALL_BYTES, PeerBus
from amper_verif.benches.bus.register_program import RegisterProgram
from amper_verif.harness.simulation import bench_parameters, leave_report

SIGNALS = {
    **{name: name for name in ("cyc", "stb", "we", "adr", "sel", "ack", "err", "stall")},
    "datwr": "dat_i",
    "datrd": "dat_o",
}
ANSWER_CYCLES = 10  # after which the master gives up
ACK, ERR = 1, 2


class ClassicMaster(WishboneMaster):
    """Does not know ``stall``, and so holds its strobe until the answer."""

    _optional_signals: ClassVar[list[str]] = []

    def __init__(self, dut: Any) -> None:
        signals = {name: port for name, port in SIGNALS.items() if name != "stall"}
        super().__init__(dut, "wb", dut.clk, timeout=ANSWER_CYCLES, signals_dict=signals)


class PeerWishbone(PeerBus):
    """The masters as the register programs want them: one access a bus cycle, with idle cycles before some.

    Each access is by the classic or the pipelined master, by chance.
    """

    def __init__(self, dut: Any, chance: random.Random) -> None:
        super().__init__(dut, chance)
        self.answers = {ACK: 0, ERR: 0}
        pipelined = WishboneMaster(dut, "wb", dut.clk, timeout=ANSWER_CYCLES, signals_dict=SIGNALS)
        self.masters = {"classic": ClassicMaster(dut), "pipelined": pipelined}
        self.styles = dict.fromkeys(self.masters, 0)

    async def _access(self, address: int, value: int | None, strobe: int) -> Any:
        wait = self.chance.choice((0, 0, 0, 1, 3))
        operation = WBOp(adr=address >> 2, dat=value, sel=strobe, idle=wait, acktimeout=ANSWER_CYCLES)
        style = self.chance.choice(list(self.masters))
        self.styles[style] += 1
        (result,) = await self.masters[style].send_cycle([operation])
        self.answers[result.ack] += 1
        return result

    async def write(self, address: int, value: int, strobe: int = ALL_BYTES) -> bool:
        return (await self._access(address, value, strobe)).ack == ERR

    async def read(self, address: int, strobe: int = ALL_BYTES) -> tuple[int, bool]:
        result = await self._access(address, None, strobe)
        return int(result.datrd), result.ack == ERR


@cocotb.test()
async def against_model(dut: Any) -> None:
    parameters = bench_parameters()
    config = AmperConfig.from_dict(parameters["config"])
    chance = random.Random(parameters["seed"])
    cocotb.start_soon(Clock(dut.clk, 10, unit="ns").start())
    await RisingEdge(dut.clk)  # the master sets its outputs at once, which is lost at the very beginning
    bus = PeerWishbone(dut, chance)
    program = RegisterProgram(bus, config, chance)
    await bus.reset()
    await program.check_resets()
    await program.start()
    assert await bus.write(0xFFC, 0), "an address without a register was not answered by wb_err"
    await program.registers.bus_errors()
    await program.run_chosen(parameters)
    found = {"styles": bus.styles, "acks": bus.answers[ACK], "errors": bus.answers[ERR]}
    leave_report(found | program.scoreboard.counts() | {"compared": program.compared})
