"""A campaign of upsets: each register bit of a sampler flipped once, and what became of it. Page:
docs/hardware/upsets.md.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from amper import AmperConfig
from amper_hw.output.generate import generate
from amper_report.tables import table
from amper_verif.harness.simulation import run_bench

OUTCOMES = ("masked", "detected", "hang", "silent")
ROWS = "rows"  # the module that holds them, in reports


@dataclass(frozen=True)
class Upset:
    """Bits of one register that were flipped in a cycle of the program, and what became of it."""

    module: str
    register: str
    bits: tuple[int, ...]
    cycle: int
    outcome: str


def upsets(
    config: AmperConfig, *, doubles: int = 4, seed: int = 1, folder: Path, progress: bool = False
) -> list[Upset]:
    """Flips every register bit once, in Icarus; then ``doubles`` pairs of bits in each row.

    ValueError : a configuration that the program is not for. SimulationError : see there.
    """
    _check(config, doubles)
    verilog = generate(config).verilog
    storage = next(name for name in registers(verilog) if name.startswith(f"{config.name}_row_storage"))
    report = run_bench(
        verilog=verilog,
        top=config.name,
        bench="sampler.upsets",
        parameters={
            "config": config.to_dict(),
            "seed": seed,
            "doubles": doubles,
            "registers": registers(verilog),
            "storage": storage,
        },
        simulator="icarus",
        folder=folder,
        seed=seed,
        progress=progress,
    )
    found = [Upset(module, path, tuple(bits), cycle, said) for module, path, bits, cycle, said in report["upsets"]]
    missed = set(registers(verilog)) - {one.module for one in found}
    assert not missed, f"no register of {', '.join(sorted(missed))} was flipped"
    return found


def _check(config: AmperConfig, doubles: int) -> None:
    rules = {
        "bus must be native": config.bus == "native",
        "variants must be exact alone": config.variants == ("exact",),
        "organisation must be parallel": config.organisation == "parallel",
        "primitives must be gates": config.primitives == "gates",
        "result_priority must be yes": config.result_priority,
        "draw_ports and write_ports must be 1": config.draw_ports == config.write_ports == 1,
    }
    for rule, kept in rules.items():
        if not kept:
            raise ValueError(f"upsets: {rule}")
    if doubles < 0:
        raise ValueError(f"doubles must be at least 0, not {doubles}")


def registers(verilog: str) -> dict[str, list[str]]:
    """The names of all registers, by module; a module without one is left out."""
    found: dict[str, list[str]] = {}
    for module in re.finditer(r"^module (\w+).*?^endmodule", verilog, re.MULTILINE | re.DOTALL):
        # A register without a clock would be an upset of no use: there is none in the Verilog that is generated.
        names = re.findall(r"\breg (?:\[\d+:\d+\] )?(\w+)(?: \[\d+:\d+\])?[;,]?\s*(?://.*)?$", module[0], re.MULTILINE)
        if names:
            found[module[1]] = names
    return found


def by_module(found: list[Upset], config: AmperConfig) -> str:
    """Markdown: a line a module, and one for pairs in a row."""
    counts: Counter[tuple[str, str]] = Counter()
    for one in found:
        name = one.module.removeprefix(f"{config.name}_")
        if name.startswith("row_storage"):
            name = ROWS if len(one.bits) == 1 else f"{ROWS}, two bits of one"
        counts[name, one.outcome] += 1
    names = sorted({name for name, _ in counts})
    rows = [
        [name, sum(counts[name, each] for each in OUTCOMES), *(counts[name, each] for each in OUTCOMES)]
        for name in names
    ]
    return table(("flipped in", "flips", *OUTCOMES), rows)
