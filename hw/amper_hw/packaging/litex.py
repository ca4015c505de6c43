"""A generated sampler as a LiteX module: what LiteX wants to know of it, in Migen's words."""

from __future__ import annotations

from amper_hw.bus.registers import ADDRESS_WIDTH
from amper_spec.config import AmperConfig


def litex_module(config: AmperConfig) -> str:
    """The text of ``NAME_litex.py``, with a class whose ``bus`` is the registers. ValueError without Wishbone."""
    if config.bus != "wishbone":
        raise ValueError(f"bus must be wishbone for a LiteX module, not {config.bus}")
    return f'''\
"""The sampler {config.name} as a LiteX module, made with {config.name}.v, beside which it stays.

In a SoC, outside what a CPU caches:

    self.{config.name} = Amper(platform)
    region = SoCRegion(origin=0x9000_0000, size=0x{1 << ADDRESS_WIDTH:x}, cached=False)
    self.bus.add_slave("{config.name}", self.{config.name}.bus, region)
    self.irq.add("{config.name}", use_loc_if_exists=True)
"""

from pathlib import Path

from litex.gen import LiteXModule
from litex.soc.interconnect import wishbone
from litex.soc.interconnect.csr_eventmanager import EventManager, EventSourceLevel
from migen import ClockSignal, Instance, ResetSignal


class Amper(LiteXModule):
    def __init__(self, platform):
        self.bus = bus = wishbone.Interface(data_width=32, address_width=32, addressing="word")
        self.ev = EventManager()
        self.ev.sampler = EventSourceLevel(description="An enabled interrupt of the sampler is pending.")
        self.ev.finalize()
        self.specials += Instance(
            "{config.name}",
            i_clk=ClockSignal(), i_rst=ResetSignal(), o_irq=self.ev.sampler.trigger,
            i_wb_cyc=bus.cyc, i_wb_stb=bus.stb, i_wb_we=bus.we, o_wb_ack=bus.ack, o_wb_err=bus.err,
            i_wb_adr=bus.adr[:{ADDRESS_WIDTH - 2}], i_wb_sel=bus.sel, i_wb_dat_i=bus.dat_w, o_wb_dat_o=bus.dat_r,
        )  # a classic master does not look at wb_stall
        platform.add_source(str(Path(__file__).with_name("{config.name}.v")))
'''
