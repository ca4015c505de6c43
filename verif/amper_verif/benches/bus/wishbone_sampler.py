"""Bench of the sampler behind Wishbone: classic and pipelined cycles by chance, results against the golden model."""

from __future__ import annotations

import math
import random
from collections import deque
from typing import Any, NamedTuple

import cocotb

from amper import AmperConfig, Parameter
from amper_hw.bus.registers import register_map
from amper_verif.benches.bus.command_corners import CommandCorners
from amper_verif.benches.bus.illegal_accesses import IllegalAccesses
from amper_verif.benches.bus.register_access import ALL_BYTES
from amper_verif.benches.bus.register_corners import RegisterCorners
from amper_verif.benches.bus.register_program import RegisterProgram
from amper_verif.benches.support import Device, Gaps
from amper_verif.harness.simulation import bench_parameters, leave_report


class Operation(NamedTuple):
    """An access; a read without a value."""

    address: int
    value: int | None = None
    strobe: int = ALL_BYTES


class WishboneMaster:
    """Bus cycles of any number of accesses; asserts that each is taken once, and answered in the next clock cycle.

    A cycle is classic or pipelined by chance: a classic one holds each strobe until its answer, a pipelined one until
    it is not stalled. ``styles`` counts accesses of each kind.
    """

    def __init__(self, device: Device, config: AmperConfig, chance: random.Random) -> None:
        self.registers = {register.name: register.offset for register in register_map(config)}
        self.device = device
        self.chance = chance
        self.gaps = Gaps(chance)
        self.paused = False  # gaps between strobes, idle cycles, and cycles that end early
        self.styles = {"classic": 0, "pipelined": 0, "abandoned": 0}

    async def cycle(self, operations: list[Operation]) -> list[tuple[int, bool]]:
        """All operations within one bus cycle; returns data and error of each."""
        classic = self.chance.random() < 0.5
        self.styles["classic" if classic else "pipelined"] += len(operations)
        waiting = deque(operations)
        answers: list[tuple[int, bool]] = []
        shown: Operation | None = None
        asked = False  # an access was taken a cycle ago
        while waiting or shown or asked:
            if shown is None and waiting and (not self.paused or self.gaps()):
                shown = waiting.popleft()
            self._drive(shown)
            await self.device.settle()
            answer = self._answer(asked)
            if answer is not None:
                answers.append(answer)
            taken = shown is not None and not asked
            if asked if classic else taken:
                shown = None
            asked = taken
            await self.device.tick()
        await self.idle(self.chance.randrange(3) if self.paused else 0)
        return answers

    def _answer(self, asked: bool) -> tuple[int, bool] | None:
        """The answer in this cycle, which must be there, and stall, exactly when an access was taken before."""
        ack, error = self.device.read("wb_ack"), self.device.read("wb_err")
        assert ack + error == int(asked), f"ack {ack} and err {error} a cycle after an access was taken: {asked}"
        assert self.device.read("wb_stall") == int(asked)
        return (self.device.read("wb_dat_o"), bool(error)) if asked else None

    def _drive(self, operation: Operation | None) -> None:
        rubbish = Operation(self.chance.getrandbits(12), self.chance.getrandbits(32), self.chance.getrandbits(4))
        shown = operation or rubbish
        self.device.drive(
            wb_cyc=1,
            wb_stb=int(operation is not None),
            wb_we=int(shown.value is not None),
            wb_adr=shown.address >> 2,
            wb_dat_i=shown.value or 0,
            wb_sel=shown.strobe,
        )

    async def idle(self, cycles: int) -> None:
        """No bus cycle; a strobe outside of one means nothing."""
        for _ in range(cycles):
            self.device.drive(wb_cyc=0, wb_stb=self.chance.getrandbits(1), wb_we=1)
            await self.device.settle()
            assert not self.device.read("wb_ack")
            assert not self.device.read("wb_err")
            await self.device.tick()

    async def abandon(self, operation: Operation, behind: Operation | None = None) -> None:
        """A cycle that ends before an answer: that of ``operation``, which was taken, or of the strobe ``behind`` it,
        which is stalled and so never taken.
        """
        self.styles["abandoned"] += 1
        self._drive(operation)
        await self.device.settle()
        assert self._answer(False) is None
        await self.device.tick()
        if behind is not None:
            self._drive(behind)
            await self.device.settle()
            assert self._answer(True) is not None
            await self.device.tick()
        await self.idle(1)

    async def _disturb(self) -> None:
        """Now and then a cycle that ends early, of accesses that change nothing or are not taken."""
        if self.paused and self.chance.random() < 0.05:
            read = Operation(self.registers["STATUS"])
            request = Operation(self.registers["REQUEST"], 1)
            await self.abandon(read, request if self.chance.random() < 0.5 else None)

    # --- what the shared programs use --------------------------------------------------------------------------------

    async def write(self, address: int, value: int, strobe: int = ALL_BYTES) -> bool:
        await self._disturb()
        ((data, error),) = await self.cycle([Operation(address, value, strobe)])
        assert data == 0
        return error

    async def read(self, address: int, strobe: int = ALL_BYTES) -> tuple[int, bool]:
        await self._disturb()
        (answer,) = await self.cycle([Operation(address, None, strobe)])
        return answer

    async def reset(self) -> None:
        self.device.drive(wb_cyc=self.chance.getrandbits(1), wb_stb=1)
        await self.device.reset(self.chance.randint(1, 3))
        self.device.drive(wb_cyc=0)

    def irq(self) -> int:
        return self.device.read("irq")


