"""The sampler behind each bus with its bench."""

from __future__ import annotations

from pathlib import Path

from amaranth.lib import data

from amper import AmperConfig
from amper_hw.bus.block import RegisterBlock
from amper_hw.output.generate import top_component
from amper_hw.parts.stream_arbiter import StreamArbiter
from amper_verif.harness.components import Unit


def axi_sampler(config: AmperConfig, *, part: str, batches: int = 30) -> Unit:
    """``part``: "illegal" (every illegal access), or a random program of so many batches: "registers", "tied" (the
    same without streams, their inputs 0) or "streams".
    """
    parameters = {"config": config.to_dict(), "part": part, "workload": {"kind": "random", "batches": batches}}
    return Unit("bus.axi_sampler", lambda: top_component(config), parameters)


def axi_bursts(config: AmperConfig, *, part: str, batches: int = 30) -> Unit:
    """``part``: "bursts" (legal and illegal ones), or a random program of so many batches: "registers" or "streams"."""
    parameters = {"config": config.to_dict(), "part": part, "workload": {"kind": "random", "batches": batches}}
    return Unit("bus.axi_bursts", lambda: top_component(config), parameters)


def wishbone_sampler(config: AmperConfig, *, part: str, batches: int = 30) -> Unit:
    """``part``: "illegal" (every illegal access) or "registers" (a random program of so many batches)."""
    parameters = {"config": config.to_dict(), "part": part, "workload": {"kind": "random", "batches": batches}}
    return Unit("bus.wishbone_sampler", lambda: top_component(config), parameters)


def wishbone_peer(config: AmperConfig, *, batches: int = 20) -> Unit:
    """A random program by the master of cocotbext-wishbone."""
    return Unit(
        "bus.wishbone_peer",
        lambda: top_component(config),
        {"config": config.to_dict(), "workload": {"kind": "random", "batches": batches}},
    )


def litex_peer(config: AmperConfig, *, batches: int = 20) -> Unit:
    """A random program by LiteX's master, through the module for LiteX."""
    from amper_verif.harness.litex_bridge import litex_bridge

    bench = "bus.litex_peer"
    parameters = {"config": config.to_dict(), "workload": {"kind": "random", "batches": batches}}
    return Unit(bench, lambda: litex_bridge(config, "amper_litex_peer"), parameters)


def dma_ring(config: AmperConfig, *, library: Path, rounds: int = 15) -> Unit:
    """``library`` : examples/dma, compiled for the bench."""
    parameters = {"config": config.to_dict(), "library": str(library), "rounds": rounds}
    return Unit("bus.dma_ring", lambda: top_component(config), parameters)


def stream_arbiter(*, field: str = "value", width: int = 16, cycles: int = 3000) -> Unit:
    """The arbiter of two streams with one field, of so many bits."""
    layout = data.StructLayout({field: width})
    parameters = {"field": field, "width": width, "cycles": cycles}
    return Unit("parts.stream_arbiter", lambda: StreamArbiter(layout), parameters)


def register_monitors(config: AmperConfig, *, reads: int = 300) -> Unit:
    """The registers, without the queue of commands and the sampler."""
    return Unit("bus.register_monitors", lambda: RegisterBlock(config), {"config": config.to_dict(), "reads": reads})


def request_arbiter(config: AmperConfig) -> Unit:
    """That of requests by register and by stream."""
    return stream_arbiter(field="batch", width=config.batch_width)
