"""Fifty odd configurations through every linter: ends of ranges, every bus, both organisations; it can be stopped.

What the linters said of each is a line of JSON, made once: after a fault was mended its line is to be taken out.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from amper import AmperConfig
from amper_hw.output.generate import generate
from amper_report import json_lines
from amper_spec.config import BUSES
from amper_verif.fuzz import random_config
from amper_verif.harness.lint import LintError, lint

COUNT = 50
ROWS = (1, 2, 3, 5, 4095, 65537)
PORTS = (1, 2, 4, 8, 16)


def odd_config(number: int) -> AmperConfig:
    """One of them: sizes, widths, ports and buses in turn, the rest by chance. AMPER's variants end at 4,095 rows."""
    chance = random.Random(f"odd/{number}")
    rows = ROWS[number % len(ROWS)]
    large = rows > 4095
    ports = ("search_ports", "draw_ports", "write_ports")
    given: dict[str, Any] = {"rows": rows, "priority_width": 4 + number * 5 % 29}
    given |= {name: PORTS[(number // len(PORTS) ** place + number) % len(PORTS)] for place, name in enumerate(ports)}
    if large:
        given |= {"variants": ("exact",), "organisation": "parallel"}
    if number % 18 != 17 if large else rows > 1 and number % 9 % 2:
        given |= {"variants": ("exact",), "organisation": "tree", "draw_ports": 1, "write_ports": 1}
    return random_config(chance, buses=(BUSES[number * 7 // 6 % len(BUSES)],), **given)


def parallel_rows(config: AmperConfig) -> int:
    """How many rows the linters have to look at."""
    return config.rows if config.organisation == "parallel" else 0


def record(number: int) -> dict[str, Any]:
    """What the linters say of one, and how long all of it took."""
    begin = time.monotonic()
    config = odd_config(number)
    with tempfile.TemporaryDirectory() as folder:
        verilog, _ = generate(config).save(folder)
        said = {result.linter: result.complaints for result in lint(verilog, config.name) if not result.passed}
        size = verilog.stat().st_size
    seconds = round(time.monotonic() - begin, 1)
    return {"number": number, "options": config.options(), "bytes": size, "seconds": seconds, "complaints": said}


def main(arguments: list[str] | None = None) -> int:
    """The command; returns 1 where a linter said a word."""
    parser = argparse.ArgumentParser(prog="python -m amper_verif.harness.odd_lint", description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path("build/odd-lint.jsonl"), metavar="FILE")
    options = parser.parse_args(arguments)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    done = {one["number"] for one in json_lines.read(options.output)}
    for number in sorted(set(range(COUNT)) - done, key=lambda number: parallel_rows(odd_config(number))):
        try:
            one = record(number)
        except LintError as error:
            print(f"odd_lint: error: {error}", file=sys.stderr)
            return 2
        json_lines.append(options.output, one)
        verdict = "FAILED" if one["complaints"] else "passed"
        print(f"{number:>2} {verdict} {one['seconds']:>6} s  {' '.join(one['options'])}", flush=True)
    found = json_lines.read(options.output)
    failed = [one["number"] for one in found if one["complaints"]]
    print(f"{len(found) - len(failed)} of {len(found)} configurations accepted without a word")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
