"""Bench of the sampler behind AXI4: cocotbext-axi's master, draws and updates by bursts as well as by registers."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import with_timeout
from cocotbext.axi import AxiBurstType, AxiBus, AxiMaster, AxiResp

from amper import AmperConfig
from amper.operations.vocabulary import Write
from amper_hw.bus.registers import WINDOW, WINDOW_BYTES
from amper_verif.benches.bus.axi_beats import ANSWER_CYCLES, Axi4Beats
from amper_verif.benches.bus.axi_sampler import CLOCK_NS, pauses, register_part, stream_part, tie_off
from amper_verif.benches.bus.axi_streams import StreamProgram
from amper_verif.benches.bus.burst_corners import BurstCorners
from amper_verif.benches.bus.command_corners import CommandCorners
from amper_verif.benches.bus.illegal_accesses import IllegalAccesses
from amper_verif.benches.bus.register_access import ALL_BYTES, PeerBus
from amper_verif.benches.bus.register_corners import RegisterCorners
from amper_verif.benches.bus.register_program import Draw, RegisterProgram, unpacked
from amper_verif.harness.simulation import bench_parameters, leave_report

KINDS = (AxiBurstType.FIXED, AxiBurstType.INCR, AxiBurstType.WRAP)
WORDS = (1, 2, 3, 4, 8, 16, 64)
WRAPPING = (2, 4, 8, 16)  # what WRAP can have


class Axi4(PeerBus):
    """Registers by bursts of one beat; ``bursts`` counts longer ones by kind."""

    def __init__(self, dut: Any, chance: random.Random) -> None:
        super().__init__(dut, chance)
        self.master = AxiMaster(AxiBus.from_prefix(dut, "s_axi"), dut.clk, dut.rst)
        self.bursts = dict.fromkeys((kind.name for kind in KINDS), 0)

    def pause(self) -> None:
        """From now on, pauses on every channel."""
        write, read = self.master.write_if, self.master.read_if
        for channel in (write.aw_channel, write.w_channel, write.b_channel, read.ar_channel, read.r_channel):
            channel.set_pause_generator(pauses(random.Random(self.chance.random())))

    async def write(self, address: int, value: int, strobe: int = ALL_BYTES) -> bool:
        assert strobe == ALL_BYTES
        return await self.write_words(address, [value], AxiBurstType.INCR)

    async def read(self, address: int, strobe: int = ALL_BYTES) -> tuple[int, bool]:
        (word,), error = await self.read_words(address, 1, AxiBurstType.INCR)
        return word, error

    async def write_words(self, address: int, words: list[int], kind: AxiBurstType) -> bool:
        data = b"".join(word.to_bytes(4, "little") for word in words)
        answer = await self._in_time(self.master.write(address, data, awid=self.chance.randrange(256), burst=kind))
        self.bursts[kind.name] += len(words) > 1
        assert answer.resp in (AxiResp.OKAY, AxiResp.SLVERR)
        return bool(answer.resp == AxiResp.SLVERR)

    async def read_words(self, address: int, count: int, kind: AxiBurstType) -> tuple[list[int], bool]:
        answer = await self._in_time(self.master.read(address, 4 * count, arid=self.chance.randrange(256), burst=kind))
        self.bursts[kind.name] += count > 1
        assert answer.resp in (AxiResp.OKAY, AxiResp.SLVERR)
        words = [int.from_bytes(answer.data[place : place + 4], "little") for place in range(0, 4 * count, 4)]
        return words, bool(answer.resp == AxiResp.SLVERR)

    @staticmethod
    async def _in_time(answer: Any) -> Any:
        return await with_timeout(cocotb.start_soon(answer), ANSWER_CYCLES * CLOCK_NS, "ns")


class BurstProgram(RegisterProgram):
    """Takes results and updates rows by bursts, too, of any kind and place in the window."""

    bus: Axi4

    def _burst(self, count: int) -> tuple[int, AxiBurstType]:
        """A kind that so many words can have, and an address: FIXED has up to 16."""
        kinds = [AxiBurstType.INCR, *([AxiBurstType.FIXED] if count <= 16 else [])]
        kind = self._chance.choice([*kinds, *([AxiBurstType.WRAP] if count in WRAPPING else [])])
        size = 4 * count if kind == AxiBurstType.WRAP else 4
        return WINDOW + size * self._chance.randrange((WINDOW_BYTES - 4 * count) // size + 1), kind

    async def take_results(self, most: int | None = None) -> None:
        if not self.config.packed_registers or self._chance.random() < 0.3:
            await super().take_results(most)
            return
        left = len(self.expected) if most is None else most
        while self.expected and left > 0:
            count = self._chance.choice(WORDS)
            address, kind = self._burst(count)
            words, error = await self.bus.read_words(address, count, kind)
            assert not error
            draws = [word for word in words if word]
            if not draws:  # more than PATIENCE cycles: nothing comes
                assert most is not None, f"{len(self.expected)} results never came"
                return
            for word in draws:
                row, priority, last = unpacked(word)
                self._taken(Draw(row, priority, last, self.expected[0].status if self.expected else 0))
            self.packed["taken"] += len(draws)
            left -= len(draws)

    async def update(self) -> None:
        """By a burst only while no results are due, since writes that wait for them would end in QUEUE_FULL."""
        if self.expected or self._chance.random() < 0.3:
            await super().update()
            return
        codes = [self._chance.randint(0, self.config.priority_max) for _ in range(2 * self._chance.choice(WORDS[:5]))]
        words = [first | second << 16 for first, second in zip(codes[::2], codes[1::2], strict=True)]
        rows = self.drawn[2 * self.pairs :][: len(codes)]
        address, kind = self._burst(len(words))
        error = await self.bus.write_words(address, words, kind)
        assert error == (len(rows) <= len(codes) - 2), f"an update of {rows} by {len(words)} words: error {error}"
        for row, code in zip(rows, codes, strict=False):
            self.scoreboard.write(Write(row, code, 0))
        self.packed["updated"] += len(rows)
        self.pairs += -(-len(rows) // 2)
        errors = set(await self.registers.bus_errors()) - {"PARAMETER_REFUSED", "WRITE_REFUSED"}
        assert errors == ({"RESULT_EMPTY"} if error else set())


async def burst_part(bus: Axi4, program: BurstProgram, *_: Any) -> dict[str, Any]:
    """Bursts of registers, and what is wrong in one."""
    await program.check_resets()
    await program.start()
    await program.prepare()
    registers = program.registers
    names = ["ID", "VERSION", "ROWS_MAX", "PRIORITY_WIDTH"]
    wanted = [registers.map[name].reset for name in names]
    assert await bus.read_words(0, 4, AxiBurstType.INCR) == (wanted, False)
    assert await bus.read_words(8, 4, AxiBurstType.WRAP) == (wanted[2:] + wanted[:2], False)
    assert await bus.read_words(4, 3, AxiBurstType.FIXED) == ([wanted[1]] * 3, False)
    words, error = await bus.read_words(WINDOW - 4, 2, AxiBurstType.INCR)  # one beat before the window, one in it
    assert (words, error) == ([0, 0], True)
    assert await registers.bus_errors() == ["UNMAPPED"]
    row = registers.map["WRITE_ROW"].offset
    assert await bus.write_words(row, [1, 77, 0], AxiBurstType.INCR) is False  # the third makes row 0 invalid
    program.scoreboard.write(Write(1, 77, 0))
    program.scoreboard.write(Write(0, 0, 1))
    assert await bus.write_words(0, [5, 5], AxiBurstType.FIXED) is True
    assert await registers.bus_errors() == ["READ_ONLY"]
    answer = await bus.master.read(WINDOW, 4, size=1)  # beats of two bytes
    assert answer.resp == AxiResp.SLVERR
    assert await registers.bus_errors() == ["STROBE"]
    assert await bus.read_words(WINDOW, 64, AxiBurstType.INCR) == ([0] * 64, False)  # there is nothing to wait for
    assert await bus.write_words(WINDOW, [1, 2], AxiBurstType.INCR) is True
    assert await registers.bus_errors() == ["RESULT_EMPTY"]
    for _ in range(10):
        await program.check_batch()
        await program.update()
    await program.check_interrupts()
    return {}


async def corner_part(dut: Any, config: AmperConfig, chance: random.Random) -> RegisterProgram:
    """Corners of registers, commands and bursts, and every illegal access."""
    bus = Axi4Beats(dut, chance)
    program = RegisterProgram(bus, config, chance)
    await bus.reset()
    await program.check_resets()
    await program.start()
    await RegisterCorners(program, chance, unaligned=True).run()
    await CommandCorners(program, chance).run()
    await BurstCorners(bus, program).run()
    await IllegalAccesses(program, chance, unaligned=True).run()
    await program.check_interrupts()
    return program


PARTS = {"bursts": burst_part, "registers": register_part, "streams": stream_part}


@cocotb.test()
async def against_model(dut: Any) -> None:
    parameters = bench_parameters()
    config = AmperConfig.from_dict(parameters["config"])
    chance = random.Random(parameters["seed"])
    cocotb.start_soon(Clock(dut.clk, CLOCK_NS, unit="ns").start())
    dut.rst.value = 1
    if parameters["part"] == "corners":
        tie_off(dut)
        program = await corner_part(dut, config, chance)
        leave_report(program.scoreboard.counts() | {"compared": program.compared})
        return
    bus = Axi4(dut, chance)
    program = BurstProgram(bus, config, chance)
    streams = StreamProgram(dut, program, chance) if parameters["part"] == "streams" else None
    if streams is None:
        tie_off(dut)
    await bus.reset()
    report = await PARTS[parameters["part"]](bus, program, streams, parameters)
    compared = program.compared + (streams.compared if streams else 0)
    report |= {"packed": program.packed, "bursts": bus.bursts, "compared": compared}
    leave_report(report | program.scoreboard.counts() | {"compared": compared})
