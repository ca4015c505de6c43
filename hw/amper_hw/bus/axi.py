"""The sampler with AXI4-Lite or AXI4, and AXI4-Stream.

Latency: 1 cycle before the sampler and 1 behind it, for beats of streams. Page: docs/hardware/interfaces.md, "AXI".
"""

from __future__ import annotations

from amaranth.hdl import Module, Mux
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base.modules import Composite, SharedModule
from amper_hw.base.payload import STATUS_WIDTH
from amper_hw.bus.axi4 import AxiSlave, axi4_signature
from amper_hw.bus.axi_lite import AxiLiteSlave, axi_lite_signature
from amper_hw.bus.axi_stream import LANE_WIDTH, REQUEST_WIDTH, AxiRequests, AxiResults, AxiWrites, axi_stream_signature
from amper_hw.bus.interface import RegisterInterface, connect_monitors
from amper_hw.parts.stream_arbiter import StreamArbiter
from amper_spec.config import AmperConfig


class AxiSampler(Composite):
    """Registers on AXI4-Lite or AXI4; the rest on AXI4-Stream. Contract: docs/hardware/interfaces.md.

    Parameters
    ----------
    config : the configuration, with bus "axi" or "axi4". core : the sampler's module.

    Members
    -------
    s_axil : In, the registers; with AXI4, s_axi.
    s_axis_write : In, writes, 64 bits each. s_axis_request : In, batches, one a beat.
    m_axis_result : Out, the draws, 64 bits each. irq : Out, an enabled interrupt is pending.
    """

    def __init__(self, config: AmperConfig, core: SharedModule) -> None:
        self._config = config
        self._core = core
        self._name = "s_axi" if config.bus == "axi4" else "s_axil"
        super().__init__(
            {
                self._name: In(axi4_signature() if config.bus == "axi4" else axi_lite_signature()),
                "s_axis_write": In(axi_stream_signature(LANE_WIDTH * config.write_ports)),
                "s_axis_request": In(axi_stream_signature(REQUEST_WIDTH, packets=False)),
                "m_axis_result": Out(axi_stream_signature(LANE_WIDTH * config.draw_ports, user=STATUS_WIDTH)),
                "irq": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self._config
        bursts = config.bus == "axi4"
        part = ("amper_axi4", AxiSlave(config)) if bursts else ("amper_axi_lite", AxiLiteSlave())
        core, slave, registers, writes, requests, results = (
            self.instantiate(m, label, module)
            for label, module in (
                ("core", self._core),
                ("slave", SharedModule.of(*part)),
                ("registers", SharedModule.of("amper_registers", RegisterInterface(config))),
                ("writes", SharedModule.of("amper_axi_writes", AxiWrites(config))),
                ("requests", SharedModule.of("amper_axi_requests", AxiRequests(config))),
                ("results", SharedModule.of("amper_axi_results", AxiResults(config))),
            )
        )
        wiring.connect(m, wiring.flipped(getattr(self, self._name)), slave.bus)
        if bursts:
            m.d.comb += [getattr(slave, name).eq(getattr(registers, name)) for name in ("drawn", "last", "room")]
        wiring.connect(m, slave.port, registers.port)
        wiring.connect(m, wiring.flipped(self.s_axis_write), writes.bus)
        wiring.connect(m, wiring.flipped(self.s_axis_request), requests.bus)
        wiring.connect(m, results.bus, wiring.flipped(self.m_axis_result))
        wiring.connect(m, registers.control, core.control)
        connect_monitors(m, registers, core, config)
        self._merge(m, "write", registers.write, writes.write, core.write)
        self._merge(m, "request", registers.request, requests.request, core.request)
        self._order(m, writes, requests)
        self._steer(m, core, registers, results)
        m.d.comb += [
            requests.batch.eq(registers.batch),
            registers.malformed.eq(writes.malformed),
            self.irq.eq(registers.irq),
        ]
        return m

    def _merge(
        self, m: Module, name: str, commands: stream.Interface, beats: stream.Interface, target: stream.Interface
    ) -> None:
        """Commands of the registers and beats of a stream, in turns, into the sampler."""
        part = SharedModule.of(f"amper_{name}_arbiter", StreamArbiter(commands.payload.shape()))
        arbiter = self.instantiate(m, f"{name}_arbiter", part)
        wiring.connect(m, commands, arbiter.first)
        wiring.connect(m, beats, arbiter.second)
        wiring.connect(m, arbiter.out, target)

    @staticmethod
    def _order(m: Module, writes: wiring.PureInterface, requests: wiring.PureInterface) -> None:
        """A request sees the writes taken before it or at the same edge, and no other: none overtakes another here."""
        write, request = writes.write, requests.request
        is_open = (~write.valid | write.ready) & (~requests.held | (request.valid & request.ready))
        m.d.comb += [writes.open.eq(is_open), requests.open.eq(is_open), requests.behind.eq(write.valid)]

    @staticmethod
    def _steer(
        m: Module, core: wiring.PureInterface, registers: wiring.PureInterface, results: wiring.PureInterface
    ) -> None:
        """A beat of results to the stream or to the registers, wherever CONTROL sends it when it is taken."""
        to_stream = registers.to_stream
        m.d.comb += [
            results.result.payload.eq(core.result.payload),
            registers.result.payload.eq(core.result.payload),
            results.result.valid.eq(core.result.valid & to_stream),
            registers.result.valid.eq(core.result.valid & ~to_stream),
            core.result.ready.eq(Mux(to_stream, results.result.ready, registers.result.ready)),
        ]
