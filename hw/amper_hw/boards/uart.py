"""A serial port: 8 data bits, no parity, 1 stop bit, the lowest bit first.

Latency: 3 cycles from the middle of the stop bit to the byte, 1 from a byte to its start bit.
Page: docs/hardware/fpga.md, "The host link".
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

BYTE_WIDTH = 8
FRAME_BITS = BYTE_WIDTH + 2  # with start and stop


def check_clocks_per_bit(clocks_per_bit: int) -> None:
    """Raise unless a bit is long enough to be sampled in its middle."""
    if not isinstance(clocks_per_bit, int) or isinstance(clocks_per_bit, bool):
        raise TypeError(f"clocks_per_bit must be an integer, not {clocks_per_bit!r}")
    if clocks_per_bit < 4:
        raise ValueError(f"clocks_per_bit must be 4 or more, not {clocks_per_bit}")


class UartReceiver(wiring.Component):
    """Bytes from a line. A byte whose stop bit is 0 is dropped.

    Parameters
    ----------
    clocks_per_bit : clock cycles of a bit, 4 or more.

    Members
    -------
    rx : In, the line, asynchronous; 1 while idle. byte : Out {valid, payload}: a strobe in the middle of the stop bit.
    """

    def __init__(self, *, clocks_per_bit: int) -> None:
        check_clocks_per_bit(clocks_per_bit)
        self._clocks_per_bit = clocks_per_bit
        received = wiring.Signature({"valid": Out(1), "payload": Out(BYTE_WIDTH)})
        super().__init__({"rx": In(1), "byte": Out(received)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        line = Signal(2, init=0b11)  # two registers, since the line knows nothing of the clock
        pause = Signal(range(self._clocks_per_bit))
        bits_left = Signal(range(FRAME_BITS + 1))
        m.d.sync += [line.eq(Cat(self.rx, line[0])), self.byte.valid.eq(0)]
        with m.If(bits_left == 0):
            with m.If(~line[1]):
                m.d.sync += [bits_left.eq(FRAME_BITS), pause.eq(self._clocks_per_bit // 2 - 1)]
        with m.Elif(pause != 0):
            m.d.sync += pause.eq(pause - 1)
        with m.Else():
            m.d.sync += [pause.eq(self._clocks_per_bit - 1), bits_left.eq(bits_left - 1)]
            with m.If(bits_left == 1):
                m.d.sync += self.byte.valid.eq(line[1])
            with m.Elif((bits_left == FRAME_BITS) & line[1]):
                m.d.sync += bits_left.eq(0)  # no start bit but a glitch
            with m.Else():
                # The start bit is shifted out again by the eight that follow.
                m.d.sync += self.byte.payload.eq(Cat(self.byte.payload[1:], line[1]))
        return m


class UartTransmitter(wiring.Component):
    """Bytes to a line, one after the other with one clock cycle between them.

    Parameters
    ----------
    clocks_per_bit : clock cycles of a bit, 4 or more.

    Members
    -------
    byte : In stream of bytes. tx : Out, the line; 1 while idle.
    """

    def __init__(self, *, clocks_per_bit: int) -> None:
        check_clocks_per_bit(clocks_per_bit)
        self._clocks_per_bit = clocks_per_bit
        super().__init__({"byte": In(stream.Signature(BYTE_WIDTH)), "tx": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bits = Signal(BYTE_WIDTH + 1)  # what is still to be sent, the lowest first
        pause = Signal(range(self._clocks_per_bit))
        bits_left = Signal(range(FRAME_BITS + 1))  # with the one on the line
        line = Signal(init=1)
        m.d.comb += [self.byte.ready.eq(bits_left == 0), self.tx.eq(line)]
        with m.If(bits_left == 0):
            with m.If(self.byte.valid):
                m.d.sync += [line.eq(0), bits.eq(Cat(self.byte.payload, Const(1, 1)))]
                m.d.sync += [bits_left.eq(FRAME_BITS), pause.eq(self._clocks_per_bit - 1)]
        with m.Elif(pause != 0):
            m.d.sync += pause.eq(pause - 1)
        with m.Else():
            m.d.sync += [bits_left.eq(bits_left - 1), pause.eq(self._clocks_per_bit - 1)]
            with m.If(bits_left != 1):
                m.d.sync += [line.eq(bits[0]), bits.eq(bits >> 1)]
        return m
