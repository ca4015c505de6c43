"""The sampler with Wishbone B4, for classic and for pipelined masters.

Latency: 1 cycle from an access to its answer; an access every 2 cycles. Page: docs/hardware/interfaces.md, "Wishbone".
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base.modules import Composite, SharedModule
from amper_hw.bus.interface import RegisterInterface, connect_monitors
from amper_hw.bus.registers import ADDRESS_WIDTH, DATA_WIDTH
from amper_spec.config import AmperConfig


def wishbone_signature() -> wiring.Signature:
    """A Wishbone B4 interface of 32 bits, seen from the master; the data are named as the slave sees them.

    ``adr`` counts words.
    """
    return wiring.Signature(
        {
            "cyc": Out(1),
            "stb": Out(1),
            "we": Out(1),
            "adr": Out(ADDRESS_WIDTH - 2),
            "sel": Out(DATA_WIDTH // 8),
            "dat_i": Out(DATA_WIDTH),
            "dat_o": In(DATA_WIDTH),
            "ack": In(1),
            "err": In(1),
            "stall": In(1),
        }
    )


class WishboneSampler(Composite):
    """Registers on Wishbone B4: an access is taken once, and answered in the next cycle. Contract: interfaces.md.

    In the cycle of an answer nothing is taken. A classic master, which holds its strobe until it sees the answer, so
    gets its access done once; a pipelined one is told by ``stall`` to hold its next strobe for that cycle.

    Parameters
    ----------
    config : the configuration, with bus "wishbone". core : the sampler's module.

    Members
    -------
    wb : In, the registers. irq : Out, an enabled interrupt is pending.
    """

    def __init__(self, config: AmperConfig, core: SharedModule) -> None:
        self._config = config
        self._core = core
        super().__init__({"wb": In(wishbone_signature()), "irq": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        core = self.instantiate(m, "core", self._core)
        interface = SharedModule.of("amper_registers", RegisterInterface(self._config))
        registers = self.instantiate(m, "registers", interface)
        for name in ("write", "control", "request"):
            wiring.connect(m, getattr(registers, name), getattr(core, name))
        wiring.connect(m, core.result, registers.result)
        connect_monitors(m, registers, core, self._config)

        bus, access, answer = self.wb, registers.port.access, registers.port.answer
        m.d.comb += [
            access.valid.eq(bus.cyc & bus.stb & ~answer.valid),
            access.write.eq(bus.we),
            access.address.eq(Cat(Const(0, 2), bus.adr)),
            access.data.eq(bus.dat_i),
            access.strobe.eq(bus.sel),
            # A master that ends its cycle early does not want the answer.
            bus.ack.eq(bus.cyc & answer.valid & ~answer.error),
            bus.err.eq(bus.cyc & answer.valid & answer.error),
            bus.dat_o.eq(answer.data),
            bus.stall.eq(answer.valid),
            self.irq.eq(registers.irq),
        ]
        return m
