"""A campaign of upsets: each register bit of a sampler flipped once, or of organisation tree each bit of its RAM, and
what became of it. Page: docs/hardware/upsets.md.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from amper import AmperConfig
from amper_hw.output.generate import generate
from amper_report.tables import table
from amper_verif.harness.modules import modules_of
from amper_verif.harness.simulation import run_bench

OUTCOMES = ("masked", "detected", "hang", "silent")
TREE_OUTCOMES = ("masked", "corrected", "detected", "hang", "silent")
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
    config: AmperConfig,
    *,
    doubles: int = 4,
    repeats: int = 1,
    only: str = "",
    seed: int = 1,
    folder: Path,
    progress: bool = False,
) -> list[Upset]:
    """Flips every register bit once, in Icarus; then ``doubles`` pairs of bits in each row. Of organisation tree every
    bit of the RAM, ``repeats`` times, and so many times ``doubles`` pairs of bits in each word.

    ``only``: the registers of modules whose names have it in them, and not all; of organisation tree, the words whose
    paths have.
    ValueError : a configuration that the program is not for. SimulationError : see there.
    """
    _check(config, doubles, repeats)
    verilog = generate(config).verilog
    parameters = {"config": config.to_dict(), "seed": seed, "doubles": doubles}
    if config.organisation == "tree":
        chosen = words(verilog)
        parameters |= {"registers": chosen, "repeats": repeats, "only": only}
    else:
        chosen = {module: names for module, names in registers(verilog).items() if only in module}
        parameters |= {"registers": chosen, "storage": f"{config.name}_row_storage"}
        if not chosen:
            raise ValueError(f"only must be a part of the name of a module with registers, not {only!r}")
    report = run_bench(
        verilog=verilog,
        top=config.name,
        bench="tree.upsets" if config.organisation == "tree" else "sampler.upsets",
        parameters=parameters,
        simulator="icarus",
        folder=folder,
        seed=seed,
        progress=progress,
    )
    found = [Upset(module, path, tuple(bits), cycle, said) for module, path, bits, cycle, said in report["upsets"]]
    if config.organisation == "tree" and not found:
        raise ValueError(f"only must be a part of the path of a word of RAM, not {only!r}")
    missed = set() if only else set(chosen) - {one.module for one in found}
    assert not missed, f"no register of {', '.join(sorted(missed))} was flipped"
    return found


def _check(config: AmperConfig, doubles: int, repeats: int) -> None:
    rules = {
        "bus must be native": config.bus == "native",
        "variants must be exact alone": config.variants == ("exact",),
        "primitives must be gates": config.primitives == "gates" or config.organisation == "tree",
        "batch must be at least 2": config.batch > 1 or config.organisation == "parallel",
        "result_priority must be yes": config.result_priority,
        "draw_ports and write_ports must be 1": config.draw_ports == config.write_ports == 1,
    }
    for rule, kept in rules.items():
        if not kept:
            raise ValueError(f"upsets: {rule}")
    if doubles < 0:
        raise ValueError(f"doubles must be at least 0, not {doubles}")
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1, not {repeats}")


def words(verilog: str) -> dict[str, list[str]]:
    """The names of the registers that are RAM, by module."""
    found = {
        module: [name for name in names if name.startswith("words_")] for module, names in registers(verilog).items()
    }
    return {module: names for module, names in found.items() if names}


def registers(verilog: str) -> dict[str, list[str]]:
    """The names of all registers, by module; a module without one is left out."""
    found: dict[str, list[str]] = {}
    for module in modules_of(verilog).values():
        declared = re.findall(r"\breg +(?:\[\d+:\d+\] +)?(\w+)", module.text)
        # The others are Verilog's way to write a multiplexer.
        names = [name for name in declared if re.search(rf"\b{name}(?:\[[\w:]+\])? <=", module.text)]
        if names:
            found[module.name] = names
    return found


def by_module(found: list[Upset], config: AmperConfig) -> str:
    """Markdown: a line a module, and one for pairs in a row."""
    tree = config.organisation == "tree"
    outcomes = TREE_OUTCOMES if tree else OUTCOMES
    counts: Counter[tuple[str, str]] = Counter()
    for one in found:
        counts[_word_name(one) if tree else _module_name(one, config), one.outcome] += 1
    names = sorted({name for name, _ in counts})
    rows = [
        [name, sum(counts[name, each] for each in outcomes), *(counts[name, each] for each in outcomes)]
        for name in names
    ]
    return table(("flipped in", "flips", *outcomes), rows)


def _module_name(one: Upset, config: AmperConfig) -> str:
    name = one.module.removeprefix(f"{config.name}_")
    if name.startswith("row_storage"):
        name = ROWS if len(one.bits) == 1 else f"{ROWS}, two bits of one"
    return name


def _word_name(one: Upset) -> str:
    name = "codes" if ".codes." in one.register else "sums"
    if ".checks." in one.register:
        name = f"check bits of {name}"
    return name if len(one.bits) == 1 else f"{name}, two of one word"
