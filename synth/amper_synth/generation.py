"""How long the generator takes and how much Verilog it writes, over the number of rows."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from amper import AmperConfig
from amper_hw.generate import generate, versions

SIZES = (256, 1024, 4096, 16_384, 65_536)


@dataclass(frozen=True)
class GenerationPoint:
    """One generation."""

    rows: int
    seconds: float
    bytes: int
    lines: int
    modules: int


def measure(config: AmperConfig, sizes: Iterable[int] = SIZES) -> Iterator[GenerationPoint]:
    """Generate ``config`` with each number of rows, one after the other."""
    generate(replace(config, rows=2))  # Yosys is compiled to machine code on its first use
    for rows in sizes:
        begin = time.perf_counter()
        verilog = generate(replace(config, rows=rows)).verilog
        seconds = time.perf_counter() - begin
        lines = verilog.splitlines()
        modules = sum(line.startswith("module ") for line in lines)
        yield GenerationPoint(rows, seconds, len(verilog.encode()), len(lines), modules)


def markdown(config: AmperConfig, points: Iterable[GenerationPoint]) -> str:
    """The points as a page's table, with what they were measured with."""
    rows = [f"| {p.rows} | {p.seconds:.1f} | {p.bytes / 1e6:.2f} | {p.lines} | {p.modules} |" for p in points]
    made_with = ", ".join(f"{name} {version}" for name, version in versions().items())
    shown = ", ".join(f"{name} = {value}" for name, value in config.to_dict().items() if name not in ("rows", "seed"))
    return "\n".join(
        [
            "| rows | seconds | MB of Verilog | lines | modules |",
            "|---|---|---|---|---|",
            *rows,
            "",
            f"One core of {platform.machine()}, Python {platform.python_version()}, {made_with}; {shown}.",
        ]
    )
