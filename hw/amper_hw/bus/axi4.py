"""AXI4 to the register port, with bursts and a window in which a beat waits for its draw or for room.

Latency: 3 cycles from the address to the first beat of a read, then a beat a cycle; 3 from the last beat of a write to
its answer, a beat in 2 cycles. Page: docs/hardware/interfaces.md, "AXI4 with bursts".
"""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from amper_hw.bus.port import register_port_signature
from amper_hw.bus.registers import ADDRESS_WIDTH, DATA_WIDTH, WINDOW, WINDOW_BYTES, register_named
from amper_spec.config import AmperConfig

ID_WIDTH = 8
FIXED, WRAP = 0, 2  # kinds of bursts; every other one is INCR
BEATS = 3  # of a read that can wait for RREADY
PATIENCE = 4095  # cycles that a beat in the window waits


def axi4_signature() -> wiring.Signature:
    """An AXI4 interface of 32 bits, seen from the master, with the names of its specification."""
    ready, answer = {"valid": Out(1), "ready": In(1)}, {"id": In(ID_WIDTH), "valid": In(1), "ready": Out(1)}
    address = {"id": Out(ID_WIDTH), "addr": Out(ADDRESS_WIDTH), "len": Out(8), "size": Out(3), "burst": Out(2), **ready}
    channels = {
        "aw": address,
        "w": {"data": Out(DATA_WIDTH), "strb": Out(DATA_WIDTH // 8), "last": Out(1), **ready},
        "b": {"resp": In(2), **answer},
        "ar": address,
        "r": {"data": In(DATA_WIDTH), "resp": In(2), "last": In(1), **answer},
    }
    return wiring.Signature(
        {f"{channel}{name}": member for channel, members in channels.items() for name, member in members.items()}
    )


@dataclass(frozen=True)
class _Burst:
    """A burst under way in one direction: its beat's ``address``, ``left`` beats behind it."""

    active: Signal
    id: Signal
    address: Signal
    left: Signal
    whole: Signal  # beats of 4 bytes
    after: Value  # the address of the next beat

    @property
    def in_window(self) -> Value:
        low = WINDOW_BYTES.bit_length() - 1
        return self.address[low:] == WINDOW >> low


class AxiSlave(wiring.Component):
    """One burst of writes and one of reads at a time, their beats in turns; FIXED, INCR and WRAP, beats of 4 bytes.

    A beat in error is answered with SLVERR, for writes once for the burst. In the window a beat is an access to
    RESULT_PACKED or UPDATE and waits, up to ``PATIENCE`` cycles, for a draw or for room in the command queue; behind
    the last draw of a batch a burst does not wait any more.

    Parameters
    ----------
    config : the configuration, with bus "axi4"; without packed registers there is no window.

    Members
    -------
    bus : the slave's side of AXI4. port : accesses to registers.
    drawn : In, a draw waits; last : In, it is the last of its batch. room : In, the command queue has room.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._window = config.packed_registers
        self._targets = {}
        if self._window:
            self._targets = {name: register_named(config, name).offset for name in ("UPDATE", "RESULT_PACKED")}
        super().__init__(
            {
                "bus": In(axi4_signature()),
                "port": Out(register_port_signature()),
                "drawn": In(1),
                "last": In(1),
                "room": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bus, access = self.bus, self.port.access
        level = Signal(range(BEATS + 1))  # beats that wait for RREADY
        write_asked = Signal()  # the answer comes in this cycle
        read_asked = Signal()
        writes = self._burst(m, "aw", ~bus.bvalid & ~write_asked)
        reads = self._burst(m, "ar", (level == 0) & ~read_asked)
        w_held = Signal()
        w_beat = Signal(len(bus.wdata) + len(bus.wstrb) + 1, reset_less=True)
        m.d.comb += bus.wready.eq(~w_held)
        with m.If(bus.wvalid & ~w_held):
            m.d.sync += [w_held.eq(1), w_beat.eq(Cat(bus.wdata, bus.wstrb, bus.wlast))]

        write = Signal()
        read = Signal()
        turn = Signal()  # 1 after a write: a read goes first
        write_due = Signal()
        read_due = Signal()
        m.d.comb += [
            write_due.eq(writes.active & w_held & ~bus.bvalid & self._waited(m, "write", writes, write, self.room)),
            read_due.eq(
                reads.active
                & (level + read_asked < BEATS)
                & self._waited(m, "read", reads, read, self.drawn, self.last)
            ),
            write.eq(write_due & ~(read_due & turn)),
            read.eq(read_due & ~write),
            access.valid.eq(write | read),
            access.write.eq(write),
            access.address.eq(Mux(write, self._target(writes, "UPDATE"), self._target(reads, "RESULT_PACKED"))),
            access.data.eq(w_beat[:DATA_WIDTH]),
            access.strobe.eq(Mux(write, w_beat[DATA_WIDTH:-1], Cat(Const(1, 1), reads.whole.replicate(3)))),
        ]
        m.d.sync += [write_asked.eq(write), read_asked.eq(read)]
        with m.If(write):
            m.d.sync += [w_held.eq(0), writes.address.eq(writes.after), turn.eq(1)]
            m.d.sync += writes.active.eq(~w_beat[-1])
        with m.If(read):
            m.d.sync += [reads.address.eq(reads.after), reads.left.eq(reads.left - 1), turn.eq(0)]
            m.d.sync += reads.active.eq(reads.left != 0)
        self._answer_writes(m, writes, write_asked, write & w_beat[-1])
        self._answer_reads(m, reads, level, read_asked, reads.left == 0)
        return m

    def _burst(self, m: Module, name: str, free: Value) -> _Burst:
        """The burst of an address channel, which takes the next one when there is none and ``free``."""
        parts = {part: getattr(self.bus, name + part) for part in ("id", "addr", "len", "size", "burst")}
        active = Signal(name=f"{name}_active")
        ident, address, length, size, kind = (
            Signal.like(value, name=f"{name}_{part}", reset_less=True) for part, value in parts.items()
        )
        left, whole = Signal.like(length, name=f"{name}_left", reset_less=True), Signal(name=f"{name}_whole")
        valid, ready = getattr(self.bus, f"{name}valid"), getattr(self.bus, f"{name}ready")
        m.d.comb += [ready.eq(~active & free), whole.eq(size == 2)]
        with m.If(valid & ready):
            m.d.sync += active.eq(1)
            m.d.sync += [ident.eq(parts["id"]), address.eq(parts["addr"]), length.eq(parts["len"])]
            m.d.sync += [size.eq(parts["size"]), kind.eq(parts["burst"]), left.eq(parts["len"])]
        step = Cat(Const(0, 2), (address[2:] + 1)[: ADDRESS_WIDTH - 2])  # only a first beat can be unaligned
        wrapped = Cat(Const(0b11, 2), length)
        inside = Mux(kind == WRAP, wrapped, (1 << ADDRESS_WIDTH) - 1)
        after = Mux(kind == FIXED, address, (address & ~inside) | (step & inside))
        return _Burst(active, ident, address, left, whole, after)

    def _target(self, burst: _Burst, name: str) -> Value:
        return Mux(burst.in_window, self._targets[name], burst.address) if self._window else burst.address

    def _waited(
        self, m: Module, name: str, burst: _Burst, done: Value, there: Value, last: Value | None = None
    ) -> Value:
        """Whether the beat need not wait: what it waits for is there, or will not be in time."""
        if not self._window:
            return Const(1, 1)
        patience = Signal(range(PATIENCE + 1), name=f"{name}_waits", init=0)
        over = patience == PATIENCE
        with m.If(~burst.active):
            m.d.sync += patience.eq(0)
        with m.Elif(done & there):
            m.d.sync += patience.eq(0 if last is None else Mux(last, PATIENCE, 0))
        with m.Elif(~there & ~over):
            m.d.sync += patience.eq(patience + 1)
        return ~burst.in_window | there | over

    def _answer_writes(self, m: Module, writes: _Burst, asked: Value, last: Value) -> None:
        """One answer for a burst, an error if one of its beats had one."""
        bus, answer = self.bus, self.port.answer
        failed = Signal()
        ends = Signal(name="write_ends")
        m.d.sync += ends.eq(last)
        m.d.comb += bus.bid.eq(writes.id)
        with m.If(bus.bready):
            m.d.sync += bus.bvalid.eq(0)
        with m.If(asked):
            m.d.sync += failed.eq((failed | answer.error) & ~ends)
        with m.If(asked & ends):
            m.d.sync += [bus.bvalid.eq(1), bus.bresp.eq(Cat(Const(0, 1), failed | answer.error))]

    def _answer_reads(self, m: Module, reads: _Burst, level: Signal, asked: Value, last: Value) -> None:
        """A queue of beats; ``level`` : how many are in it."""
        bus, answer = self.bus, self.port.answer
        width = DATA_WIDTH + 2
        stored = Signal(BEATS * width, reset_less=True)
        ends = Signal(name="read_ends")
        take = Signal()
        m.d.comb += [
            take.eq(bus.rvalid & bus.rready),
            bus.rvalid.eq(level != 0),
            bus.rid.eq(reads.id),
            bus.rdata.eq(stored[:DATA_WIDTH]),
            bus.rresp.eq(Cat(Const(0, 1), stored[DATA_WIDTH])),
            bus.rlast.eq(stored[width - 1]),
        ]
        m.d.sync += [ends.eq(last), level.eq(level + asked - take)]
        with m.If(take):
            m.d.sync += stored.eq(stored >> width)
        with m.If(asked):
            with m.Switch(level - take):
                for place in range(BEATS):
                    with m.Case(place):
                        part = stored[place * width : (place + 1) * width]
                        m.d.sync += part.eq(Cat(answer.data, answer.error, ends))
