"""Beats of results taken apart, for one who takes a draw at a time.

Latency: 1 cycle. Page: docs/hardware/programmers-guide.md.
"""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base.payload import result_layout
from amper_hw.base.variants import splits_beats
from amper_hw.bus.port import draw_layout
from amper_spec.config import AmperConfig


class DrawSplitter(wiring.Component):
    """Holds a beat and gives its draws away one after the other, the lowest lane first.

    Parameters
    ----------
    config : the configuration.

    Members
    -------
    result : In stream of ``result_layout``; ready while no draw is held.
    draw : Out stream of ``draw_layout``, from the cycle after the beat was taken.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        super().__init__(
            {
                "result": In(stream.Signature(result_layout(config))),
                "draw": Out(stream.Signature(draw_layout(config))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self._config
        ports = config.draw_ports
        result, draw = self.result.payload, self.draw.payload
        held = Signal(ports)  # lanes from the current one on that hold a draw; the current one is always lane 0
        rows = Signal(config.row_width * ports, reset_less=True)
        priorities = Signal(config.priority_width * ports, reset_less=True)
        last = Signal(reset_less=True)
        free, taken = ~held[0], self.draw.ready
        lanes = result.lanes | 1 if ports > 1 else 1
        if splits_beats(config):
            # The current lane may hold nothing: then the next one comes.
            free, taken = ~held.any(), self.draw.ready | ~held[0]
            lanes = result.lanes | ~result.lanes.any()
        if config.bus == "axi4":
            free = ~held.any() | (taken & ~held[1:].any())  # a draw a cycle for bursts
        m.d.comb += [
            self.draw.valid.eq(held[0]),
            self.result.ready.eq(free),
            draw.row.eq(rows[: config.row_width]),
            draw.priority.eq(priorities[: config.priority_width]),
            draw.last.eq(last & ~held[1:].any()),
        ]
        with m.If(taken):
            m.d.sync += [
                held.eq(held >> 1),
                rows.eq(rows >> config.row_width),
                priorities.eq(priorities >> config.priority_width),
            ]
        with m.If(self.result.valid & free):
            m.d.sync += [
                held.eq(lanes),
                rows.eq(result.row),
                priorities.eq(result.priority if config.result_priority else 0),
                last.eq(result.last),
                draw.status.eq(result.status),
            ]
        return m
