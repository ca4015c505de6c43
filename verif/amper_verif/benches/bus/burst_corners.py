"""Bursts of AXI4 that chance seldom brings: every kind, length and place of the map, errors in every beat, the waits of
the window.
"""

from __future__ import annotations

import random

import cocotb
from cocotb.utils import get_sim_time
from cocotbext.axi import AxiBurstType

from amper.operations.vocabulary import Write
from amper_hw.bus.axi4 import PATIENCE
from amper_hw.bus.registers import WINDOW, WINDOW_BYTES
from amper_verif.benches.bus.axi_beats import Axi4Beats
from amper_verif.benches.bus.axi_sampler import CLOCK_NS, pauses
from amper_verif.benches.bus.command_corners import CommandCorners
from amper_verif.benches.bus.register_access import ALL_BYTES
from amper_verif.benches.bus.register_program import RegisterProgram, unpacked

FIXED, INCR, WRAP = AxiBurstType.FIXED, AxiBurstType.INCR, AxiBurstType.WRAP
_WRAPPING = (2, 4, 8, 16)  # what WRAP can have
_MAPPED = 0x100  # bytes that are looked at beat by beat
_SOON = 12  # cycles within which a beat that need not wait is answered


def addresses(start: int, count: int, kind: AxiBurstType) -> list[int]:
    """Of each beat of 4 bytes, as the specification has them."""
    if kind == FIXED:
        return [start] * count
    if kind == WRAP:
        size = 4 * count
        return [start // size * size + (start + 4 * beat) % size for beat in range(count)]
    return [start, *(start // 4 * 4 + 4 * beat for beat in range(1, count))]


class BurstCorners:
    """Runs them all; nothing is under way before, nor behind."""

    def __init__(self, bus: Axi4Beats, program: RegisterProgram) -> None:
        self._bus = bus
        self._program = program
        self._registers = program.registers
        self._chance = bus.chance

    async def run(self) -> None:
        """All of them."""
        await self._reads()
        await self._writes()
        if self._program.config.packed_registers:
            await self._program.write(Write(0, 1))  # there is something to draw
            await self._window_of_results()
            await self._window_of_updates()
        await self._program.settle()

    async def _reads(self) -> None:
        """Each beat of a burst is answered as the same word is alone."""
        chance = self._chance
        moving = {self._registers.map[name].offset for name in ("BUS_ERRORS", "BUS_ERROR_COUNT", "IRQ_STATUS")}
        alone = {address: await self._bus.read(address) for address in range(0, _MAPPED, 4)}
        alone |= {address + low: (0, True) for address in alone for low in (1, 2, 3)}
        bursts = [(4 * place, count, WRAP) for count in _WRAPPING for place in range(0, 48, 3 if count < 8 else 5)]
        bursts += [(chance.randrange(0, _MAPPED, 4), chance.randint(1, 16), FIXED) for _ in range(8)]
        bursts += [(chance.randrange(16), 60, INCR), (1, 3, FIXED)]
        bursts += [(start := chance.randrange(_MAPPED), chance.randint(1, 64 - start // 4), INCR) for _ in range(16)]
        self._bus.r.set_pause_generator(pauses(random.Random(chance.random())))  # what waits is held as it is
        for start, count, kind in bursts:
            got = await self._bus.read_beats(start, count, kind)
            for address, answer in zip(addresses(start, count, kind), got, strict=True):
                assert address in moving or answer == alone[address], (
                    f"{kind.name} of {count} at {start:#x}: {address:#x}"
                )
        self._bus.r.clear_pause_generator()
        self._bus.r.pause = False
        for size in (0, 1):
            assert await self._bus.read_beats(0, 3, INCR, size) == [(0, True)] * 3, f"beats of {1 << size} bytes"
        assert await self._bus.read_beats(_MAPPED, 192, INCR) == [(0, True)] * 192
        await self._registers.bus_errors()

    async def _writes(self) -> None:
        """The beat that falls on WRITE_ROW, and it alone, is written; an error anywhere is that of its burst alone."""
        registers, chance = self._registers, self._chance
        target, mask = registers.map["WRITE_ROW"].offset, registers.map["WRITE_ROW"].mask
        mapped = {register.offset for register in registers.map.values()}
        for kind, counts in ((WRAP, _WRAPPING), (INCR, (1, 2, 5, 16, 40)), (FIXED, (1, 2, 7, 16))):
            for count in counts:
                back = 0 if kind == FIXED else chance.randrange(min(count, 16))
                start = addresses(target, count, WRAP)[-back] if kind == WRAP else target - 4 * back
                value, wrong = chance.randint(0, mask), chance.randrange(count)
                places = addresses(start, count, kind)
                hit, free = [place == target for place in places], not mapped.issuperset(places)
                beats = [(value if there else chance.getrandbits(32), ALL_BYTES * there) for there in hit]
                assert await self._bus.write_beats(start, beats, kind) == free, f"{kind.name} of {count} at {start:#x}"
                assert await registers.get("WRITE_ROW") == value, f"{kind.name} of {count} at {start:#x}"
                beats[wrong] = (beats[wrong][0], 0b0110)
                assert await self._bus.write_beats(start, beats, kind), f"an error in beat {wrong} of {count}"
                assert set(await registers.bus_errors()) - {"UNMAPPED"} <= {"STROBE"}

    async def _window_of_results(self) -> None:
        """A beat waits for its draw; behind the last one of a batch none does, and without any each does once."""
        program, chance = self._program, self._chance
        draws = min(2, program.config.batch)
        reading = cocotb.start_soon(self._bus.read_beats(WINDOW + 4 * chance.randrange(128), 8))
        await self._bus.idle(300)
        assert not reading.done(), "a beat in the window did not wait for a draw"
        begin = get_sim_time("ns")
        assert not await self._bus.write(self._registers.map["REQUEST"].offset, draws)
        program.request(draws)
        words = [word for word, error in await reading if not error]
        assert (get_sim_time("ns") - begin) / CLOCK_NS < PATIENCE // 2, "beats behind the last draw of a batch waited"
        self._check(words, draws)
        begin = get_sim_time("ns")
        assert await self._bus.read_beats(WINDOW + WINDOW_BYTES - 8, 4, WRAP) == [(0, False)] * 4
        waited = (get_sim_time("ns") - begin) / CLOCK_NS
        assert PATIENCE <= waited <= PATIENCE + _SOON, f"a beat that found no draw waited {waited} cycles"

    def _check(self, words: list[int], draws: int) -> None:
        """The first ``draws`` are those that are expected, the others nothing."""
        assert not any(words[draws:]), f"more than {draws} draws: {words}"
        for word in words[:draws]:
            wanted = self._program.expected.popleft()
            assert unpacked(word) == wanted[:3], f"expected {wanted}, got {word:#x}"

    async def _window_of_updates(self) -> None:
        """Updates that find the queue full wait for room, but not for ever, nor each of them; to the window's end."""
        program = self._program
        await program.check_batch()
        commands = CommandCorners(program, self._chance)
        await commands.stick()
        while await self._registers.get("LEVEL"):
            await program.sample(1)
        begin = get_sim_time("ns")
        assert await self._bus.write_beats(WINDOW + WINDOW_BYTES - 8, [(1, ALL_BYTES)] * 4, WRAP)
        waited = (get_sim_time("ns") - begin) / CLOCK_NS
        assert PATIENCE <= waited <= PATIENCE + _SOON, f"a beat that found no room waited {waited} cycles"
        assert await self._registers.bus_errors() == ["QUEUE_FULL"]
        code = self._chance.randint(1, program.config.priority_max)
        writing = cocotb.start_soon(self._bus.write_beats(WINDOW, [(code, ALL_BYTES)]))
        await self._bus.idle(50)
        assert not writing.done(), "a beat in the window did not wait for room"
        (word,) = [word for word, _ in await self._bus.read_beats(WINDOW, 1)]
        self._check([word], 1)
        assert not await writing, "an update for which room came was refused"
        program.scoreboard.write(Write(unpacked(word)[0], code))  # of a batch of one, which it took
        program.drawn, program.drawn_more, program.pairs = [], False, 0
        await program.settle()
        await program.check_batch()
