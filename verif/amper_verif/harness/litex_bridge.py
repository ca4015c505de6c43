"""A generated sampler behind a Wishbone master of LiteX: the bridge by which its UARTs and Ethernet drive a bus."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import ModuleType, SimpleNamespace

from amper import AmperConfig
from amper_hw.output.generate import TOP, generate
from amper_hw.packaging.litex import litex_module


def litex_bridge(config: AmperConfig, top: str) -> str:
    """Verilog: ``Stream2Wishbone`` with its streams of bytes as ports, and the sampler by its LiteX module.

    The bridge knows no error answer, so that one is an acknowledgement to it, and 1 in ``erred`` until the next answer.
    """
    from litex.gen import LiteXModule
    from litex.gen.fhdl.verilog import convert
    from litex.soc.cores.uart import Stream2Wishbone
    from migen import ClockDomain, If, Signal

    generated = generate(config, name=TOP)
    module = ModuleType("amper_litex")
    module.__file__ = str(Path(tempfile.gettempdir()) / "amper_litex.py")  # nothing is read from there
    exec(litex_module(generated.config), module.__dict__)

    class Bench(LiteXModule):
        def __init__(self) -> None:
            self.clk, self.rst, self.irq, self.erred = self.ports = [
                Signal(name_override=name) for name in ("clk", "rst", "irq", "erred")
            ]
            self.cd_sys = ClockDomain()
            self.sampler = module.Amper(SimpleNamespace(add_source=lambda path: None))
            self.bridge = bridge = Stream2Wishbone(clk_freq=10_000_000)
            master, slave = bridge.wishbone, self.sampler.bus
            self.comb += [
                self.cd_sys.clk.eq(self.clk),
                self.cd_sys.rst.eq(self.rst),
                self.irq.eq(self.sampler.ev.sampler.trigger),
                master.connect(slave, omit={"ack", "err"}),
                master.ack.eq(slave.ack | slave.err),
            ]
            self.sync += If(slave.ack | slave.err, self.erred.eq(slave.err))
            for endpoint, name in ((bridge.sink, "sent"), (bridge.source, "got")):
                for part in ("valid", "ready", "data"):
                    signal = getattr(endpoint, part)
                    signal.name_override = f"{name}_{part}"
                    self.ports.append(signal)

    bench = Bench()
    return f"{generated.verilog}\n{convert(bench, set(bench.ports), name=top)}"
