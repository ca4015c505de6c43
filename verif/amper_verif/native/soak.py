"""Random calls without end on the RTL and on the exact software, over presets and odd shapes; it goes on where it was.

The calls, legal and not, are programs (``native.program``) of a seed and the configuration alone; the RTL makes those
that are not legal, too, and has to refuse them. A round is the next seed; it is a line of JSON. What was done on other
Verilog than a shape's is now does not count.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import re
import sys
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from amper import VARIANTS, AmperConfig
from amper.backends import backend as software
from amper.backends.backend import DeviceError
from amper_hw.output.generate import generate
from amper_report import json_lines
from amper_spec.build import OF_THE_TREE
from amper_verif.native.answers import Follower, counts
from amper_verif.native.backend import open_backend
from amper_verif.native.build import structure
from amper_verif.native.program import PART, part


@dataclass(frozen=True)
class Shape:
    """``values`` : of the configuration. ``calls`` : of a round, of some seconds each."""

    values: dict[str, Any]
    calls: int

    @property
    def config(self) -> AmperConfig:
        """What is simulated, with native ports; a preset's bus has no part in it."""
        values = dict(self.values)
        preset = values.pop("preset", None)
        return AmperConfig.from_dict(values) if preset is None else AmperConfig.preset(preset, **values)


SIMULATORS = ("verilator", "cxxrtl")

_TINY = {"rows": 12, "bank_rows": 4, "priority_width": 6, "groups": 3, "batch": 6}
_TREE = OF_THE_TREE | {"organisation": "tree"}

#: Presets, and shapes at the ends of their ranges. Small ones get most of the calls: they take the least cycles.
SHAPES = {
    "preset small": Shape({"preset": "small"}, 400_000),
    "preset paper": Shape({"preset": "paper"}, 4_096),
    "preset fast": Shape({"preset": "fast"}, 10_000),
    "one row": Shape({"rows": 1}, 400_000),
    "12 rows": Shape(_TINY | {"variants": VARIANTS, "variant": "k"}, 200_000),
    "m above n": Shape({"rows": 5, "groups": 20, "variants": VARIANTS, "variant": "fr"}, 100_000),
    "Q = 32": Shape({"rows": 33, "priority_width": 32, "variants": VARIANTS, "variant": "exact"}, 10_000),
    "Q = 4": Shape({"rows": 257, "priority_width": 4}, 100_000),
    "b = 4096": Shape({"rows": 100, "batch": 4096}, 20_000),
    "most ports": Shape(
        {"rows": 64, "search_ports": 8, "draw_ports": 8, "write_ports": 8, "variants": VARIANTS}, 10_000
    ),
    "stratified": Shape(_TINY | {"draws": "stratified", "draw_ports": 2, "write_ports": 2}, 200_000),
    "shallow": Shape(_TINY | {"pipeline": "shallow", "result_priority": False}, 400_000),
    "parity": Shape(_TINY | {"protection": "parity"}, 100_000),
    "sum tree": Shape(_TREE | {"rows": 33, "batch": 16}, 400_000),
    "sum tree, secded": Shape(_TREE | {"rows": 33, "batch": 16, "protection": "secded"}, 100_000),
    "sum tree, banks": Shape(
        _TREE | {"rows": 100, "banks": 4, "draw_ports": 4, "write_ports": 4, "draws": "stratified"}, 40_000
    ),
}


@dataclass(frozen=True)
class Total:
    """Of all rounds of a shape on its Verilog as it is now; ``rounds`` : on any, so that no seed comes twice."""

    calls: int = 0
    compared: int = 0
    mismatches: int = 0
    rounds: int = 0
    kinds: dict[str, int] = field(default_factory=dict)


@dataclass
class Round:
    """``compared`` : rows drawn by the RTL, against software. ``kinds`` : calls by kind and status."""

    calls: int = 0
    compared: int = 0
    mismatches: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    first: str = ""


@functools.cache
def verilog_digest(shape: str) -> str:
    """Of a shape's Verilog without its comments."""
    verilog = generate(structure(SHAPES[shape].config)).verilog
    return hashlib.sha256(re.sub(r"\s*//.*", "", verilog).encode()).hexdigest()[:16]


def totals(file: Path) -> dict[str, Total]:
    """What ``file`` says of each shape that it has; a last line that is half there is not counted."""
    found: dict[str, Total] = {}
    for one in json_lines.read(file):
        name = one["shape"]
        before = found.get(name, Total())
        found[name] = replace(before, rounds=before.rounds + 1)
        if name in SHAPES and one["verilog"] == verilog_digest(name):
            sums = {each: getattr(before, each) + one[each] for each in ("calls", "compared", "mismatches")}
            found[name] = replace(found[name], **sums, kinds=dict(Counter(before.kinds) + Counter(one["kinds"])))
    return found


