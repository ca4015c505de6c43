"""The registers: decoder, errors, parameters in force, results, interrupt.

Latency: 1 cycle from an access to its answer. Page: docs/hardware/registers.md.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base.bits import any_of
from amper_hw.base.modules import Composite, SharedModule
from amper_hw.base.payload import STATUS_WIDTH, monitor_members
from amper_hw.base.variants import constant_parameters, has_candidates, has_exact
from amper_hw.bus.access_check import AccessCheck
from amper_hw.bus.drawn_rows import DrawnRows
from amper_hw.bus.port import (
    Command,
    command_layout,
    draw_layout,
    outcome_signature,
    parameter_widths,
    register_port_signature,
)
from amper_hw.bus.registers import ACCESS_ERRORS, BUS_ERRORS, COMMAND_DEPTH, DATA_WIDTH, INTERRUPTS, register_map
from amper_spec.build import PACKED_ROW_WIDTH
from amper_spec.config import AmperConfig
from amper_spec.parameters import PARAMETER_WIDTH
from amper_spec.status import Status

#: Registers that show a monitor of the sampler as it is.
MONITORS = ("VMAX", "CSP_SIZE", "VALID_ROWS", "SEARCHES", "CYCLES", "ERRORS")
#: Registers a write of which is a command, but for the parameters.
COMMANDS = {
    "WRITE_PRIORITY": Command.WRITE,
    "INVALIDATE": Command.INVALIDATE,
    "REQUEST": Command.REQUEST,
    "UPDATE": Command.UPDATE,
}


class RegisterBlock(Composite):
    """All registers of ``amper_hw.bus.registers``, behind one port that any bus can use.

    Every access is answered in the next cycle, so no bus can hang here. One that is answered with an error changes
    nothing but BUS_ERRORS and BUS_ERROR_COUNT.

    Parameters
    ----------
    config : the configuration.

    Members
    -------
    port : the accesses. irq : Out.
    command : Out stream of ``command_layout``; valid only while ready. free, queue_empty, outcome : In, of the queue.
    draw : In stream of ``draw_layout``; taken when RESULT_ROW or RESULT_PACKED is read.
    monitor : In, the monitors of the sampler. batch : Out, the BATCH in force.
    malformed : In, a beat of a stream was dropped; to_stream : Out, results go to the stream. AXI only.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        self._map = register_map(config)
        streams = {"malformed": In(1), "to_stream": Out(1)} if config.streams else {}
        super().__init__(
            {
                "port": In(register_port_signature()),
                "irq": Out(1),
                "command": Out(stream.Signature(command_layout(config))),
                "free": In(COMMAND_DEPTH.bit_length()),
                "queue_empty": In(1),
                "outcome": In(outcome_signature(config)),
                "draw": In(stream.Signature(draw_layout(config))),
                "monitor": In(wiring.Signature(monitor_members(config))),
                "batch": Out(config.batch_width),
                **streams,
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        check = self.instantiate(
            m, "check", SharedModule.of("amper_access_check", AccessCheck(self._config), clocked=False)
        )
        wiring.connect(m, wiring.flipped(self.port.access), check.access)
        m.d.comb += [check.room.eq(self.command.ready), check.result.eq(self.draw.valid)]
        write = {register.name: check.write[index] for index, register in enumerate(self._map)}
        values: dict[str, Value] = {
            register.name: Const(register.reset, DATA_WIDTH) for register in self._map if register.constant
        }
        values |= self._monitors()
        values |= self._parameters(m)
        values |= self._errors(m, check.errors, write["BUS_ERRORS"])
        values |= self._status(m, values["BUS_ERRORS"], write["IRQ_ENABLE"])
        values |= self._results(m, check.take)
        values |= self._commands(m, write)
        if self._config.packed_registers:
            values |= self._packed(m, check, write["UPDATE"])
        self._answer(m, check, values)
        return m

    def _monitors(self) -> dict[str, Value]:
        """The monitors as they are; 0 for one that no built-in variant has."""
        there = monitor_members(self._config)
        values: dict[str, Value] = {
            name: getattr(self.monitor, name.lower()) if name.lower() in there else Const(0, 1) for name in MONITORS
        }
        if has_exact(self._config):
            total = Cat(self.monitor.total, Const(0, 2 * DATA_WIDTH - self._config.total_width))
            values |= {"TOTAL_LOW": total[:DATA_WIDTH], "TOTAL_HIGH": total[DATA_WIDTH:]}
            values |= {"FAULTS": Const(0, 1), "LOST_ROW": Const(0, 1)}
        if "lost_row" in there:
            counts = Cat(self.monitor.faults_repaired, self.monitor.faults_lost)
            values |= {"FAULTS": counts, "LOST_ROW": self.monitor.lost_row}
        return values

    def _parameters(self, m: Module) -> dict[str, Value]:
        """The parameters in force: what was written and not refused, or a constant that nothing can change."""
        resets = {register.name: register.reset for register in self._map}
        values: dict[str, Value] = {
            parameter.name: Const(resets[parameter.name], DATA_WIDTH) for parameter in constant_parameters(self._config)
        }
        for parameter, width in parameter_widths(self._config).items():
            values[parameter.name] = value = Signal(width, name=parameter.name.lower(), init=resets[parameter.name])
            accepted = self.outcome.parameter & ~self.outcome.refused & (self.outcome.number == parameter)
            with m.If(accepted):
                m.d.sync += value.eq(self.outcome.value)
        m.d.comb += self.batch.eq(values["BATCH"])
        return values

    def _errors(self, m: Module, refused: Value, clear: Value) -> dict[str, Value]:
        """BUS_ERRORS, a bit each of ``BUS_ERRORS``, and how many accesses and beats there were."""
        malformed = self.malformed if self._config.streams else Const(0)
        events = {
            "PARAMETER_REFUSED": self.monitor.control_refused,
            "WRITE_REFUSED": self.monitor.write_refused,
            "STREAM_MALFORMED": malformed,
            "ROW_FAULT": self.monitor.row_fault if self._config.protected else Const(0, 1),
        }
        now = Cat(refused, *(events[name] for name in list(BUS_ERRORS)[len(ACCESS_ERRORS) :]))
        errors = Signal(len(BUS_ERRORS), name="bus_errors")
        count = Signal(DATA_WIDTH, name="bus_error_count")
        # What happens in the cycle of the clearing is not lost.
        m.d.sync += [
            errors.eq(errors & ~Mux(clear, self.port.access.data[: len(errors)], 0) | now),
            count.eq(count + refused.any() + malformed),
        ]
        return {"BUS_ERRORS": errors, "BUS_ERROR_COUNT": count}

    def _status(self, m: Module, errors: Value, write_enable: Value) -> dict[str, Value]:
        parameter_refused = Signal()
        write_refused = Signal()
        with m.If(self.outcome.parameter):
            m.d.sync += parameter_refused.eq(self.outcome.refused)
        with m.If(self.outcome.write):
            m.d.sync += write_refused.eq(self.outcome.refused)
        monitor = self.monitor
        status = Cat(
            monitor.busy,
            monitor.vmax_exact if has_candidates(self._config) else Const(1, 1),
            self.draw.valid,
            self.queue_empty,
            ~self.command.ready,
            parameter_refused,
            write_refused,
        )
        enable = Signal(len(INTERRUPTS), name="irq_enable")
        pending = Signal(len(INTERRUPTS), name="irq_status")
        m.d.comb += pending.eq(Cat(self.draw.valid, errors.any(), self.queue_empty & ~monitor.busy))
        m.d.sync += self.irq.eq((enable & pending).any())
        with m.If(write_enable):
            m.d.sync += enable.eq(self.port.access.data)
        return {"STATUS": status, "LEVEL": self.free, "IRQ_ENABLE": enable, "IRQ_STATUS": pending}

    def _commands(self, m: Module, write: dict[str, Value]) -> dict[str, Value]:
        access, command = self.port.access, self.command.payload
        row = Signal(self._config.row_width, name="write_row")
        with m.If(write["WRITE_ROW"]):
            m.d.sync += row.eq(access.data)
        m.d.comb += [
            self.command.valid.eq(any_of(write[register.name] for register in self._map if register.command)),
            command.value.eq(access.data),
            command.kind.eq(Command.CONTROL),
            command.key.eq(access.address[2 : 2 + PARAMETER_WIDTH]),  # the number of a parameter, if it is one
        ]
        for name, kind in COMMANDS.items():
            if name not in write:
                continue
            with m.If(write[name]):
                m.d.comb += [command.kind.eq(kind), command.key.eq(Mux(write["INVALIDATE"], access.data, row))]
        values: dict[str, Value] = {"WRITE_ROW": row}
        if self._config.streams:
            values["CONTROL"] = to_stream = Signal(init=1)
            m.d.comb += self.to_stream.eq(to_stream)
            with m.If(write["CONTROL"]):
                m.d.sync += to_stream.eq(access.data)
        return values

    def _results(self, m: Module, take: Value) -> dict[str, Value]:
        """A read of RESULT_ROW takes a draw; its priority and status stay to be read."""
        draw = self.draw.payload
        priority = Signal(self._config.priority_width, name="result_priority")
        status = Signal(STATUS_WIDTH, name="result_status")
        last = Signal(name="result_last")
        m.d.comb += self.draw.ready.eq(take)
        with m.If(take):
            m.d.sync += [priority.eq(draw.priority), status.eq(draw.status), last.eq(draw.last)]
        return {
            "RESULT_ROW": draw.row,
            "RESULT_PRIORITY": priority,
            "RESULT_STATUS": Cat(status, Const(0, 8 - STATUS_WIDTH), last),
        }

    def _packed(self, m: Module, check: wiring.PureInterface, update: Value) -> dict[str, Value]:
        """A draw in one word, and priorities for two rows that were drawn."""
        draw, command = self.draw.payload, self.command.payload
        part = SharedModule.of("amper_drawn_rows", DrawnRows(self._config))
        drawn = self.instantiate(m, "drawn", part)
        m.d.comb += [
            drawn.take.eq(check.take),
            drawn.row.eq(draw.row),
            drawn.last.eq(draw.last),
            drawn.answered.eq((draw.status == Status.OK) | (draw.status == Status.FALLBACK)),
            drawn.next.eq(update),
            check.drawn.eq(drawn.left[0]),
            command.second.eq(drawn.rows[1]),
            command.pair.eq(drawn.left[1]),
        ]
        with m.If(update):
            m.d.comb += command.key.eq(drawn.rows[0])
        gap = Const(0, PACKED_ROW_WIDTH - self._config.row_width)
        word = Cat(draw.row, gap, draw.last, Const(1, 1), draw.priority)
        return {"RESULT_PACKED": Mux(self.draw.valid, word, 0)}

    def _answer(self, m: Module, check: wiring.PureInterface, values: dict[str, Value]) -> None:
        read = Signal(DATA_WIDTH)
        with m.Switch(self.port.access.address[2:]):
            for register in self._map:
                if register.readable:
                    with m.Case(register.offset >> 2):
                        m.d.comb += read.eq(values[register.name])
        m.d.sync += [
            self.port.answer.valid.eq(self.port.access.valid),
            self.port.answer.error.eq(check.errors.any()),
            self.port.answer.data.eq(Mux(check.read, read, 0)),
        ]
