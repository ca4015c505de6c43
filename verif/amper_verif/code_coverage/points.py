"""Verilator's points of coverage: read from its files, and merged over runs and over a module's instances."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

KINDS = ("line", "branch", "toggle")


@dataclass(frozen=True, order=True)
class Point:
    """``kind`` : see KINDS. ``line`` : of the Verilog. ``name`` : of a branch what it is of, "if" or "else"; of a
    toggle the bit and its direction, as in ``count[3]:0->1``.
    """

    module: str
    kind: str
    line: int
    column: int
    name: str


def read_points(file: Path) -> Counter[Point]:
    """The counts of one run, of all instances of a module together.

    Raises
    ------
    ValueError : not a file of Verilator's coverage.
    """
    text = file.read_text(encoding="utf-8")
    if not text.startswith("# SystemC::Coverage-3\n"):
        raise ValueError(f"{file} must be a coverage file of Verilator, and is not")
    counts: Counter[Point] = Counter()
    for keys, count in re.findall(r"(?m)^C '(.*)' (\d+)$", text):
        said = dict(re.findall("\x01([^\x02]*)\x02([^\x01]*)", keys))
        if said["t"] in KINDS:
            module = said["page"].partition("/")[2]
            # Verilator writes what would be unclear in a name of C as its code.
            name = re.sub("__0([0-9A-F]{2})", lambda code: chr(int(code[1], 16)), said["o"])
            counts[Point(module, said["t"], int(said["l"]), int(said["n"]), name)] += int(count)
    return counts


def merged(files: Iterable[Path]) -> Counter[Point]:
    """The sums over several runs of the same Verilog; points that were never hit are there with 0."""
    total: Counter[Point] = Counter()
    for file in files:
        for point, count in read_points(file).items():
            total[point] += count
    return total
