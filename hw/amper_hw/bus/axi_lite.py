"""AXI4-Lite to the register port.

Latency: 3 cycles from the address, or the later of address and data of a write, to the answer.
Page: docs/hardware/interfaces.md, "AXI".
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from amper_hw.bus.port import register_port_signature
from amper_hw.bus.registers import ADDRESS_WIDTH, DATA_WIDTH


def axi_lite_signature() -> wiring.Signature:
    """An AXI4-Lite interface of 32 bits, seen from the master, with the names of its specification."""
    response = {"resp": In(2), "valid": In(1), "ready": Out(1)}
    address = {"addr": Out(ADDRESS_WIDTH), "prot": Out(3), "valid": Out(1), "ready": In(1)}
    channels = {
        "aw": address,
        "w": {"data": Out(DATA_WIDTH), "strb": Out(DATA_WIDTH // 8), "valid": Out(1), "ready": In(1)},
        "b": response,
        "ar": address,
        "r": {"data": In(DATA_WIDTH), **response},
    }
    return wiring.Signature(
        {f"{channel}{name}": member for channel, members in channels.items() for name, member in members.items()}
    )


class AxiLiteSlave(wiring.Component):
    """One write and one read under way at a time; address and data of a write come in any order.

    Errors are answered with SLVERR. AxPROT does not matter. A read and a write that are ready at once go in turns.

    Members
    -------
    bus : the slave's side of AXI4-Lite. port : accesses to registers.
    """

    def __init__(self) -> None:
        super().__init__({"bus": In(axi_lite_signature()), "port": Out(register_port_signature())})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bus, access = self.bus, self.port.access
        aw_held, aw_address = self._held(m, "aw", bus.awvalid, bus.awready, bus.awaddr)
        w_held, w_beat = self._held(m, "w", bus.wvalid, bus.wready, Cat(bus.wdata, bus.wstrb))
        ar_held, ar_address = self._held(m, "ar", bus.arvalid, bus.arready, bus.araddr)
        write_due = Signal()
        read_due = Signal()
        write = Signal()
        read = Signal()
        turn = Signal()  # 1 after a write: a read goes first
        asked_write = Signal()
        asked_read = Signal()  # the answer comes in this cycle
        m.d.comb += [
            write_due.eq(aw_held & w_held & ~bus.bvalid & ~asked_write),
            read_due.eq(ar_held & ~bus.rvalid & ~asked_read),
            write.eq(write_due & ~(read_due & turn)),
            read.eq(read_due & ~write),
            access.valid.eq(write | read),
            access.write.eq(write),
            access.address.eq(Mux(write, aw_address, ar_address)),
            access.data.eq(w_beat[:DATA_WIDTH]),
            access.strobe.eq(Mux(write, w_beat[DATA_WIDTH:], Const(0b1111, 4))),
        ]
        m.d.sync += [asked_write.eq(write), asked_read.eq(read)]
        with m.If(write):
            m.d.sync += [aw_held.eq(0), w_held.eq(0), turn.eq(1)]
        with m.If(read):
            m.d.sync += [ar_held.eq(0), turn.eq(0)]
        self._answers(m, asked_write, asked_read)
        return m

    @staticmethod
    def _held(m: Module, name: str, valid: Value, ready: Value, beat: Value) -> tuple[Signal, Signal]:
        """A register that holds a beat of a channel until it is used: (whether it does, the beat)."""
        held = Signal(name=f"{name}_held")
        register = Signal(len(beat), name=f"{name}_beat", reset_less=True)
        m.d.comb += ready.eq(~held)
        with m.If(valid & ~held):
            m.d.sync += [held.eq(1), register.eq(beat)]
        return held, register

    def _answers(self, m: Module, asked_write: Signal, asked_read: Signal) -> None:
        bus, answer = self.bus, self.port.answer
        response = Cat(Const(0, 1), answer.error)  # OKAY or SLVERR
        with m.If(bus.bready):
            m.d.sync += bus.bvalid.eq(0)
        with m.If(asked_write):
            m.d.sync += [bus.bvalid.eq(1), bus.bresp.eq(response)]
        with m.If(bus.rready):
            m.d.sync += bus.rvalid.eq(0)
        with m.If(asked_read):
            m.d.sync += [bus.rvalid.eq(1), bus.rresp.eq(response), bus.rdata.eq(answer.data)]
