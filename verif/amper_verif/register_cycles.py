"""A batch and its updates by the C driver, counted: ``python -m amper_verif.register_cycles``.

The driver runs against the Verilog of a sampler behind each bus, with a master that begins an access in the cycle
behind the answer to the last; it waits for the interrupt where it waits for draws. Nothing but accesses takes time.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

from amper import AmperConfig
from amper_hw.base.latency import batch_cycles
from amper_report.tables import table
from amper_verif.harness.driver import Call, DriverSimulation

DRAWS = 64
OK = 0
#: Bus, packed registers, classic cycles.
WAYS = {
    "AXI4-Lite, single": ("axi", False, False),
    "AXI4-Lite": ("axi", True, False),
    "Wishbone, classic": ("wishbone", True, True),
    "Wishbone, pipelined": ("wishbone", True, False),
    "AXI4, bursts": ("axi4", True, False),
}


class Counted(NamedTuple):
    """Accesses and clock cycles."""

    reads: int
    writes: int
    cycles: int


def measured(config: AmperConfig, folder: Path, *, classic: bool = False) -> tuple[Counted, Counted]:
    """A batch with its priorities, and priorities for all its rows until the device has taken the last."""
    rows: list[Call] = [("write", row, 100 + row % 100) for row in range(config.rows)]
    calls: list[Call] = [("init", 0, 0), ("interrupts", 1, 0), *rows, ("finish", 0, 0), ("counters", 0, 0)]
    calls += [("sample", DRAWS, 0), ("counters", 0, 0), ("update", DRAWS, 77), ("finish", 0, 0), ("counters", 0, 0)]
    answers = DriverSimulation(config, folder.resolve(), classic=classic).run(calls)
    sampled, batch, updated, finished, updates = answers[-5:]
    assert (sampled[:2], updated, finished) == ([OK, DRAWS], [OK], [OK])
    return Counted(*batch), Counted(*updates)


def counted(config: AmperConfig, folder: Path) -> str:
    """A line for each way, as Markdown."""
    titles = ("registers by", "batch: reads, writes", "cycles", "updates: reads, writes", "cycles")
    lines = []
    for title, (bus, packed, classic) in WAYS.items():
        one = config.changed(bus=bus, packed_registers=packed)
        batch, updates = measured(one, folder / title.replace(" ", "-"), classic=classic)
        cells = [title]
        for part in (batch, updates):
            cells += [f"{part.reads}, {part.writes}", f"{part.cycles}"]
        lines.append(cells)
    streams = f"by streams: {batch_cycles(config)} cycles a batch, {DRAWS} the updates"
    return f"n = {config.rows}, b = {DRAWS}; {streams}\n\n{table(titles, lines)}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Count the accesses and cycles of a batch and its updates.")
    parser.add_argument("--rows", type=int, default=64, help="default 64")
    parser.add_argument(
        "--build", type=Path, default=Path("build/register_cycles"), help="default build/register_cycles"
    )
    options = parser.parse_args(arguments)
    print(counted(AmperConfig(rows=options.rows, batch=DRAWS), options.build))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
