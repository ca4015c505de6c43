"""Bench of the sampler behind AXI: models of cocotbext-axi under random pauses, results against the golden model."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge, with_timeout
from cocotbext.axi import AxiLiteBus
from cocotbext.axi.axil_channels import (
    AxiLiteARSource,
    AxiLiteARTransaction,
    AxiLiteAWSource,
    AxiLiteAWTransaction,
    AxiLiteBSink,
    AxiLiteRSink,
    AxiLiteWSource,
    AxiLiteWTransaction,
)

from amper import AmperConfig
from amper.operations.workload import workload
from amper_verif.benches.bus.axi_streams import StreamProgram
from amper_verif.benches.bus.command_corners import CommandCorners
from amper_verif.benches.bus.illegal_accesses import IllegalAccesses
from amper_verif.benches.bus.register_access import ALL_BYTES, PeerBus
from amper_verif.benches.bus.register_corners import RegisterCorners
from amper_verif.benches.bus.register_program import RegisterProgram
from amper_verif.benches.support import Gaps
from amper_verif.harness.simulation import bench_parameters, leave_report

CLOCK_NS = 10
ANSWER_CYCLES = 2000  # within which every access is answered, whatever the pauses
SLVERR = 2


def pauses(chance: random.Random) -> Iterator[bool]:
    """For a pause generator: stretches of different habits."""
    gaps = Gaps(chance)
    return (not gaps() for _ in itertools.count())


class AxiLite(PeerBus):
    """The registers by AXI4-Lite; address, data and answer each with pauses of their own."""

    def __init__(self, dut: Any, chance: random.Random) -> None:
        super().__init__(dut, chance)
        bus = AxiLiteBus.from_prefix(dut, "s_axil")
        around = (dut.clk, dut.rst)
        self.aw, self.w = AxiLiteAWSource(bus.write.aw, *around), AxiLiteWSource(bus.write.w, *around)
        self.b = AxiLiteBSink(bus.write.b, *around)
        self.ar, self.r = AxiLiteARSource(bus.read.ar, *around), AxiLiteRSink(bus.read.r, *around)

    def pause(self) -> None:
        """From now on, pauses on every channel."""
        for channel in (self.aw, self.w, self.b, self.ar, self.r):
            channel.set_pause_generator(pauses(random.Random(self.chance.random())))

    async def write(self, address: int, value: int, strobe: int = ALL_BYTES) -> bool:
        await self.aw.send(AxiLiteAWTransaction(awaddr=address, awprot=self.chance.randrange(8)))
        await self.w.send(AxiLiteWTransaction(wdata=value, wstrb=strobe))
        response = await self._in_time(self.b.recv())
        assert int(response.bresp) in (0, SLVERR)
        return int(response.bresp) == SLVERR

    async def read(self, address: int, strobe: int = ALL_BYTES) -> tuple[int, bool]:
        await self.ar.send(AxiLiteARTransaction(araddr=address, arprot=self.chance.randrange(8)))
        response = await self._in_time(self.r.recv())
        assert int(response.rresp) in (0, SLVERR)
        return int(response.rdata), int(response.rresp) == SLVERR

    @staticmethod
    async def _in_time(answer: Any) -> Any:
        return await with_timeout(answer, ANSWER_CYCLES * CLOCK_NS, "ns")


async def both_directions(lite: AxiLite, program: RegisterProgram, rounds: int) -> int:
    """Many writes and reads under way at the same time; returns how many there were."""
    registers = program.registers.map

    async def write() -> int:
        values = [lite.chance.randint(0, registers["WRITE_ROW"].mask) for _ in range(rounds)]
        for value in values:
            await lite.aw.send(AxiLiteAWTransaction(awaddr=registers["WRITE_ROW"].offset))
            await lite.w.send(AxiLiteWTransaction(wdata=value, wstrb=ALL_BYTES))
        for _ in values:
            assert int((await lite._in_time(lite.b.recv())).bresp) == 0
        return values[-1]

    async def read() -> None:
        names = [lite.chance.choice(("ID", "VERSION", "ROWS_MAX", "LEVEL", "BATCH")) for _ in range(rounds)]
        for name in names:
            await lite.ar.send(AxiLiteARTransaction(araddr=registers[name].offset))
        for name in names:
            answer = await lite._in_time(lite.r.recv())
            assert (int(answer.rdata), int(answer.rresp)) == (registers[name].reset, 0), name

    reading = cocotb.start_soon(read())
    writing = cocotb.start_soon(write())
    await reading
    last = await writing
    assert await program.registers.get("WRITE_ROW") == last
    return 2 * rounds


async def measure_answers(lite: AxiLite) -> dict[str, int]:
    """Cycles from the last beat of an access to its answer, with nobody in the way."""
    dut = lite.dut
    cycles = {}
    for answer, beats, access in (
        ("b", ("aw", "w"), lite.write(0xC0, 0)),
        ("r", ("ar",), lite.read(0)),
    ):
        await lite.idle(5)
        task = cocotb.start_soon(access)
        asked = since = 0
        while not int(getattr(dut, f"s_axil_{answer}valid").value):
            for beat in beats:
                valid, ready = getattr(dut, f"s_axil_{beat}valid"), getattr(dut, f"s_axil_{beat}ready")
                if int(valid.value) and int(ready.value):
                    asked, since = asked + 1, 0
            await RisingEdge(dut.clk)
            since += 1
        assert asked == len(beats), f"{asked} beats taken of {beats}"
        cycles[answer] = since
        await task
    return cycles


async def illegal_part(lite: AxiLite, program: RegisterProgram, _: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    """Illegal accesses and interrupts; part "corners" has those of registers and commands, too."""
    await program.check_resets()
    await program.start()
    if parameters["part"] == "corners":
        await RegisterCorners(program, lite.chance, unaligned=True).run()
        await CommandCorners(program, lite.chance).run()
    illegal = IllegalAccesses(program, lite.chance, unaligned=True)
    await illegal.run()
    await program.check_interrupts()
    answer_cycles = await measure_answers(lite)
    lite.pause()
    accesses = await both_directions(lite, program, 300 if parameters["part"] == "illegal" else 100)
    return {"tried": illegal.tried, "answer_cycles": answer_cycles, "accesses": accesses}


async def register_part(lite: AxiLite, program: RegisterProgram, _: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    lite.pause()
    await program.start()
    await program.run_chosen(parameters)
    return {"refused": program.refused}


async def stream_part(
    lite: AxiLite, program: RegisterProgram, streams: StreamProgram, parameters: dict[str, Any]
) -> dict[str, Any]:
    lite.pause()
    chosen = parameters["workload"]
    operations = workload(program.config, chosen, parameters["seed"])
    await streams.run(operations, mishaps=chosen["kind"] == "random")
    return {"malformed": streams.malformed, "beats": streams.beats, "mixed": streams.mixed}


def tie_off(dut: Any) -> None:
    """As a design that has no use for the streams leaves them: every input 0."""
    for name in ("write_tdata", "write_tkeep", "write_tlast", "write_tvalid", "request_tdata", "request_tvalid"):
        getattr(dut, f"s_axis_{name}").value = 0
    dut.m_axis_result_tready.value = 0


PARTS = {
    "illegal": illegal_part,
    "corners": illegal_part,
    "registers": register_part,
    "tied": register_part,
    "streams": stream_part,
}


@cocotb.test()
async def against_model(dut: Any) -> None:
    parameters = bench_parameters()
    config = AmperConfig.from_dict(parameters["config"])
    chance = random.Random(parameters["seed"])
    cocotb.start_soon(Clock(dut.clk, CLOCK_NS, unit="ns").start())
    dut.rst.value = 1
    lite = AxiLite(dut, chance)
    program = RegisterProgram(lite, config, chance)
    streams = None if parameters["part"] == "tied" else StreamProgram(dut, program, chance)
    if streams is None:
        tie_off(dut)
    await lite.reset()
    report = await PARTS[parameters["part"]](lite, program, streams, parameters)
    compared = program.compared + (streams.compared if streams else 0)
    report |= {"packed": program.packed}
    leave_report(report | program.scoreboard.counts() | {"compared": compared})
