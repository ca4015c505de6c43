"""AXI4 beat by beat: bursts of any size, kind and strobes, legal or not; models of cocotbext-axi for each channel."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import cocotb
from cocotb.triggers import with_timeout
from cocotbext.axi import AxiBurstType, AxiBus
from cocotbext.axi.axi_channels import (
    AxiARSource,
    AxiARTransaction,
    AxiAWSource,
    AxiAWTransaction,
    AxiBSink,
    AxiRSink,
    AxiWSource,
    AxiWTransaction,
)

from amper_hw.bus.axi4 import ID_WIDTH, PATIENCE
from amper_verif.benches.bus.axi_sampler import CLOCK_NS, SLVERR
from amper_verif.benches.bus.register_access import ALL_BYTES, PeerBus

ANSWER_CYCLES = 3 * PATIENCE  # a burst waits once, but pauses come on top
WORD = 2  # the size of a beat of 4 bytes


class Axi4Beats(PeerBus):
    """Registers by bursts of one beat, and any burst; checks identifiers, and that the last beat alone is marked."""

    def __init__(self, dut: Any, chance: random.Random) -> None:
        super().__init__(dut, chance)
        bus = AxiBus.from_prefix(dut, "s_axi")
        around = (dut.clk, dut.rst)
        self.aw, self.w = AxiAWSource(bus.write.aw, *around), AxiWSource(bus.write.w, *around)
        self.b = AxiBSink(bus.write.b, *around)
        self.ar, self.r = AxiARSource(bus.read.ar, *around), AxiRSink(bus.read.r, *around)

    async def write(self, address: int, value: int, strobe: int = ALL_BYTES) -> bool:
        return await self.write_beats(address, [(value, strobe)])

    async def read(self, address: int, strobe: int = ALL_BYTES) -> tuple[int, bool]:
        (answer,) = await self.read_beats(address, 1)
        return answer

    async def write_beats(
        self,
        address: int,
        beats: Sequence[tuple[int, int]],
        kind: AxiBurstType = AxiBurstType.INCR,
        size: int = WORD,
    ) -> bool:
        """Beats of data and strobe; returns whether the burst was answered with an error."""
        ident = self.chance.randrange(1 << ID_WIDTH)
        length = len(beats) - 1
        await self.aw.send(AxiAWTransaction(awid=ident, awaddr=address, awlen=length, awsize=size, awburst=int(kind)))
        for place, (value, strobe) in enumerate(beats):
            await self.w.send(AxiWTransaction(wdata=value, wstrb=strobe, wlast=int(place == length)))
        answer = await self._in_time(self.b.recv())
        assert int(answer.bid) == ident, f"the answer to {ident} has identifier {int(answer.bid)}"
        assert int(answer.bresp) in (0, SLVERR)
        return int(answer.bresp) == SLVERR

    async def read_beats(
        self, address: int, count: int, kind: AxiBurstType = AxiBurstType.INCR, size: int = WORD
    ) -> list[tuple[int, bool]]:
        """Data of each beat, and whether it was answered with an error."""
        ident = self.chance.randrange(1 << ID_WIDTH)
        await self.ar.send(
            AxiARTransaction(arid=ident, araddr=address, arlen=count - 1, arsize=size, arburst=int(kind))
        )
        answers = []
        for place in range(count):
            beat = await self._in_time(self.r.recv())
            said = (int(beat.rid), int(beat.rlast))
            assert said == (ident, int(place == count - 1)), f"beat {place} of {count} of {ident} says {said}"
            assert int(beat.rresp) in (0, SLVERR)
            answers.append((int(beat.rdata), int(beat.rresp) == SLVERR))
        return answers

    @staticmethod
    async def _in_time(answer: Any) -> Any:
        return await with_timeout(cocotb.start_soon(answer), ANSWER_CYCLES * CLOCK_NS, "ns")
