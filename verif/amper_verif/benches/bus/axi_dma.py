"""AXI DMA (Xilinx PG021) as far as examples/dma uses it: both channels, scatter/gather, one descriptor a packet."""

from __future__ import annotations

import struct
from collections.abc import Awaitable, Callable
from typing import Any

import cocotb
from cocotb.triggers import Event
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource
from cocotbext.axi.address_space import AddressSpace, Region

CONTROL, CURRENT, TAIL = 0x00, 0x08, 0x10
CHANNEL_BYTES = 0x30
DESCRIPTOR = struct.Struct("<16I")
STATUS_OFFSET, BYTES, COMPLETE, ERROR = 0x1C, (1 << 26) - 1, 1 << 31, 1 << 28

Move = Callable[[int, int], Awaitable[int | None]]  # address and bytes of a buffer -> bytes moved, None for an error


class Channel:
    """Goes from descriptor to descriptor until it has done the one that TAIL names."""

    def __init__(self, space: AddressSpace, move: Move) -> None:
        self.registers = dict.fromkeys((CONTROL, CURRENT, TAIL), 0)
        self.done = 0  # descriptors
        self._space, self._move = space, move
        self._last: int | None = None  # the descriptor that was done last
        self._told = Event()
        cocotb.start_soon(self._run())

    def write(self, offset: int, value: int) -> None:
        self.registers[offset] = value
        if offset == TAIL:
            assert self.registers[CONTROL] & 1, "TAIL before RUN"
            self._told.set()

    async def _run(self) -> None:
        while True:
            await self._told.wait()
            self._told.clear()
            while self._last != self.registers[TAIL]:
                here = self.registers[CURRENT]
                following, _, buffer, _, _, _, control, status, *_ = DESCRIPTOR.unpack(
                    bytes(await self._space.read(here, DESCRIPTOR.size))
                )
                assert not status & COMPLETE, f"the descriptor at {here:#x} was done before"
                moved = await self._move(buffer, control & BYTES)
                status = ERROR if moved is None else COMPLETE | moved
                await self._space.write_dword(here + STATUS_OFFSET, status)
                self._last, self.registers[CURRENT] = here, following
                self.done += 1


class AxiDma(Region):
    """Registers, and behind them the streams of a sampler: memory to writes, results to memory."""

    def __init__(self, dut: Any, space: AddressSpace) -> None:
        super().__init__(2 * CHANNEL_BYTES)
        around = (dut.clk, dut.rst)
        self._space = space
        self._writes = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis_write"), *around)
        self._results = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis_result"), *around)
        self.channels = [Channel(space, self._send), Channel(space, self._receive)]

    async def _send(self, buffer: int, count: int) -> int:
        await self._writes.send(AxiStreamFrame(bytes(await self._space.read(buffer, count))))
        await self._writes.wait()
        return count

    async def _receive(self, buffer: int, count: int) -> int | None:
        data = bytes((await self._results.recv()).tdata)
        if len(data) > count:
            return None
        await self._space.write(buffer, data)
        return len(data)

    async def _read(self, address: int, length: int, **_: Any) -> bytes:
        channel, offset = divmod(address, CHANNEL_BYTES)
        return self.channels[channel].registers[offset].to_bytes(length, "little")

    async def _write(self, address: int, data: bytes, **_: Any) -> None:
        channel, offset = divmod(address, CHANNEL_BYTES)
        self.channels[channel].write(offset, int.from_bytes(data, "little"))
