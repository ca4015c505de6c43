"""What every controller does with a request: it waits until it may be answered, and then becomes a record."""

from __future__ import annotations

from collections.abc import Callable

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring

from amper_hw.base.payload import BAD_BATCH, DISABLED, NO_VALID_ROW, OK, ROW_FAULT, record_layout
from amper_hw.base.variants import has_both
from amper_spec.config import AmperConfig


def request_front(
    m: Module,
    config: AmperConfig,
    ports: wiring.Component,
    *,
    idle: Signal,
    begin: Callable[[Value], Value],
    at_once: Value | None = None,
) -> None:
    """Takes a request, and sends its record once that is settled; a refused one needs nothing else.

    Parameters
    ----------
    ports : has ``request``, ``hold``, ``settled``, ``occupied``, ``enable`` and ``record`` as in a controller,
        ``exact`` where a record says it, and ``row_fault`` with parity. idle : driven, no request waits.
    begin : begins a batch that is not refused where its argument is 1; returns whether it does.
    at_once : a request that is taken now becomes a record in this cycle: it is settled, needs no
        ``begin``, and finds ``hold`` at 0.
    """
    batch = Signal(config.batch_width, reset_less=True)
    illegal = Signal(reset_less=True)
    asked = ports.request.payload.batch
    # No field value is above the largest batch that fills the field.
    too_many = asked > config.batch if config.batch < (1 << len(asked)) - 1 else Const(0, 1)
    at_once = Const(0, 1) if at_once is None else at_once
    wrong = (asked == 0) | too_many
    refused = Signal()
    status = Signal(record_layout(config).members["status"])
    variant: list[Value] = [ports.exact] if has_both(config) else []
    drawable: Value = ports.occupied
    settled_status: Value = Mux(ports.occupied, OK, NO_VALID_ROW)
    if config.protected:
        drawable = ports.occupied & ~ports.row_fault
        settled_status = Mux(ports.row_fault, ROW_FAULT, settled_status)
    m.d.comb += [
        refused.eq(~ports.enable | illegal | (ports.settled & ~drawable)),
        status.eq(Mux(~ports.enable, DISABLED, Mux(Mux(idle, wrong, illegal), BAD_BATCH, settled_status))),
        ports.record.payload.as_value().eq(Cat(Mux(idle, asked, batch), status, *variant)),
    ]
    with m.FSM(name="state"):
        with m.State("IDLE"):
            m.d.comb += [idle.eq(1), ports.request.ready.eq(ports.record.ready & ~ports.hold)]
            with m.If(ports.request.valid & ports.request.ready):
                m.d.sync += [batch.eq(asked), illegal.eq(wrong)]
                with m.If(~at_once):
                    m.next = "PREPARE"
            # Not by way of ``hold``, which takes long, and is 0 there.
            m.d.comb += ports.record.valid.eq(ports.request.valid & ports.record.ready & at_once)
        with m.State("PREPARE"):
            m.d.comb += ports.record.valid.eq(refused | begin(ports.settled & ~refused))
            with m.If(ports.record.valid):
                m.next = "IDLE"
