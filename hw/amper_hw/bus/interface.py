"""The sampler behind registers: what every bus shares.

Latency: 1 cycle from an access to its answer, 2 or more from a command to the sampler.
Page: docs/hardware/programmers-guide.md.
"""

from __future__ import annotations

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base.modules import Composite, SharedModule
from amper_hw.base.payload import control_layout, monitor_members, request_layout, result_layout, write_layout
from amper_hw.bus.block import RegisterBlock
from amper_hw.bus.command_queue import CommandQueue
from amper_hw.bus.draw_splitter import DrawSplitter
from amper_hw.bus.port import register_port_signature
from amper_spec.config import AmperConfig


class RegisterInterface(Composite):
    """Registers, command queue and result registers between a register port and the sampler's streams.

    Parameters
    ----------
    config : the configuration.

    Members
    -------
    port : accesses to registers. irq : Out.
    write, control, request : Out streams to the sampler. result : In stream from it. monitor : In, its monitors.
    batch : Out, the BATCH in force.
    malformed : In, a beat of a stream was dropped; to_stream : Out, results go to the stream. AXI only.
    drawn : Out, a draw waits; last : Out, it is the last of its batch; room : Out, of the command queue. AXI4 only.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        streams = {"malformed": In(1), "to_stream": Out(1)} if config.streams else {}
        waits = {"drawn": Out(1), "last": Out(1), "room": Out(1)} if config.bus == "axi4" else {}
        super().__init__(
            {
                "port": In(register_port_signature()),
                "irq": Out(1),
                "write": Out(stream.Signature(write_layout(config))),
                "control": Out(stream.Signature(control_layout())),
                "request": Out(stream.Signature(request_layout(config))),
                "result": In(stream.Signature(result_layout(config))),
                "monitor": In(wiring.Signature(monitor_members(config))),
                "batch": Out(config.batch_width),
                **streams,
                **waits,
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self._config
        block = self.instantiate(m, "block", SharedModule.of("amper_register_block", RegisterBlock(config)))
        queue = self.instantiate(m, "queue", SharedModule.of("amper_command_queue", CommandQueue(config)))
        splitter = self.instantiate(m, "splitter", SharedModule.of("amper_draw_splitter", DrawSplitter(config)))

        wiring.connect(m, wiring.flipped(self.port), block.port)
        wiring.connect(m, wiring.flipped(self.monitor), block.monitor)
        wiring.connect(m, wiring.flipped(self.result), splitter.result)
        wiring.connect(m, splitter.draw, block.draw)
        wiring.connect(m, block.command, queue.command)
        wiring.connect(m, queue.outcome, block.outcome)
        for name in ("write", "control", "request"):
            wiring.connect(m, getattr(queue, name), wiring.flipped(getattr(self, name)))
        m.d.comb += [
            block.free.eq(queue.free),
            block.queue_empty.eq(queue.empty),
            queue.batch.eq(block.batch),
            queue.write_refused.eq(self.monitor.write_refused),
            queue.control_refused.eq(self.monitor.control_refused),
            self.batch.eq(block.batch),
            self.irq.eq(block.irq),
        ]
        if config.streams:
            m.d.comb += [block.malformed.eq(self.malformed), self.to_stream.eq(block.to_stream)]
        if config.bus == "axi4":
            m.d.comb += self.drawn.eq(splitter.draw.valid), self.last.eq(splitter.draw.payload.last)
            m.d.comb += self.room.eq(queue.command.ready)
        return m


def connect_monitors(
    m: Module, interface: wiring.PureInterface, core: wiring.PureInterface, config: AmperConfig
) -> None:
    """The sampler's monitors to those of the register interface."""
    for name in monitor_members(config):
        m.d.comb += getattr(interface.monitor, name).eq(getattr(core, name))
