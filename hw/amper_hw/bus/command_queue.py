"""The commands given through the registers, in order.

Latency: 2 cycles or more, as many as what waits before it takes. Page: docs/hardware/programmers-guide.md, "Order".
"""

from __future__ import annotations

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from amper_hw.base.bits import any_of, structure
from amper_hw.base.payload import control_layout, lane, request_layout, write_layout
from amper_hw.bus.port import Command, command_layout, outcome_signature
from amper_hw.bus.registers import COMMAND_DEPTH, UPDATE_SECOND
from amper_spec.config import AmperConfig
from amper_spec.parameters import PARAMETER_WIDTH


class CommandQueue(wiring.Component):
    """Gives the sampler one command after the other: the next only when it is known what became of the last, but a
    write behind a write at once.

    So a batch sees the writes and parameters before its request and none behind it. A command comes out at the
    earliest 2 cycles after it went in. A pair of updates are two writes.

    Parameters
    ----------
    config : the configuration.

    Members
    -------
    command : In stream of ``command_layout``; ready while there is room. free : Out, free places.
    batch : In, draws of a request of 0.
    write, control, request : Out streams to the sampler. write_refused, control_refused : In, from the sampler.
    outcome : Out, of the command that was taken a cycle ago. empty : Out, every outcome is known.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        super().__init__(
            {
                "command": In(stream.Signature(command_layout(config))),
                "free": Out(COMMAND_DEPTH.bit_length()),
                "batch": In(config.batch_width),
                "write": Out(stream.Signature(write_layout(config))),
                "control": Out(stream.Signature(control_layout())),
                "request": Out(stream.Signature(request_layout(config))),
                "write_refused": In(1),
                "control_refused": In(1),
                "outcome": Out(outcome_signature(config)),
                "empty": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        layout = command_layout(self._config)
        m.submodules.queue = queue = SyncFIFOBuffered(width=layout.size, depth=COMMAND_DEPTH)
        head = structure(layout, "head")
        settled = Signal(init=1)  # 0 in the cycle after a transfer
        offered = Signal()
        taken = Signal()
        m.d.comb += [
            queue.w_en.eq(self.command.valid),
            queue.w_data.eq(self.command.payload),
            self.command.ready.eq(queue.w_rdy),
            self.free.eq((COMMAND_DEPTH - queue.level)[: len(self.free)]),
            head.eq(queue.r_data),
            queue.r_en.eq(taken),
            self.empty.eq((queue.level == 0) & settled),
        ]
        is_write = (head.kind == Command.WRITE) | (head.kind == Command.INVALIDATE) | (head.kind == Command.UPDATE)
        after_write = Signal()  # a write follows a write at once: what became of either is known in its own cycle
        m.d.comb += offered.eq(queue.r_rdy & (settled | (after_write & is_write)))
        m.d.sync += after_write.eq(self.write.valid & self.write.ready)
        kinds = (
            (self.write, is_write),
            (self.control, head.kind == Command.CONTROL),
            (self.request, head.kind == Command.REQUEST),
        )
        for port, chosen in kinds:
            m.d.comb += port.valid.eq(offered & chosen)
        transferred = any_of(port.valid & port.ready for port, _ in kinds)
        m.d.sync += settled.eq(~transferred)
        second: Value = Const(0, 1)
        if self._config.packed_registers:
            second = Signal(name="second_of_pair")
            with m.If(transferred):
                m.d.sync += second.eq(~taken)
            waits = (head.kind == Command.UPDATE) & head.pair & ~second
            m.d.comb += taken.eq(transferred & ~waits)
        else:
            m.d.comb += taken.eq(transferred)
        self._payloads(m, head, second)
        self._outcome(m, head)
        return m

    def _payloads(self, m: Module, head: data.View, second: Value) -> None:
        """``second`` : of a pair of updates."""
        config = self._config
        write = self.write.payload
        row, priority = head.key, head.value
        if config.packed_registers:
            row, priority = Mux(second, head.second, row), Mux(second, priority[UPDATE_SECOND:], priority)
        m.d.comb += [
            lane(write.row, 0, config.write_ports).eq(row),
            lane(write.priority, 0, config.write_ports).eq(priority),
            write.invalidate.eq(head.kind == Command.INVALIDATE),
            self.control.payload.parameter.eq(head.key[:PARAMETER_WIDTH]),
            self.control.payload.value.eq(head.value),
            self.request.payload.batch.eq(requested_batch(head.value, self.batch, config)),
        ]
        if config.write_ports > 1:
            m.d.comb += write.lanes.eq(1)

    def _outcome(self, m: Module, head: data.View) -> None:
        write = Signal()
        parameter = Signal()
        m.d.sync += [
            write.eq(self.write.valid & self.write.ready),
            parameter.eq(self.control.valid & self.control.ready),
            self.outcome.number.eq(head.key[:PARAMETER_WIDTH]),
            self.outcome.value.eq(head.value),
        ]
        m.d.comb += [
            self.outcome.write.eq(write),
            self.outcome.parameter.eq(parameter),
            self.outcome.refused.eq(Mux(write, self.write_refused, self.control_refused)),
        ]


def requested_batch(draws: Value, batch: Value, config: AmperConfig) -> Value:
    """The sampler's batch for a request of ``draws``, 32 bits: ``batch`` for 0; for more than b, the illegal 0."""
    return Mux(draws == 0, batch, Mux(draws > config.batch, 0, draws[: config.batch_width]))
