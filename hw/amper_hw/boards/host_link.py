"""Registers over a serial port: the bridge between a host's UART and Wishbone.

Latency: 8 cycles from the middle of a request's last stop bit to its answer, where the bus answers in the next cycle.
Page: docs/hardware/fpga.md, "The host link".
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from amper_hw.boards.uart import BYTE_WIDTH, UartReceiver, UartTransmitter, check_clocks_per_bit
from amper_hw.bus.registers import ADDRESS_WIDTH, DATA_WIDTH
from amper_hw.bus.wishbone import wishbone_signature

READ, WRITE = ord("R"), ord("W")
OK, ERROR = 0, 1
REQUEST_BYTES = 1 + 2 + DATA_WIDTH // 8  # operation, address, data
ANSWER_BYTES = 1 + DATA_WIDTH // 8  # status, data


class HostLink(wiring.Component):
    """A request of 7 bytes becomes an access, its outcome an answer of 5 bytes; numbers are little-endian.

    A byte that is no operation where one is due is ignored, so seven bytes of 0 bring host and link back into step.
    An answer takes less time than a request, so a host may send requests without waiting for their answers.

    Parameters
    ----------
    clocks_per_bit : clock cycles of a bit of the serial port, 4 or more.

    Members
    -------
    rx, tx : In, Out, the serial port. wb : Out, a master of the registers; one access at a time.
    """

    def __init__(self, *, clocks_per_bit: int) -> None:
        check_clocks_per_bit(clocks_per_bit)
        self._clocks_per_bit = clocks_per_bit
        super().__init__({"rx": In(1), "tx": Out(1), "wb": Out(wishbone_signature())})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        request = Signal(REQUEST_BYTES * BYTE_WIDTH)
        complete = self._receive(m, request)
        address = request[BYTE_WIDTH:][: 2 * BYTE_WIDTH]
        asked = Signal()  # an access was taken, its answer is due
        m.d.comb += [
            self.wb.we.eq(request[:BYTE_WIDTH] == WRITE),
            self.wb.adr.eq(address[2:ADDRESS_WIDTH]),
            self.wb.sel.eq(~0),
            self.wb.dat_i.eq(request[-DATA_WIDTH:]),
            self.wb.cyc.eq(self.wb.stb | asked),
        ]
        with m.If(self.wb.stb & ~self.wb.stall):
            m.d.sync += [self.wb.stb.eq(0), asked.eq(1)]
        answered = asked & (self.wb.ack | self.wb.err)
        with m.If(answered):
            m.d.sync += asked.eq(0)
        # The bus counts words and has fewer of them: what it cannot say is refused here.
        legal = ~(address[:2].any() | address[ADDRESS_WIDTH:].any())
        with m.If(complete & legal):
            m.d.sync += self.wb.stb.eq(1)
        refused = complete & ~legal
        data = Signal(DATA_WIDTH)  # 0 but for a read that succeeded
        with m.If(answered & self.wb.ack & ~self.wb.we):
            m.d.comb += data.eq(self.wb.dat_o)
        status = Signal(BYTE_WIDTH)
        m.d.comb += status.eq(refused | (answered & self.wb.err))
        self._answer(m, answered | refused, Cat(status, data))
        return m

    def _receive(self, m: Module, request: Signal) -> Signal:
        """Collect requests; returns the strobe that one is complete."""
        m.submodules.receiver = receiver = UartReceiver(clocks_per_bit=self._clocks_per_bit)
        byte = receiver.byte
        count = Signal(range(REQUEST_BYTES))
        complete = Signal(name="request_complete")
        m.d.comb += receiver.rx.eq(self.rx)
        known = (count != 0) | (byte.payload == READ) | (byte.payload == WRITE)
        m.d.sync += complete.eq(0)
        with m.If(byte.valid & known):
            m.d.sync += [request.eq(Cat(request[BYTE_WIDTH:], byte.payload)), count.eq(count + 1)]
            with m.If(count == REQUEST_BYTES - 1):
                m.d.sync += [count.eq(0), complete.eq(1)]
        return complete

    def _answer(self, m: Module, start: Value, answer: Value) -> None:
        """Send ``answer``, the lowest byte first."""
        m.submodules.transmitter = transmitter = UartTransmitter(clocks_per_bit=self._clocks_per_bit)
        rest = Signal(ANSWER_BYTES * BYTE_WIDTH)
        left = Signal(range(ANSWER_BYTES + 1))
        m.d.comb += [
            self.tx.eq(transmitter.tx),
            transmitter.byte.valid.eq(left != 0),
            transmitter.byte.payload.eq(rest[:BYTE_WIDTH]),
        ]
        with m.If(transmitter.byte.valid & transmitter.byte.ready):
            m.d.sync += [left.eq(left - 1), rest.eq(Cat(rest[BYTE_WIDTH:], Const(0, BYTE_WIDTH)))]
        with m.If(start):
            m.d.sync += [left.eq(ANSWER_BYTES), rest.eq(answer)]
