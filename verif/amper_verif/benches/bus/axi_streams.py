"""Writes, requests and results on AXI4-Stream, in a bench."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

from amper import Parameter
from amper.operations.vocabulary import Beat, Control, Operation, Reset, Sample, Write
from amper_hw.bus.axi_stream import INVALIDATE_BIT, LANE_WIDTH, PRIORITY_BIT
from amper_verif.benches.bus.register_access import POLLS
from amper_verif.benches.bus.register_program import RegisterProgram
from amper_verif.benches.support import Gaps, Sink
from amper_verif.harness.progress import followed
from amper_verif.harness.scoreboard import Result, lane_values, splits_beats

LANE_BYTES = LANE_WIDTH // 8
_DELAYS = 24  # cycles after a request, tried one by one
_MANY = 500  # beats, more than there are cycles in some accesses of a register


class StreamProgram:
    """Sends beats; tells the golden model what was taken, edge by edge: at the same edge, writes before requests."""

    def __init__(self, dut: Any, program: RegisterProgram, chance: random.Random) -> None:
        self.dut = dut
        self.program = program
        self.config = program.config
        self.malformed = self.beats = self.compared = self.mixed = 0
        self._chance = chance
        around = (dut.clk, dut.rst)
        self.writes = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis_write"), *around)
        self.requests = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis_request"), *around, byte_lanes=1)
        self.results = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis_result"), *around)
        self.rules = Sink("sampler", chance)  # only for its check that an offered beat stays
        self._dropped = self._reported = 0  # malformed beats since reset, and how many of them had been looked at

    async def run(self, operations: Iterable[Operation], *, mishaps: bool = True) -> None:
        """A program: writes and requests by stream, parameters by register once the streams are quiet.

        With ``mishaps``, malformed beats and requests that are too large come in between, and a request may be taken
        before the writes that were sent before it. Without, the order is that of ``operations``.
        """
        self._mishaps = mishaps
        for port in (self.writes, self.requests, self.results):
            port.set_pause_generator(self._pauses())
        observer = cocotb.start_soon(self._observe())
        for operation in followed(operations):
            if isinstance(operation, Beat):
                if not mishaps:
                    await self.requests.wait()
                await self._send_beat(operation)
            elif isinstance(operation, Sample):
                if not mishaps:
                    await self.writes.wait()
                await self.requests.send(AxiStreamFrame([self._draws(operation.batch)]))
            elif isinstance(operation, Control):
                await self.quiet()
                await self.program.control(operation.parameter, operation.value)
                await self.program.registers.wait_for("QUEUE_EMPTY")
            elif isinstance(operation, Reset):
                await self._reset(operation.after)
            else:
                await self._settle()
                await self._register_writes()
            if mishaps and self._chance.random() < 0.1:
                await self.writes.send(self._malformed_beat())
        if mishaps:
            await self._corners()
        await self._settle()
        observer.cancel()

    async def _corners(self) -> None:
        """Each bit that makes a beat malformed, alone; each bit of a request that is too large; some of BATCH."""
        config = self.config
        meaning = (1 << config.row_width) - 1 | 1 << INVALIDATE_BIT | config.priority_max << PRIORITY_BIT
        reserved = [bit for bit in range(LANE_WIDTH) if not meaning >> bit & 1]
        for lane in range(config.write_ports):
            keeps = [0xFF if place == lane else 0 for place in range(config.write_ports)]
            for keep in (0xFF ^ 1 << byte for byte in range(LANE_BYTES)):
                words = [self._chance.randrange(config.rows) for _ in keeps]
                await self.writes.send(self._frame(words, [keep if whole else 0 for whole in keeps]))
            for bit in reserved:
                words = [self._chance.randrange(config.rows) | 1 << bit for _ in keeps]
                await self.writes.send(self._frame(words, keeps))
        for bit in range(32):
            await self.requests.send(AxiStreamFrame([config.batch + 1 | 1 << bit]))
        for batch in range(1, min(config.batch, 8) + 1):
            await self.quiet()
            await self.program.control(Parameter.BATCH, batch)
            await self.program.registers.wait_for("QUEUE_EMPTY")
            await self.requests.send(AxiStreamFrame([0]))
        await self.quiet()
        for port in (self.writes, self.requests, self.results):
            port.clear_pause_generator()
            port.pause = False
        await self.program.control(Parameter.CLEAR, 1)
        await self.program.registers.wait_for("QUEUE_EMPTY")
        await self._at_one_edge()
        await self._in_turn()

    async def _at_one_edge(self) -> None:
        """The only row is lost at the edge of a request, while the batch before it is under way: it finds none."""
        for delay in range(_DELAYS):
            await self._send_beat(Beat((Write(0, 1),)))
            await self.quiet()
            await self.requests.send(AxiStreamFrame([self.config.batch]))
            await self.program.bus.idle(delay)
            await self._send_beat(Beat((Write(0, 0, 1),)))
            await self.requests.send(AxiStreamFrame([1]))
        await self.quiet()

    async def _in_turn(self) -> None:
        """A stream that offers in every cycle does not keep a register's command waiting. One row can be drawn alone,
        so that the order of requests does not matter.
        """
        program, registers = self.program, self.program.registers
        await program.write(Write(0, self.config.priority_max))
        await registers.wait_for("QUEUE_EMPTY")
        searched = any(variant != "exact" for variant in self.config.variants)  # batches of many cycles
        for _ in range(_MANY // 10 if searched else _MANY):
            await self.requests.send(AxiStreamFrame([1]))
        await registers.put("REQUEST", 1)
        program.scoreboard.request(1)
        await registers.wait_for("QUEUE_EMPTY")
        assert not self.requests.idle(), "a request of a register waited for all those of the stream"
        await self.quiet()
        for _ in range(_MANY):
            await self._send_beat(Beat((Write(self.config.rows - 1, 1),)))
        await program.write(Write(0, 1))
        await registers.wait_for("QUEUE_EMPTY")
        assert not self.writes.idle(), "a write of a register waited for all those of the stream"

    def _draws(self, batch: int) -> int:
        """The request as given, or one that does not even fit into the sampler's field."""
        too_many = self._mishaps and self._chance.random() < 0.15
        return self._chance.randrange(self.config.batch + 1, 1 << 32) if too_many else batch

    def _pauses(self) -> Iterator[bool]:
        gaps = Gaps(random.Random(self._chance.random()))
        return (not gaps() for _ in itertools.count())

    async def quiet(self) -> None:
        """Everything sent was taken by the sampler, and its results have come."""
        cycles = 0
        quiet = 0
        while quiet < 20:
            await RisingEdge(self.dut.clk)
            cycles += 1
            ready = int(self.dut.s_axis_write_tready.value)
            sent = self.writes.idle() and self.requests.idle()
            due = len(self.program.scoreboard.expected)
            assert cycles < 10 * POLLS, f"never quiet: all sent: {sent}, ready: {ready}, beats due: {due}"
            quiet = quiet + 1 if ready and sent and not due else 0

    async def _settle(self) -> None:
        """All is quiet; malformed beats have been reported, and what can be read back is what the model has."""
        await self.quiet()
        errors = await self.program.registers.bus_errors()
        assert ("STREAM_MALFORMED" in errors) == (self._dropped > self._reported), errors
        assert not set(errors) - {"STREAM_MALFORMED", "PARAMETER_REFUSED", "WRITE_REFUSED"}, errors
        assert await self.program.registers.get("BUS_ERROR_COUNT") == self._dropped
        self._reported = self._dropped
        await self.program.settle()

    async def _reset(self, after: int) -> None:
        await self.program.bus.idle(after)
        for port in (self.writes, self.requests):
            port.clear()
        await self.program.bus.reset()
        await self.quiet()

    async def _register_writes(self) -> None:
        """Writes by register and by stream at the same time, to different rows: both arrive."""
        rows = list(range(self.config.rows))
        self._chance.shuffle(rows)
        for by_register, by_stream in itertools.pairwise(rows[:8]):
            if (rows.index(by_register) % 2) == 0:
                value = self._chance.randint(0, self.config.priority_max)
                await self._send_beat(Beat((Write(by_stream, value),)))
                await self.program.write(Write(by_register, value))
                self.mixed += 1
        await self.quiet()
        await self.program.registers.wait_for("QUEUE_EMPTY")

    # --- beats -------------------------------------------------------------------------------------------------------

    async def _send_beat(self, beat: Beat) -> None:
        lanes = [*beat.writes, *[None] * (self.config.write_ports - len(beat.writes))]
        if any(lane is not None for lane in lanes):  # one without any is malformed here
            words = [self._word(lane) for lane in lanes]
            await self.writes.send(self._frame(words, [0xFF if lane is not None else 0 for lane in lanes]))

    def _word(self, write: Write | None) -> int:
        if write is None:
            return self._chance.getrandbits(LANE_WIDTH)  # not looked at
        return write.row | write.invalidate << INVALIDATE_BIT | write.priority << PRIORITY_BIT

    @staticmethod
    def _frame(words: list[int], keeps: list[int]) -> AxiStreamFrame:
        data = b"".join(word.to_bytes(LANE_BYTES, "little") for word in words)
        return AxiStreamFrame(data, tkeep=[keep >> byte & 1 for keep in keeps for byte in range(LANE_BYTES)])

    def _malformed_beat(self) -> AxiStreamFrame:
        """A legal beat with one thing wrong in one lane."""
        chance, config = self._chance, self.config
        words = [chance.randrange(config.rows) for _ in range(config.write_ports)]
        keeps = [chance.choice((0, 0xFF)) for _ in words]
        lane = chance.randrange(config.write_ports)
        kinds = ["keep", "row", *(["priority"] if config.priority_width < 32 else []), "empty"]
        kind = chance.choice(kinds)
        keeps[lane] = 0xFF
        if kind == "keep":
            keeps[lane] = chance.randrange(1, 0xFF)
        elif kind == "row":
            words[lane] |= 1 << chance.randrange(config.row_width, INVALIDATE_BIT)
        elif kind == "priority":
            words[lane] |= 1 << chance.randrange(PRIORITY_BIT + config.priority_width, LANE_WIDTH)
        else:
            keeps = [0] * config.write_ports
        return self._frame(words, keeps)

    def _legal(self, word: int, keep: int) -> bool:
        """Whether a lane is not there, or whole and without a bit that has no meaning."""
        row, priority = word & (1 << INVALIDATE_BIT) - 1, word >> PRIORITY_BIT
        fits = row >> self.config.row_width == 0 and priority <= self.config.priority_max
        return keep == 0 or (keep == 0xFF and fits)

    # --- what happens at the pins ------------------------------------------------------------------------------------

    async def _observe(self) -> None:
        dut = self.dut
        while True:
            await RisingEdge(dut.clk)
            if int(dut.rst.value):
                self.program.scoreboard.reset()
                self.rules.clear()
                self._dropped = self._reported = 0
                while not self.results.empty():
                    self.results.recv_nowait()
                continue
            if int(dut.s_axis_write_tvalid.value) and int(dut.s_axis_write_tready.value):
                self._take_writes(int(dut.s_axis_write_tdata.value), int(dut.s_axis_write_tkeep.value))
            if int(dut.s_axis_request_tvalid.value) and int(dut.s_axis_request_tready.value):
                draws = int(dut.s_axis_request_tdata.value)
                self.program.scoreboard.request(draws or self.program.scoreboard.model.settings.batch)
            valid, ready = int(dut.m_axis_result_tvalid.value), int(dut.m_axis_result_tready.value)
            beat = self.rules.observe(valid, ready, self._read_result)
            if beat is not None:
                self._compare(beat)

    def _take_writes(self, data: int, keep: int) -> None:
        ports = self.config.write_ports
        words, keeps = lane_values(data, LANE_WIDTH, ports), lane_values(keep, LANE_BYTES, ports)
        self.beats += 1
        lanes = list(zip(words, keeps, strict=True))
        if not keep or not all(self._legal(*lane) for lane in lanes):
            self.malformed += 1
            self._dropped += 1
            return
        for word, kept in lanes:
            if kept:
                row, invalidate = word & (1 << INVALIDATE_BIT) - 1, word >> INVALIDATE_BIT & 1
                self.program.scoreboard.write(Write(row, word >> PRIORITY_BIT, invalidate))

    def _read_result(self) -> tuple[int, ...]:
        return tuple(
            int(getattr(self.dut, f"m_axis_result_{name}").value) for name in ("tdata", "tkeep", "tlast", "tuser")
        )

    def _compare(self, beat: tuple[int, ...]) -> None:
        data, keep, last, status = beat
        whole = (1 << LANE_BYTES) - 1
        kept = lane_values(keep, LANE_BYTES, self.config.draw_ports)
        assert all(lane in (0, whole) for lane in kept), f"TKEEP is {keep:x}"
        count = kept.count(whole)
        assert splits_beats(self.config) or keep == (1 << LANE_BYTES * count) - 1, f"TKEEP is {keep:x}"
        words = lane_values(data, LANE_WIDTH, self.config.draw_ports)
        words = tuple(word for word, lane in zip(words, kept, strict=True) if lane)
        rows = tuple(word & (1 << PRIORITY_BIT) - 1 for word in words)
        priorities = tuple(word >> PRIORITY_BIT for word in words)
        if not self.config.result_priority:
            assert not any(priorities)
            priorities = ()
        board = self.program.scoreboard
        board.result(Result(rows, priorities, last, status))
        assert board.mismatches == 0, board.first_mismatch
        self.compared += count
