"""The sampler: the top of the native RTL."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring

from amper.config import AmperConfig
from amper_hw.array import whole_array
from amper_hw.controller import Controller
from amper_hw.draw import DrawUnit
from amper_hw.modules import Composite, SharedModule
from amper_hw.payload import sampler_signature
from amper_hw.query_generator import QueryGenerator
from amper_hw.vmax import VmaxUnit

#: Variants that this RTL has.
HARDWARE_VARIANTS = ("fr-dithered", "fr-prefix")


def require_hardware_variant(config: AmperConfig) -> None:
    """ValueError for a variant that this RTL does not have."""
    if config.variant not in HARDWARE_VARIANTS:
        raise ValueError(f"variant must be one of {', '.join(HARDWARE_VARIANTS)} for hardware, not {config.variant!r}")


class Sampler(Composite):
    """AMPER in hardware, parallel organisation: every row compared in every search.

    A batch of b draws takes m + b + c cycles from its request to its last result (``amper_hw.latency``); c depends
    neither on |CSP| nor on the priorities. Contract of the ports: docs/architecture.md.

    Parameters
    ----------
    config : the configuration; ValueError for a variant that the RTL does not have.

    Members: ``amper_hw.payload.sampler_signature``.
    """

    def __init__(self, config: AmperConfig) -> None:
        require_hardware_variant(config)
        self._config = config
        super().__init__(sampler_signature(config))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self._config
        controller, queries, vmax, draws = (
            self.instantiate(m, name, SharedModule.of(f"amper_{name}", component))
            for name, component in (
                ("controller", Controller(config)),
                ("query_generator", QueryGenerator(config)),
                ("vmax_unit", VmaxUnit(config)),
                ("draw_unit", DrawUnit(config)),
            )
        )
        array = self.instantiate(m, "array", whole_array(config))

        wiring.connect(m, wiring.flipped(self.request), controller.request)
        wiring.connect(m, queries.key, controller.key)
        wiring.connect(m, controller.draw, draws.start)
        wiring.connect(m, draws.result, wiring.flipped(self.result))
        for port in ("select", "selected", "read", "data"):
            wiring.connect(m, getattr(draws.array, port), getattr(array, port))
        wiring.connect(m, vmax.match, array.match)
        wiring.connect(m, controller.count, array.count)
        m.d.comb += [
            queries.start.eq(controller.start_keys),
            queries.vmax.eq(vmax.vmax),
            controller.vmax_exact.eq(vmax.exact),
            controller.occupied.eq(vmax.occupied),
            controller.draw_idle.eq(draws.idle),
            self.busy.eq(~controller.open),
            self.vmax.eq(vmax.vmax),
            self.vmax_exact.eq(vmax.exact),
            self.csp_size.eq(controller.csp_size),
        ]
        self._write(m, controller.open, vmax, array)
        # Batches wait until no probe is under way or can come, so the two never meet.
        m.d.comb += [
            controller.search.ready.eq(1),
            array.search.valid.eq(controller.search.valid | vmax.probe.valid),
            array.search.payload.eq(Mux(vmax.probe.valid, vmax.probe.payload, controller.search.payload)),
        ]
        return m

    def _write(self, m: Module, is_open: Value, vmax: Any, array: Any) -> None:
        accepted = Signal()
        legal = Signal()
        write = self.write.payload
        m.d.comb += [
            self.write.ready.eq(is_open),
            accepted.eq(self.write.valid & is_open),
            legal.eq(write.row < self._config.rows if self._config.rows < 1 << self._config.row_width else 1),
            vmax.write.valid.eq(accepted & legal),
            vmax.write.payload.eq(write),
            array.write.valid.eq(accepted & legal),
            array.write.payload.row.eq(write.row),
            array.write.payload.priority.eq(write.priority),
            array.write.payload.invalidate.eq(write.invalidate),
        ]
        m.d.sync += self.write_refused.eq(accepted & ~legal)
