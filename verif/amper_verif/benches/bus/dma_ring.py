"""Bench of examples/dma: its C code moves batches and updates of the sampler by rings of descriptors."""

from __future__ import annotations

import ctypes
import random
import struct
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.task import bridge, resume
from cocotbext.axi.address_space import AddressSpace, MemoryRegion, Region

from amper import AmperConfig, GoldenModel
from amper_verif.benches.bus.axi_dma import AxiDma
from amper_verif.benches.bus.axi_sampler import CLOCK_NS, AxiLite
from amper_verif.harness.simulation import bench_parameters, leave_report

MEMORY, SAMPLER, DMA = 0x0, 0x4000_0000, 0x4100_0000
DESCRIPTORS, COUNT, UPDATES, BATCHES = 0x0, 4, 0x1000, 0x2000  # COUNT a ring; buffers of BUFFER bytes
BUFFER = 0x200
WAIT_CYCLES = 7
LANE = struct.Struct("<II")


class Registers(Region):
    """The sampler's, for the CPU that runs the C code."""

    def __init__(self, lite: AxiLite) -> None:
        super().__init__(0x1000)
        self._lite = lite
        self.errors = 0

    async def _read(self, address: int, length: int, **_: Any) -> bytes:
        value, error = await self._lite.read(address)
        self.errors += error
        return value.to_bytes(4, "little")

    async def _write(self, address: int, data: bytes, **_: Any) -> None:
        self.errors += await self._lite.write(address, int.from_bytes(data, "little"))


class Program:
    """The functions of examples/dma/replay.h as coroutines; time passes in their accesses and waits."""

    def __init__(self, path: str, space: AddressSpace, memory: MemoryRegion, lite: AxiLite) -> None:
        self._library = ctypes.CDLL(path)
        self._replay = ctypes.create_string_buffer(4096)
        self._memory = (ctypes.c_char * memory.size).from_buffer(memory.mem)
        word = ctypes.c_uint32

        async def wait() -> None:
            await lite.idle(WAIT_CYCLES)

        self._bus = (
            ctypes.CFUNCTYPE(word, word)(resume(space.read_dword)),
            ctypes.CFUNCTYPE(None, word, word)(resume(space.write_dword)),
            ctypes.CFUNCTYPE(None)(resume(wait)),
        )
        self._library.set_bus(*self._bus)

    async def call(self, name: str, *arguments: Any) -> int:
        def run() -> int:
            return int(getattr(self._library, f"replay_{name}")(ctypes.byref(self._replay), *arguments))

        return await bridge(run)()

    async def open(self) -> int:
        pointers = (SAMPLER, DMA, ctypes.addressof(self._memory) + DESCRIPTORS)
        return await self.call("open", *map(ctypes.c_void_p, pointers), DESCRIPTORS, COUNT)


async def update(program: Program, memory: MemoryRegion, model: GoldenModel, lanes: list[tuple[int, int]]) -> None:
    memory[UPDATES : UPDATES + 8 * len(lanes)] = b"".join(LANE.pack(*lane) for lane in lanes)
    assert await program.call("update", len(lanes), UPDATES) == 0
    for row, priority in lanes:
        model.write(row, priority)


@cocotb.test()
async def against_model(dut: Any) -> None:
    parameters = bench_parameters()
    config = AmperConfig.from_dict(parameters["config"])
    chance = random.Random(parameters["seed"])
    cocotb.start_soon(Clock(dut.clk, CLOCK_NS, unit="ns").start())
    dut.rst.value = 1
    dut.s_axis_request_tvalid.value = dut.s_axis_request_tdata.value = 0
    lite = AxiLite(dut, chance)
    space, memory, registers = AddressSpace(1 << 32), MemoryRegion(0x4000), Registers(lite)
    dma = AxiDma(dut, space)
    for region, base in ((memory, MEMORY), (registers, SAMPLER), (dma, DMA)):
        space.register_region(region, base)
    await lite.reset()
    model, program = GoldenModel(config), Program(parameters["library"], space, memory, lite)
    assert await program.open() == 0
    assert await program.call("batch") == -1, "a batch that nobody asked for"
    most, compared = config.priority_max, 0
    await update(program, memory, model, [(row, chance.randint(1, most)) for row in range(config.rows)])
    for _ in range(parameters["rounds"]):
        sizes = [chance.randint(1, config.batch) for _ in range(chance.randint(1, COUNT - 1))]
        for place, size in enumerate(sizes):
            assert await program.call("request", size, BATCHES + place * BUFFER) == 0
        if len(sizes) == COUNT - 1:
            assert await program.call("request", 1, BATCHES) == -1, "the ring has no descriptor left"
        for place, size in enumerate(sizes):
            rows = [int(row) for row in model.sample(size)]
            wanted = b"".join(map(LANE.pack, rows, map(int, model.last_batch.priorities)))
            assert await program.call("batch") == size
            assert bytes(memory[BATCHES + place * BUFFER :][: 8 * size]) == wanted
            compared += size
        await update(program, memory, model, [(row, chance.randint(1, most)) for row in rows])
    assert registers.errors == 0
    leave_report({"compared": compared, "descriptors": [channel.done for channel in dma.channels]})
