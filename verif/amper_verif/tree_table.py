"""Organisation tree over sizes and widths of codes: every index against the golden model; it goes on where it was.

What was done is a line of JSON each, and the table, a page beside the lines, is what all of them say.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amper import AmperConfig
from amper.backends.backend import DeviceError
from amper_report import json_lines
from amper_report.tables import table
from amper_verif.harness.simulators import SimulationError
from amper_verif.native.run import extreme_run, random_run
from amper_verif.verify import verify

SIZES = (2, 3, 17, 1000, 4096, 16_384, 65_535, 65_536)
WIDTHS = (16, 4, 32)
_MOST_ROWS = {"icarus": 1000, "verilator": 4096}  # that a bench in Python takes minutes for
TRACE = Path("verif/traces/cartpole-2000.npz")
_TRACE_OPERATIONS = 6000
_HEAD = """\
# Organisation tree over sizes and widths of codes

Made by `python -m amper_verif.tree_table`, whose text says what each check is: indices compared, and what differed."""
_CALLS = 2000
_FAST_ROWS = 1000  # for the golden model


@dataclass(frozen=True)
class Case:
    """A check of a size; ``check`` is one of ``CHECKS``."""

    rows: int
    priority_width: int
    check: str

    @property
    def config(self) -> AmperConfig:
        """Codes and rows of the case, and memories as an FPGA has them."""
        return AmperConfig(
            rows=self.rows,
            priority_width=self.priority_width,
            organisation="tree",
            primitives="blocks",
            seed=self.rows + self.priority_width,
        )


def cases() -> list[Case]:
    """Check by check, those of the usual width first."""
    return [
        Case(rows, width, check)
        for check in CHECKS
        for width in WIDTHS
        for rows in SIZES
        if rows <= _MOST_ROWS.get(check, rows) and not (check == "trace" and (rows < 2000 or width != WIDTHS[0]))
    ]


def _verilator(config: AmperConfig) -> tuple[int, int]:
    found = verify(config, simulator="verilator", batches=60)
    return found.compared, found.mismatches


def _icarus(config: AmperConfig) -> tuple[int, int]:
    found = verify(config, simulator="icarus", batches=40, corners=False)
    return found.compared, found.mismatches


def _trace(config: AmperConfig) -> tuple[int, int]:
    found = verify(config, simulator="verilator", trace=TRACE, operations=_TRACE_OPERATIONS, stretch=True)
    return found.compared, found.mismatches


def _native(config: AmperConfig) -> tuple[int, int]:
    names = ("golden", "exact", "rtl")
    calls = _CALLS if config.rows <= _FAST_ROWS else _CALLS // 4
    runs = random_run(config, names, calls, config.seed), extreme_run(config, names)
    return sum(run.compared for run in runs), sum(run.mismatches for run in runs)


#: Names and what they do: (indices compared, mismatches). All hold the RTL against the golden model.
CHECKS: dict[str, Callable[[AmperConfig], tuple[int, int]]] = {
    "verilator": _verilator,  # random operations, corners, adversarial ones
    "icarus": _icarus,  # random operations
    "native": _native,  # random calls and the hardest memories, the RTL as native code by Verilator; and the software
    "trace": _trace,  # the recorded trace stretched over all rows
}


def done(file: Path) -> dict[Case, dict[str, Any]]:
    """What ``file`` says; a last line that is half there is not counted."""
    return {Case(one["rows"], one["priority_width"], one["check"]): one for one in json_lines.read(file)}


def run(file: Path) -> dict[Case, dict[str, Any]]:
    """All cases that ``file`` does not have; a line each as it is done."""
    for case in cases():
        if case in done(file):
            continue
        begin = time.monotonic()
        compared, mismatches = CHECKS[case.check](case.config)
        line = {**vars(case), "compared": compared, "mismatches": mismatches}
        json_lines.append(file, line | {"seconds": round(time.monotonic() - begin)})
    return done(file)


def page(found: dict[Case, dict[str, Any]]) -> str:
    """A line for each number of rows and width; indices compared by each check, and what differed."""
    lines = []
    for width in WIDTHS:
        for rows in SIZES:
            ran = [found.get(Case(rows, width, check)) for check in CHECKS]
            if any(ran):
                compared = [f"{one['compared']:,}" if one else "" for one in ran]
                lines.append([f"{rows:,}", width, *compared, sum(one["mismatches"] for one in ran if one)])
    return table(("n", "Q", *CHECKS, "mismatches"), lines)


def main(arguments: list[str] | None = None) -> int:
    """The command; returns 1 on any mismatch, now or before, and where nothing was compared."""
    parser = argparse.ArgumentParser(prog="python -m amper_verif.tree_table", description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path("build/tree-table.jsonl"), metavar="FILE")
    options = parser.parse_args(arguments)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    try:
        found = run(options.output)
    except (DeviceError, SimulationError) as error:
        print(f"tree_table: error: {error}", file=sys.stderr)
        return 2
    text = page(found)
    options.output.with_suffix(".md").write_text(f"{_HEAD}\n\n{text}\n", encoding="utf-8")
    print(text)
    return 1 if any(one["mismatches"] or not one["compared"] for one in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
