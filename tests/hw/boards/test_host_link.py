"""The serial port of a board and its bridge to the registers, in Amaranth's simulator."""

import gc

import pytest
from amaranth.sim import Simulator

from amper_hw.boards.host_link import HostLink
from amper_hw.boards.uart import UartReceiver, UartTransmitter

CLOCKS_PER_BIT = 5


def request(operation, address, data=0):
    """The 7 bytes of a request."""
    return operation.encode() + address.to_bytes(2, "little") + data.to_bytes(4, "little")


def answer(status, data=0):
    """The 5 bytes of an answer."""
    return bytes([status]) + data.to_bytes(4, "little")


def levels(byte, *, stop=1):
    return [0, *((byte >> bit) & 1 for bit in range(8)), stop]


def simulate(component, *processes):
    simulator = Simulator(component)
    simulator.add_clock(1e-6)
    for process in processes:
        simulator.add_testbench(process)
    simulator.run()


async def put(ctx, line, byte, *, stop=1, clocks=CLOCKS_PER_BIT):
    for level in levels(byte, stop=stop):
        ctx.set(line, level)
        await ctx.tick().repeat(clocks)
    ctx.set(line, 1)


async def take(ctx, line, count, *, cycles):
    """Up to ``count`` bytes of a line within ``cycles``; checks every stop bit."""
    received = bytearray()
    while len(received) < count and cycles > 0:
        await ctx.tick()
        cycles -= 1
        if ctx.get(line):
            continue
        await ctx.tick().repeat(CLOCKS_PER_BIT // 2)
        byte = 0
        for bit in range(8):
            await ctx.tick().repeat(CLOCKS_PER_BIT)
            byte |= ctx.get(line) << bit
        await ctx.tick().repeat(CLOCKS_PER_BIT)
        assert ctx.get(line) == 1, "a stop bit is 0"
        cycles -= 10 * CLOCKS_PER_BIT
        received.append(byte)
    return bytes(received)


def receive(receiver, sender):
    """The bytes that a receiver tells of while ``sender`` runs."""
    received = []

    async def watcher(ctx):
        for _ in range(300):
            await ctx.tick()
            if ctx.get(receiver.byte.valid):
                received.append(ctx.get(receiver.byte.payload))

    simulate(receiver, sender, watcher)
    return bytes(received)


def exchange(sent, *, registers, expected, gap=0):
    """Send bytes to a link whose bus has ``registers`` by word address; checks the answers, returns the accesses."""
    link = HostLink(clocks_per_bit=CLOCKS_PER_BIT)
    accesses, received = [], []

    async def host(ctx):
        ctx.set(link.rx, 1)
        await ctx.tick().repeat(20)
        for byte in sent:
            await put(ctx, link.rx, byte)
            await ctx.tick().repeat(gap + 1)

    async def listener(ctx):
        cycles = (len(sent) * (10 + gap) + 200) * CLOCKS_PER_BIT
        received.append(await take(ctx, link.tx, len(expected) + 1, cycles=cycles))

    async def slave(ctx):
        while not received:
            await ctx.tick()
            asked = ctx.get(link.wb.cyc) and ctx.get(link.wb.stb)
            address, write, data = ctx.get(link.wb.adr), ctx.get(link.wb.we), ctx.get(link.wb.dat_i)
            if asked:
                assert ctx.get(link.wb.sel) == 15
                accesses.append((address, data if write else None))
                known = address in registers
                if known and write:
                    registers[address] = data
                data = registers.get(address, 0) if known and not write else 0xDEAD
                await ctx.tick()
                assert (ctx.get(link.wb.stb), ctx.get(link.wb.cyc)) == (0, 1)
                ctx.set(link.wb.dat_o, data)
                ctx.set(link.wb.ack, known)
                ctx.set(link.wb.err, not known)
                await ctx.tick()
                assert ctx.get(link.wb.cyc) == 0
                ctx.set(link.wb.ack, 0)
                ctx.set(link.wb.err, 0)

    simulate(link, host, listener, slave)
    assert received[0].hex() == expected.hex()
    return accesses


@pytest.mark.parametrize("gap", [0, 37])
def test_requests_one_after_the_other(gap):
    """Reads, writes and errors without waiting for answers; every byte of address and data has its place."""
    sent = [
        request("W", 0x104, 0x12345678),
        request("R", 0x104),
        request("R", 0xFFC, 0xFFFFFFFF),
        request("W", 0x008, 1),
        request("R", 0x000),
    ]
    expected = [answer(0), answer(0, 0x12345678), answer(0, 7), answer(1), answer(0, 0x414D5052)]
    registers = {0: 0x414D5052, 0x41: 0, 0x3FF: 7}
    accesses = exchange(b"".join(sent), registers=registers, expected=b"".join(expected), gap=gap)
    assert accesses == [(0x41, 0x12345678), (0x41, None), (0x3FF, None), (2, 1), (0, None)]


def test_an_address_that_the_bus_cannot_say_is_refused():
    """No multiple of 4, or beyond the registers: status 1 and no access."""
    sent = request("R", 0x001) + request("W", 0x1000, 5) + request("R", 0x8000) + request("R", 0x004)
    expected = answer(1) + answer(1) + answer(1) + answer(0, 9)
    assert exchange(sent, registers={0: 3, 1: 9}, expected=expected) == [(1, None)]


def test_seven_zeros_bring_host_and_link_into_step():
    """Whatever part of a request came before: at most one answer more, then the next request is understood."""
    for lost in range(1, 8):
        sent = request("R", 0x000)[:lost] + bytes(7) + request("R", 0x004)
        exchange(sent, registers={0: 3, 1: 9}, expected=answer(0, 3) + answer(0, 9))


def test_bytes_that_are_no_operation_are_ignored():
    exchange(b"\x00r\xff" + request("R", 0x004), registers={1: 9}, expected=answer(0, 9))


@pytest.mark.parametrize("clocks", [4.85, 5.15])
def test_receiver_follows_a_sender_that_is_too_slow_or_too_fast(clocks):
    """3 percent off, by bits of 4 to 6 clock cycles."""
    receiver = UartReceiver(clocks_per_bit=CLOCKS_PER_BIT)
    text = bytes([0x55, 0x00, 0xFF, 0xA3])

    async def sender(ctx):
        ctx.set(receiver.rx, 1)
        await ctx.tick().repeat(20)
        edge = 0.0
        for byte in text:
            for level in levels(byte):
                ctx.set(receiver.rx, level)
                cycles = int(edge + clocks) - int(edge)
                edge += clocks
                await ctx.tick().repeat(cycles)
        await ctx.tick().repeat(20)

    assert receive(receiver, sender) == text


def test_receiver_drops_glitches_and_bytes_without_a_stop_bit():
    receiver = UartReceiver(clocks_per_bit=CLOCKS_PER_BIT)

    async def sender(ctx):
        ctx.set(receiver.rx, 1)
        await ctx.tick().repeat(20)
        ctx.set(receiver.rx, 0)  # shorter than half a bit
        await ctx.tick()
        ctx.set(receiver.rx, 1)
        await ctx.tick().repeat(40)
        await put(ctx, receiver.rx, 0xFF, stop=0, clocks=CLOCKS_PER_BIT)
        await ctx.tick().repeat(60)
        await put(ctx, receiver.rx, 0x42)
        await ctx.tick().repeat(20)

    assert receive(receiver, sender) == b"\x42"


@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
@pytest.mark.parametrize("component", [UartReceiver, UartTransmitter, HostLink])
def test_bad_clocks_per_bit(component):
    with pytest.raises(ValueError, match=r"^clocks_per_bit must be 4 or more, not 3$"):
        component(clocks_per_bit=3)
    with pytest.raises(TypeError, match=r"^clocks_per_bit must be an integer, not 25\.0$"):
        component(clocks_per_bit=25.0)
    gc.collect()  # now, while the warning of a component that was never elaborated is ignored
