"""What the benches of components share: clock phases, answers with a due cycle, streams with back-pressure."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge

from amper_spec.urng import Xoroshiro128PlusPlus
from amper_verif.harness.coverage import cover

LONG_STALL = 8  # cycles from which a stall counts as long in the coverage


class Device:
    """A clocked device. In every cycle: ``drive`` the inputs, ``settle``, read the outputs, ``tick``.

    Inputs change after the rising edge, outputs are read at the falling edge, when everything has settled: so no
    bench depends on the order in which a simulator runs what happens at the same edge.
    """

    def __init__(self, dut: Any, *, deadline: float) -> None:
        self.dut = dut
        self.cycle = 0
        self._deadline = deadline  # cycles after which the bench fails: something never came

    async def start(self) -> None:
        """Clock and first reset; the registers have no value before it."""
        cocotb.start_soon(Clock(self.dut.clk, 10, unit="ns").start())
        await self.reset(2)  # the first edge comes with rst itself, too early for what gates make of it

    async def reset(self, cycles: int = 1) -> None:
        """Reset, while the inputs stay as they are: they must not matter."""
        self.dut.rst.value = 1
        for _ in range(cycles):
            await RisingEdge(self.dut.clk)
        self.dut.rst.value = 0

    def drive(self, **inputs: int) -> None:
        """Set input ports by name."""
        for name, value in inputs.items():
            getattr(self.dut, name).value = value

    def read(self, name: str) -> int:
        """An output port; an unknown bit is a ValueError."""
        return int(getattr(self.dut, name).value)

    async def settle(self) -> None:
        await FallingEdge(self.dut.clk)

    async def tick(self) -> None:
        await RisingEdge(self.dut.clk)
        self.cycle += 1
        assert self.cycle < self._deadline, f"not finished after {self._deadline} cycles: something never came"


async def load_stream(device: Device, stream: Xoroshiro128PlusPlus, words: list[int]) -> Xoroshiro128PlusPlus:
    """Sets words 0 on of a stream's state by ``load``; one that would make all of it 0 is ignored, and said to be."""
    await device.tick()
    s0, s1 = stream.state
    state = [s0 & 0xFFFFFFFF, s0 >> 32, s1 & 0xFFFFFFFF, s1 >> 32]
    for index, value in enumerate(words):
        state_then = [*state[:index], value, *state[index + 1 :]]
        state = state_then if any(state_then) else state
        device.drive(load_valid=1, load_word=index, load_value=value)
        await device.tick()
        device.drive(load_valid=0)
        await device.settle()
        zero = int(not any(state_then))
        assert device.read("load_zero") == zero, f"load_zero with {value:#x} in word {index}: expected {zero}"
        for _ in range(2):
            await device.tick()
    return Xoroshiro128PlusPlus(state[0] | state[1] << 32, state[2] | state[3] << 32)


class Answers:
    """Answers in order, each due in one exact cycle; in any other cycle there must be none."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.compared = 0
        self._due: deque[tuple[int, Any]] = deque()

    def expect(self, cycle: int, value: Any) -> None:
        """``value`` is due in ``cycle``; calls come in the order of their cycles."""
        self._due.append((cycle, value))

    def observe(self, cycle: int, valid: int, read: Callable[[], Any]) -> None:
        """Check a cycle: its ``valid`` strobe, and with it what ``read`` returns."""
        due = bool(self._due) and self._due[0][0] == cycle
        assert bool(valid) == due, f"{self.name} in cycle {cycle}: valid is {valid}, expected {int(due)}"
        if due:
            _, wanted = self._due.popleft()
            got = read()
            assert got == wanted, f"{self.name} in cycle {cycle}: expected {wanted}, got {got}"
            self.compared += 1

    def clear(self) -> None:
        """A reset: nothing is due any more."""
        self._due.clear()

    @property
    def outstanding(self) -> int:
        """Answers still due."""
        return len(self._due)

    def check_finished(self) -> None:
        assert not self._due, f"{self.name}: {len(self._due)} answers never came, the first was due at {self._due[0]}"
        assert self.compared > 0, f"{self.name}: nothing was compared"


class Gaps:
    """Random yes or no in every cycle, in stretches of different habits: always, mostly, rarely, in bursts."""

    CHANCES = (1.0, 1.0, 0.8, 0.4, 0.05)

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._left = 0
        self._now = 1.0

    def __call__(self) -> bool:
        if self._left == 0:
            self._left = self._chance.randrange(1, 60)
            self._now = self._chance.choice(self.CHANCES)
        self._left -= 1
        return self._chance.random() < self._now


class Sink:
    """The receiving side of a stream: random back-pressure, and the rules that a sender must keep.

    Once ``valid``, a beat stays, unchanged, until it is taken.
    """

    def __init__(self, name: str, chance: random.Random) -> None:
        self._name = name
        self._gaps = Gaps(chance)
        self._held: Any = None
        self._stalled = 0

    def ready(self) -> bool:
        """Whether to be ready in this cycle; must be asked once a cycle."""
        return self._gaps()

    def observe(self, valid: int, ready: int, read: Callable[[], Any]) -> Any:
        """Check a cycle; returns the beat that was taken in it, or None."""
        if not valid:
            assert self._held is None, f"{self._name}: valid fell before {self._held} was taken"
            return None
        beat = read()
        assert self._held is None or beat == self._held, f"{self._name}: {self._held} became {beat} before it was taken"
        if not ready:
            self._held = beat
            self._stalled += 1
            return None
        kind = "none" if self._stalled == 0 else "short" if self._stalled < LONG_STALL else "long"
        cover(f"stall.{self._name}", kind)
        self.clear()
        return beat

    def clear(self) -> None:
        """A reset, or the beat was taken."""
        self._held = None
        self._stalled = 0
