"""Bench of the random number generator: its words against the golden stream, with pauses, loads and resets."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import cocotb

from amper import Xoroshiro128PlusPlus
from amper_spec.config import RANDOM_WIDTH
from amper_spec.parameters import VALUE_WIDTH
from amper_verif.benches.support import LONG_STALL, Device, Gaps
from amper_verif.harness.coverage import cover
from amper_verif.harness.simulation import bench_parameters, leave_report

PARTS = 4  # loadable parts of the state


class State:
    """The golden state and what a load makes of it."""

    def __init__(self, s0: int, s1: int) -> None:
        self.stream = Xoroshiro128PlusPlus(s0, s1)

    def load(self, part: int, value: int) -> bool:
        """Set 32 bits; returns False, and changes nothing, if the state would be 0."""
        whole = self.stream.s0 | self.stream.s1 << RANDOM_WIDTH
        place = part * VALUE_WIDTH
        whole ^= (whole >> place ^ value) % (1 << VALUE_WIDTH) << place
        if whole == 0:
            return False
        self.stream = Xoroshiro128PlusPlus(whole % (1 << RANDOM_WIDTH), whole >> RANDOM_WIDTH)
        return True


class UrngBench:
    def __init__(self, dut: Any, parameters: dict[str, Any]) -> None:
        self.dut = dut
        self.parameters = parameters
        self.words = parameters["words"]
        self.device = Device(dut, deadline=2 * parameters["cycles"] + 500)
        self.chance = random.Random(parameters["seed"])
        self.enabled = Gaps(self.chance)
        self.compared = self.refused = 0
        self._restart()

    def _restart(self) -> None:
        self.state = State(self.parameters["s0"], self.parameters["s1"])
        # What was taken in the latest enabled cycles; the oldest is what the output shows.
        self.pipeline: deque[list[int]] = deque([[]] * self.parameters["stages"], maxlen=self.parameters["stages"])
        self.stalled = 0
        self.ignored = False  # a load of the cycle before

    # --- one cycle -----------------------------------------------------------------------------------------------

    async def cycle(self, *, enable: int, take: int, load: tuple[int, int] | None = None) -> None:
        part, value = load or (self.chance.randrange(PARTS), self.chance.choice((0, 1)))
        self.device.drive(enable=enable, take=int(take > 0), load_valid=int(load is not None))
        self.device.drive(load_word=part, load_value=value)
        if self.words > 1:  # without a take, the count is anything
            self.device.drive(count=take or self.chance.randint(0, self.words))
        await self.device.settle()
        self._compare()
        got = self.device.read("load_zero")
        assert got == self.ignored, f"load_zero is {got}, expected {int(self.ignored)}"
        await self.device.tick()
        self.ignored = load is not None and not self.state.load(part, value)
        self.refused += self.ignored
        if enable:
            self._cover_stall()
            self.pipeline.append([self.state.stream.next() for _ in range(take)])
        else:
            self.stalled += 1

    def _cover_stall(self) -> None:
        cover("stall.urng", "none" if self.stalled == 0 else "short" if self.stalled < LONG_STALL else "long")
        self.stalled = 0

    def _compare(self) -> None:
        """The words shown; not enabled, they stand still."""
        for name, part in (("high", self._high), ("low", self._low)):
            width = self.parameters[f"{name}_width"]
            for lane, word in enumerate(self.pipeline[0]) if width else ():
                # The other lanes may be unknown: the state before the first reset went through them.
                bits = str(getattr(self.dut, f"word_{name}").value)[::-1][lane * width : (lane + 1) * width]
                got, wanted = int(bits[::-1], 2), part(word)
                assert got == wanted, f"{name} bits of lane {lane}: expected {wanted:#x}, got {got:#x}"
                self.compared += 1

    def _high(self, word: int) -> int:
        return word >> (RANDOM_WIDTH - self.parameters["high_width"])

    def _low(self, word: int) -> int:
        return word % (1 << self.parameters["low_width"])

    # --- stimulus ------------------------------------------------------------------------------------------------

    async def run(self, cycles: int) -> None:
        """Random takes, with a load now and then; most cycles take all words."""
        for _ in range(cycles):
            take = self.words if self.chance.random() < 0.6 else self.chance.randint(0, self.words)
            if self.chance.random() < 0.03:
                await self.load(self.chance.randrange(PARTS), self.chance.choice((0, 1, self.chance.getrandbits(32))))
            await self.cycle(enable=int(self.enabled()), take=take)

    async def load(self, part: int, value: int) -> None:
        """A load, and the cycles that it asks for around it."""
        await self.cycle(enable=int(self.enabled()), take=0)
        await self.cycle(enable=int(self.enabled()), take=0, load=(part, value))
        await self.cycle(enable=int(self.enabled()), take=0)

    async def zero(self) -> None:
        """All four parts become 0, but for the last one: it is refused, and the stream goes on from what is left."""
        for part in self.chance.sample(range(PARTS), PARTS):
            await self.load(part, 0)
        await self.run(20)

    async def reset(self) -> None:
        cover("reset.in_flight", "urng")
        await self.device.reset(self.chance.randint(1, 3))
        self._restart()
        await self.cycle(enable=int(self.enabled()), take=0)


@cocotb.test()
async def against_golden_stream(dut: Any) -> None:
    parameters = bench_parameters()
    bench = UrngBench(dut, parameters)
    bench.device.drive(enable=1, take=0, load_valid=0, load_word=0, load_value=0)
    bench.device.drive(**({"count": 0} if bench.words > 1 else {}))
    await bench.device.start()
    await bench.cycle(enable=1, take=0)
    # Short lives first: a reset before, at and after the first word.
    for cycles in (*range(1, 8), *(bench.chance.randint(10, 60) for _ in range(5)), parameters["cycles"]):
        await bench.run(cycles)
        await bench.reset()
    for _ in range(5):
        await bench.zero()
    assert bench.compared > parameters["cycles"] // 10, f"only {bench.compared} words came"
    assert bench.refused > 0, "no load of zeros was refused"
    leave_report({"compared": bench.compared, "refused": bench.refused})