async def partial_reads(master: WishboneMaster, program: RegisterProgram) -> None:
    """Reads of some bytes are errors, reads of none are answered and do nothing."""
    result = program.registers.map["RESULT_ROW"].offset
    await program.sample(2)
    await program.registers.wait_for("RESULT_AVAILABLE")
    for strobe in range(1, ALL_BYTES):
        assert await master.read(result, strobe) == (0, True)
        assert await program.registers.bus_errors() == ["STROBE"]
    assert await master.read(result, 0) == (0, False)
    assert await program.registers.bus_errors() == []
    await program.take_results()


async def clearing_at_every_moment(master: WishboneMaster, program: RegisterProgram) -> None:
    """A refusal in the very cycle in which BUS_ERRORS is cleared is not lost: one of these moments is that cycle, one
    the cycle between it and the read.
    """
    errors = program.registers.map["BUS_ERRORS"]
    kept = 0
    for moment in range(20):
        await program.control(Parameter.BATCH, 0)
        await master.idle(moment)
        (_, (left, _)) = await master.cycle([Operation(errors.offset, errors.mask), Operation(errors.offset)])
        kept += left != 0
        await program.registers.wait_for("QUEUE_EMPTY")
        await program.registers.bus_errors()
    assert kept == 2


async def long_cycles(master: WishboneMaster, program: RegisterProgram, rounds: int) -> int:
    """Cycles of many reads and writes, without a pause; returns how many accesses."""
    registers = program.registers.map
    for _ in range(rounds):
        value = master.chance.randint(0, registers["WRITE_ROW"].mask)
        row = registers["WRITE_ROW"].offset
        operations = [Operation(row, value), Operation(row), Operation(registers["ID"].offset), Operation(0xFFC)]
        answers = await master.cycle(operations * 5)
        assert answers == [(0, False), (value, False), (registers["ID"].reset, False), (0, True)] * 5
        await master.abandon(Operation(row, value ^ 1))
        assert await program.registers.get("WRITE_ROW") == value ^ 1
    await program.registers.bus_errors()
    return 20 * rounds


@cocotb.test()
async def against_model(dut: Any) -> None:
    parameters = bench_parameters()
    config = AmperConfig.from_dict(parameters["config"])
    chance = random.Random(parameters["seed"])
    device = Device(dut, deadline=math.inf)  # every access and every poll has a limit of its own
    master = WishboneMaster(device, config, chance)
    program = RegisterProgram(master, config, chance)
    device.drive(wb_cyc=0, wb_stb=0, wb_we=0, wb_adr=0, wb_dat_i=0, wb_sel=0)
    await device.start()
    report: dict[str, Any] = {}
    if parameters["part"] in ("illegal", "corners"):
        await program.check_resets()
        await program.start()
        if parameters["part"] == "corners":
            await RegisterCorners(program, chance, unaligned=False).run()
            await CommandCorners(program, chance).run()
        illegal = IllegalAccesses(program, chance, unaligned=False)
        await illegal.run()
        await program.check_interrupts()
        await partial_reads(master, program)
        await clearing_at_every_moment(master, program)
        report |= {"tried": illegal.tried, "accesses": await long_cycles(master, program, 20)}
    else:
        master.paused = True
        await program.start()
        await program.run_chosen(parameters)
        report |= {"refused": program.refused}
    report |= {"styles": master.styles, "packed": program.packed}
    leave_report(report | program.scoreboard.counts() | {"compared": program.compared})
