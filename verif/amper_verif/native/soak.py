"""Random calls without end on the RTL and on the exact software, over presets and odd shapes; it goes on where it was.

Each round gives every shape another seed. What was done is a line of JSON each, and the sums are what all lines say.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from amper import VARIANTS, AmperConfig
from amper.backends.backend import DeviceError
from amper_report import json_lines
from amper_spec.presets import PRESETS
from amper_verif.native.run import random_run

#: Shapes beside the presets: each is at an end of a range.
ODD: dict[str, dict[str, Any]] = {
    "one row": {"rows": 1},
    "m above n": {"rows": 5, "groups": 20, "variants": VARIANTS, "variant": "fr"},
    "Q = 32": {"rows": 33, "priority_width": 32, "variants": VARIANTS, "variant": "exact"},
    "Q = 4": {"rows": 257, "priority_width": 4},
    "b = 4096": {"rows": 100, "batch": 4096},
    "most ports": {"rows": 64, "search_ports": 8, "draw_ports": 8, "write_ports": 8, "variants": VARIANTS},
}


@dataclass(frozen=True)
class Total:
    """Of all rounds of a shape."""

    calls: int = 0
    compared: int = 0
    mismatches: int = 0
    rounds: int = 0


def shapes() -> dict[str, AmperConfig]:
    """Every preset, whose bus has no part in it, and every odd shape."""
    named = {f"preset {name}": AmperConfig.preset(name) for name in PRESETS}
    return named | {name: AmperConfig(**values) for name, values in ODD.items()}


def totals(file: Path) -> dict[str, Total]:
    """What ``file`` says of each shape; a last line that is half there is not counted."""
    found = dict.fromkeys(shapes(), Total())
    for one in json_lines.read(file):
        before = found.get(one["shape"], Total())
        found[one["shape"]] = Total(
            before.calls + one["calls"],
            before.compared + one["compared"],
            before.mismatches + one["mismatches"],
            before.rounds + 1,
        )
    return found


def soak(
    file: Path, *, rounds: int, calls: int, names: Collection[str] = (), simulator: str = "rtl"
) -> dict[str, Total]:
    """``calls`` random calls of every shape with fewer than ``rounds`` rounds in ``file``, round by round.

    Parameters
    ----------
    names : of shapes; the others are left out. None named: all. simulator : rtl, which is Verilator's, or cxxrtl.
    """
    chosen = {name: config for name, config in shapes().items() if not names or name in names}
    for number in range(rounds):
        for name, config in chosen.items():
            if totals(file)[name].rounds > number:
                continue
            run = random_run(replace(config, seed=number + 1), ("exact", simulator), calls, number + 1)
            line = {"shape": name, "seed": number + 1, "calls": run.calls.total(), "compared": run.compared}
            line |= {"mismatches": run.mismatches, "first": run.first_mismatch}
            json_lines.append(file, line)
    return {name: total for name, total in totals(file).items() if name in chosen}


def main(arguments: list[str] | None = None) -> int:
    """The command; returns 1 on any mismatch, now or before, and where nothing was compared."""
    parser = argparse.ArgumentParser(prog="python -m amper_verif.native.soak", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1, metavar="N", help="of every shape, in all (default 1)")
    parser.add_argument("--calls", type=int, default=100_000, metavar="N", help="a round (default 100000)")
    parser.add_argument("-o", "--output", type=Path, default=Path("build/soak.jsonl"), metavar="FILE")
    parser.add_argument("--shapes", nargs="+", choices=shapes(), default=(), metavar="SHAPE", help="(default all)")
    parser.add_argument("--simulator", choices=("rtl", "cxxrtl"), default="rtl", help="rtl is Verilator's (default)")
    options = parser.parse_args(arguments)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    try:
        found = soak(
            options.output,
            rounds=options.rounds,
            calls=options.calls,
            names=options.shapes,
            simulator=options.simulator,
        )
    except DeviceError as error:
        print(f"soak: error: {error}", file=sys.stderr)
        return 2
    for name, total in found.items():
        print(f"{name:16} {total.calls:>12,} calls {total.compared:>14,} compared {total.mismatches:>4} mismatches")
    return 1 if any(total.mismatches or not total.compared for total in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
