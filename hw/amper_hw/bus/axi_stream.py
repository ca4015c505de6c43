"""AXI4-Stream to and from the sampler's streams.

Latency: 1 cycle. Page: docs/hardware/interfaces.md, "AXI".
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base.bits import any_of
from amper_hw.base.payload import STATUS_WIDTH, lane, request_layout, result_layout, write_layout
from amper_hw.base.variants import splits_beats
from amper_hw.bus.command_queue import requested_batch
from amper_spec.config import AmperConfig

LANE_WIDTH = 64  # bits of a write or a draw: row in 31:0, priority in 63:32
INVALIDATE_BIT = 31
PRIORITY_BIT = 32
REQUEST_WIDTH = 32


def axi_stream_signature(width: int, *, user: int = 0, packets: bool = True) -> wiring.Signature:
    """An AXI4-Stream interface of ``width`` bits, seen from its sender; with ``packets``, also TKEEP and TLAST."""
    members = {"tdata": Out(width)}
    if packets:
        members |= {"tkeep": Out(width // 8), "tlast": Out(1)}
    if user:
        members |= {"tuser": Out(user)}
    return wiring.Signature(members | {"tvalid": Out(1), "tready": In(1)})


class AxiWrites(wiring.Component):
    """Beats of W writes from AXI4-Stream. A malformed beat is taken and dropped, whole. TLAST does not matter.

    Parameters
    ----------
    config : the configuration.

    Members
    -------
    bus : the receiver's side of AXI4-Stream. open : In, a beat may be taken.
    write : Out stream of ``write_layout``, a cycle later. malformed : Out, 1 in the cycle after a beat was dropped.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        super().__init__(
            {
                "bus": In(axi_stream_signature(LANE_WIDTH * config.write_ports)),
                "open": In(1),
                "write": Out(stream.Signature(write_layout(config))),
                "malformed": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config, bus, write = self._config, self.bus, self.write
        ports = config.write_ports
        beats = [bus.tdata[LANE_WIDTH * port : LANE_WIDTH * (port + 1)] for port in range(ports)]
        keeps = [bus.tkeep[LANE_WIDTH // 8 * port : LANE_WIDTH // 8 * (port + 1)] for port in range(ports)]
        legal = Signal()
        m.d.comb += [
            legal.eq(
                bus.tkeep.any() & ~any_of(self._wrong(beat, keep) for beat, keep in zip(beats, keeps, strict=True))
            ),
            bus.tready.eq(self.open),
        ]
        m.d.sync += self.malformed.eq(bus.tvalid & bus.tready & ~legal)
        with m.If(write.ready):
            m.d.sync += write.valid.eq(0)
        with m.If(self.open):
            m.d.sync += write.valid.eq(bus.tvalid & legal)
            for port, beat in enumerate(beats):
                m.d.sync += [
                    lane(write.payload.row, port, ports).eq(beat[: config.row_width]),
                    lane(write.payload.priority, port, ports).eq(beat[PRIORITY_BIT:][: config.priority_width]),
                ]
            m.d.sync += write.payload.invalidate.eq(Cat(beat[INVALIDATE_BIT] for beat in beats))
            if ports > 1:
                m.d.sync += write.payload.lanes.eq(Cat(keep[0] for keep in keeps))
        return m

    def _wrong(self, beat: Value, keep: Value) -> Value:
        """Whether a lane is partly there, or there with a bit set that has no meaning."""
        meaning = (1 << self._config.row_width) - 1 | 1 << INVALIDATE_BIT
        meaning |= (1 << self._config.priority_width) - 1 << PRIORITY_BIT
        reserved = beat & Const((1 << LANE_WIDTH) - 1 ^ meaning, LANE_WIDTH)
        return keep.any() & (~keep.all() | reserved.any())


class AxiRequests(wiring.Component):
    """Requests from AXI4-Stream: 32 bits, the number of draws; 0 means the BATCH in force when the beat is taken.

    More than b draws are answered by the sampler, as BAD_BATCH.

    Parameters
    ----------
    config : the configuration.

    Members
    -------
    bus : the receiver's side of AXI4-Stream. open : In, a beat may be taken. batch : In, the BATCH in force.
    request : Out stream of ``request_layout``, a cycle later, and when ``behind``, In, is 0. held : Out, not yet taken.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        super().__init__(
            {
                "bus": In(axi_stream_signature(REQUEST_WIDTH, packets=False)),
                "open": In(1),
                "batch": In(config.batch_width),
                "request": Out(stream.Signature(request_layout(config))),
                "behind": In(1),
                "held": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bus, request = self.bus, self.request
        m.d.comb += [bus.tready.eq(self.open), request.valid.eq(self.held & ~self.behind)]
        with m.If(request.valid & request.ready):
            m.d.sync += self.held.eq(0)
        with m.If(self.open):
            m.d.sync += [
                self.held.eq(bus.tvalid),
                request.payload.batch.eq(requested_batch(bus.tdata, self.batch, self._config)),
            ]
        return m


class AxiResults(wiring.Component):
    """Results to AXI4-Stream: a packet a batch, D draws a beat, the status in TUSER.

    Parameters
    ----------
    config : the configuration.

    Members
    -------
    result : In stream of ``result_layout``. bus : the sender's side of AXI4-Stream, a cycle later.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        super().__init__(
            {
                "result": In(stream.Signature(result_layout(config))),
                "bus": Out(axi_stream_signature(LANE_WIDTH * config.draw_ports, user=STATUS_WIDTH)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config, bus, result = self._config, self.bus, self.result.payload
        ports = config.draw_ports
        lanes: list[Value] = []
        for port in range(ports):
            row: Value = lane(result.row, port, ports)
            lanes += [row, Const(0, PRIORITY_BIT - config.row_width)]
            if config.result_priority:
                lanes.append(lane(result.priority, port, ports))
            missing = LANE_WIDTH - PRIORITY_BIT - (config.priority_width if config.result_priority else 0)
            lanes += [Const(0, missing)] if missing else []
        # The answer to a refused request has no draw; its one lane is there for its status.
        present = [result.lanes[port] if port else Const(1, 1) for port in range(ports)]
        if splits_beats(config):
            present[0] = result.lanes[0] | ~result.lanes.any()
        m.d.comb += self.result.ready.eq(~bus.tvalid | bus.tready)
        with m.If(self.result.ready):
            m.d.sync += [
                bus.tvalid.eq(self.result.valid),
                bus.tdata.eq(Cat(*lanes)),
                bus.tkeep.eq(Cat(bit.replicate(LANE_WIDTH // 8) for bit in present)),
                bus.tlast.eq(result.last),
                bus.tuser.eq(result.status),
            ]
        return m
