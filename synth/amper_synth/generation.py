"""How long the generator takes and how much Verilog it writes, over the number of rows."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from amper import AmperConfig
from amper_hw.output.generate import generate, versions
from amper_report.tables import table

SIZES = (256, 1024, 4096, 16_384, 65_536)


@dataclass(frozen=True)
class GenerationPoint:
    """One generation."""

    rows: int
    seconds: float
    bytes: int
    lines: int
    modules: int


def measure(configs: Sequence[AmperConfig]) -> Iterator[GenerationPoint]:
    """Generate each of them, one after the other."""
    generate(configs[0].changed(rows=2))  # what is imported late
    for config in configs:
        begin = time.perf_counter()
        verilog = generate(config).verilog
        seconds = time.perf_counter() - begin
        lines = verilog.splitlines()
        modules = sum(line.startswith("module ") for line in lines)
        yield GenerationPoint(config.rows, seconds, len(verilog.encode()), len(lines), modules)


def markdown(configs: Sequence[AmperConfig], points: Iterable[GenerationPoint]) -> str:
    """The points as a page's table, with what they were measured with."""
    rows = [(p.rows, f"{p.seconds:.1f}", f"{p.bytes / 1e6:.2f}", p.lines, p.modules) for p in points]
    made_with = ", ".join(f"{name} {version}" for name, version in versions().items())
    shown = in_common([config.to_dict() for config in configs])
    made = table(("rows", "seconds", "MB of Verilog", "lines", "modules"), rows)
    return f"{made}\n\nOne core of {platform.machine()}, Python {platform.python_version()}, {made_with}; {shown}."


def in_common(configs: Sequence[Mapping[str, Any]]) -> str:
    """The parameters in which they are all the same, but for the seed."""
    first = configs[0]
    same = [name for name in first if name != "seed" and all(config[name] == first[name] for config in configs)]
    return ", ".join(f"{name} = {first[name]}" for name in same)