def soak(
    file: Path, *, rounds: int, calls: int | None = None, names: Collection[str] = (), simulator: str = SIMULATORS[0]
) -> dict[str, Total]:
    """A shape's ``calls`` of a round, at most ``calls``, for every shape with fewer than ``rounds`` rounds in ``file``.

    Parameters
    ----------
    names : of shapes; the others are left out. None named: all. simulator : verilator or cxxrtl.
    """
    chosen = {name: shape for name, shape in SHAPES.items() if not names or name in names}
    done = Counter(one["shape"] for one in json_lines.read(file))
    for number in range(rounds):
        for name, shape in chosen.items():
            if done[name] > number:
                continue
            asked = shape.calls if calls is None else min(calls, shape.calls)
            run = one_round(replace(shape.config, seed=number + 1), asked, number + 1, simulator, name)
            line = {"shape": name, "seed": number + 1, "verilog": verilog_digest(name), "calls": run.calls}
            line |= {"compared": run.compared, "mismatches": run.mismatches, "kinds": run.kinds, "first": run.first}
            json_lines.append(file, line)
    found = totals(file)
    return {name: found.get(name, Total()) for name in chosen}


def one_round(config: AmperConfig, calls: int, seed: int, simulator: str = SIMULATORS[0], name: str = "") -> Round:
    """``calls`` calls from reset on, or as many as come before the first that differs, and that one."""
    run = Round()
    follower = Follower(config, software.open_backend("exact", config))
    rtl = open_backend(config, simulator)
    with tqdm(total=calls, desc=name, unit="call", mininterval=1) as bar:
        while run.calls < calls and not run.mismatches:
            program = part(config, seed, run.calls // PART).until(calls - run.calls)
            wanted, given = follower.run(program), rtl.run(program)
            run.compared += wanted.drawn.size
            run.kinds.update(counts(program, wanted))
            differs = wanted.difference(given)
            if differs is not None:
                run.mismatches = 1
                run.first = f"call {run.calls + differs + 1}: {program.words(differs)}: "
                run.first += f"software {wanted.of(differs)}, RTL {given.of(differs)}"
            run.calls += program.kinds.size if differs is None else differs + 1
            bar.update(program.kinds.size)
    rtl.close()
    return run


def replayed(shape: str, seed: int, calls: int, simulator: str = SIMULATORS[0]) -> list[str]:
    """A round of ``shape`` up to call ``calls``, which is what a mismatch needs: what each backend makes of the last.

    Beside the RTL and both kinds of software, the golden model, which takes a second for some thousand calls.
    """
    config = replace(SHAPES[shape].config, seed=seed)
    rtl = open_backend(config, simulator)
    runs = {name: Follower(config, software.open_backend(name, config)).run for name in ("golden", "exact")}
    runs["rtl"] = rtl.run
    programs = [part(config, seed, number) for number in range(-(-calls // PART))]
    programs[-1] = programs[-1].until(calls - PART * (len(programs) - 1))
    last = programs[-1].kinds.size - 1
    lines = [f"call {calls}: {programs[-1].words(last)}"]
    for name, run in runs.items():
        outcome, csp_size, rows = [run(program) for program in programs][-1].of(last)
        lines.append(f"{name:8} outcome {outcome}, |CSP| {csp_size}, rows {rows}")
    rtl.close()
    return lines


def main(arguments: list[str] | None = None) -> int:
    """The command; returns 1 on any mismatch, now or before, and where nothing was compared."""
    parser = argparse.ArgumentParser(prog="python -m amper_verif.native.soak", description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=1, metavar="N", help="of every shape, in all (default 1; 0: show them)"
    )
    parser.add_argument("--calls", type=int, metavar="N", help="a round, at most (default: of some seconds)")
    parser.add_argument("-o", "--output", type=Path, default=Path("build/soak.jsonl"), metavar="FILE")
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=(), metavar="SHAPE", help="(default all)")
    parser.add_argument("--simulator", choices=SIMULATORS, default=SIMULATORS[0], help="(default %(default)s)")
    help_replay = "of one shape, up to this call: what golden model, software and RTL make of it"
    parser.add_argument("--replay", nargs=2, type=int, metavar=("SEED", "CALL"), help=help_replay)
    options = parser.parse_args(arguments)
    if options.replay and len(options.shapes) != 1:
        parser.error(f"--replay needs one shape, not {len(options.shapes)}")
    options.output.parent.mkdir(parents=True, exist_ok=True)
    try:
        if options.replay:
            seed, call = options.replay
            print("\n".join(replayed(options.shapes[0], seed, call, options.simulator)))
            return 0
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
