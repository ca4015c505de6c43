"""The same calls on several backends of ``amper.Device``: every index, weight and error has to be the same.

Random calls (writes, updates, removals, samples, changes of parameters, some of them refused), or a recorded trace.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from amper import VARIANTS, AmperConfig, DisabledError
from amper.backends.backend import DeviceError, Factory
from amper.backends.fast import fast_backend
from amper.operations.adversarial import extreme_memories
from amper.operations.recorded import check_trace_fits
from amper.operations.trace import Draw, Trace
from amper.sampler.device import Device
from amper_spec.algorithm import DRAWS, ORGANISATIONS
from amper_spec.build import OF_THE_TREE
from amper_verif.native.backend import open_backend
from amper_verif.native.calls import Call, RandomCalls

BACKENDS: dict[str, str | Factory] = {
    "golden": "golden",
    "exact": "exact",
    "numpy": functools.partial(fast_backend, compiled=False),
    "rtl": open_backend,
    "cxxrtl": functools.partial(open_backend, simulator="cxxrtl"),
}
RANDOM_BACKENDS = ("exact", "rtl")  # of which the golden model is left out: it takes hours


@dataclass
class Comparison:
    """What was done and compared, with the first backend as the reference."""

    devices: dict[str, Device]
    calls: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    compared: int = 0  # indices of one backend against the first
    mismatches: int = 0
    first_mismatch: str = ""

    def make(self, kind: str, call: Call) -> None:
        """Make a call on every device and compare what it gives."""
        self.calls[kind] += 1
        (first, reference), *others = [(name, _outcome(device, call)) for name, device in self.devices.items()]
        self.refused += isinstance(reference, str)
        for name, given in others:
            self.compared += reference[0].size if isinstance(reference, tuple) else 0
            if not _equal(reference, given):
                self.mismatch(f"call {self.calls.total()}, {kind}: {first} gave {reference}, {name} gave {given}")

    def mismatch(self, text: str) -> None:
        """Something differs."""
        self.mismatches += 1
        self.first_mismatch = self.first_mismatch or text

    def finish(self) -> None:
        """Compare all that the devices hold, their random streams and parameters."""
        (first, reference), *others = [(name, device.state()) for name, device in self.devices.items()]
        for name, state in others:
            for key, value in reference.items():
                if not _equal(value, state[key]):
                    self.mismatch(f"in the end {key} was {value} in {first}, {state[key]} in {name}")

    def lines(self) -> list[str]:
        """What there is to say."""
        names = ", ".join(self.devices)
        counts = ", ".join(f"{count:,} {kind}" for kind, count in self.calls.most_common())
        lines = [
            f"backends    {names}",
            f"calls       {self.calls.total():,}: {counts}",
            f"refused     {self.refused:,}, with the same words",
            f"compared    {self.compared:,} indices and weights, {self.mismatches} mismatches",
        ]
        for name, device in self.devices.items():
            if device.cycles.total:
                cycles = device.cycles
                lines.append(
                    f"cycles      {name}: {cycles.total:,} ({cycles.sample:,} sample, {cycles.write:,} write, "
                    f"{cycles.set_parameter:,} change)"
                )
        return [*lines, *([f"first       {self.first_mismatch}"] if self.mismatches else [])]


def random_run(
    config: AmperConfig, names: Iterable[str], operations: int, seed: int, *, changes: bool = True
) -> Comparison:
    """``operations`` random calls on the named backends, with ``changes`` of parameters or without."""
    run = _opened(config, names)
    calls = RandomCalls(next(iter(run.devices.values())), seed, changes=changes)
    run.make("write", lambda device: device.extend(np.linspace(0.1, 1.0, config.rows)).size)
    for _ in tqdm(range(operations - 1), unit="call", mininterval=1, initial=1, total=operations):
        run.make(*calls.next())
    run.finish()
    return run


def extreme_run(config: AmperConfig, names: Iterable[str]) -> Comparison:
    """Each of ``extreme_memories`` written over the one before, and two batches from it."""
    run = _opened(config, names)
    for codes in extreme_memories(config.rows, config.priority_max):
        priorities = np.array(codes) / config.priority_scale
        run.make("write", _write_all(np.arange(config.rows), priorities))
        for _ in range(2):
            run.make("sample", _sample(config.batch))
    run.finish()
    return run


def trace_run(config: AmperConfig, names: Iterable[str], trace: Trace) -> Comparison:
    """A trace's writes, updates and draws on the named backends. ValueError : it does not fit the configuration."""
    check_trace_fits(config, trace)
    run = _opened(config, names)
    for step in tqdm(trace.operations(), unit="call", mininterval=1, total=len(trace)):
        run.make(step.kind.name.lower(), _sample(len(step.rows)) if isinstance(step, Draw) else _write(step))
    run.finish()
    return run


def _opened(config: AmperConfig, names: Iterable[str]) -> Comparison:
    return Comparison({name: Device(config, BACKENDS[name]) for name in names})


def _sample(batch: int) -> Call:
    return lambda device: device.sample(batch)


def _write(step: Any) -> Call:
    return _write_all([step.row], [step.priority])


def _write_all(rows: Any, priorities: Any) -> Call:
    return lambda device: device.write(rows, priorities)


def _outcome(device: Device, call: Call) -> Any:
    try:
        return call(device)
    except (ValueError, DisabledError) as error:
        return repr(error)


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_equal, one, other))
    return type(one) is type(other) and np.array_equal(one, other)


def main(arguments: list[str] | None = None) -> int:
    """The command; returns 1 on any mismatch, and when nothing was compared."""
    parser = argparse.ArgumentParser(prog="python -m amper_verif.native.run", description=__doc__)
    parser.add_argument("--operations", type=int, default=10_000, metavar="N", help="random calls (default: 10000)")
    parser.add_argument("--no-changes", action="store_true", help="random calls without changes of parameters")
    parser.add_argument("--trace", metavar="FILE", help="replay this recorded trace in place of random calls")
    parser.add_argument("--backends", metavar="B,B", help=f"of {', '.join(BACKENDS)} (default: exact,rtl; trace: all)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of calls and devices (default: 1)")
    parser.add_argument("--rows", type=int, metavar="N", help="(default: 257, or the trace's)")
    parser.add_argument("--priority-width", type=int, default=16, metavar="Q", help="(default: 16)")
    parser.add_argument(
        "--variant", default="exact", metavar="V", help=f"of {', '.join(VARIANTS)}, at first (default: %(default)s)"
    )
    parser.add_argument("--alone", action="store_true", help="build only this variant in, not all five")
    parser.add_argument("--draws", default="independent", metavar="X", help=f"of exact: {', '.join(DRAWS)}")
    parser.add_argument("--organisation", default="parallel", metavar="X", help=f"of exact: {', '.join(ORGANISATIONS)}")
    parser.add_argument("--banks", type=int, default=1, metavar="S", help="of organisation tree; then D = W = S")
    options = parser.parse_args(arguments)
    try:
        trace = None if options.trace is None else Trace.load(Path(options.trace))
        names = (options.backends or ",".join(RANDOM_BACKENDS if trace is None else BACKENDS)).split(",")
        unknown = [name for name in names if name not in BACKENDS]
        if unknown or len(names) < 2:
            raise ValueError(f"backends must be two or more of {', '.join(BACKENDS)}, not {','.join(names)}")
        if options.operations < 1:
            raise ValueError(f"operations must be at least 1, not {options.operations}")
        config = _config(options, trace)
        run = (
            random_run(config, names, options.operations, options.seed, changes=not options.no_changes)
            if trace is None
            else trace_run(config, names, trace)
        )
    except (ValueError, TypeError, ImportError, DeviceError) as error:
        print(f"run: error: {error}", file=sys.stderr)
        return 2
    print("\n".join(run.lines()))
    return 1 if run.mismatches or not run.compared else 0


def _config(options: argparse.Namespace, trace: Trace | None) -> AmperConfig:
    """Few cycles a batch, which changes no index; every variant built in, unless one is wanted alone or the tree."""
    tree = options.organisation == "tree"
    values = {
        "rows": options.rows or (257 if trace is None else trace.rows),
        "priority_width": options.priority_width,
        "variant": options.variant,
        "variants": ("exact",) if tree else (options.variant,) if options.alone else VARIANTS,
        "draws": options.draws,
        "organisation": options.organisation,
        "seed": options.seed,
        "search_ports": 4,
        "result_priority": False,
        "banks": options.banks,
    }
    ports = {"draw_ports": options.banks, "write_ports": options.banks}
    build = OF_THE_TREE | ports if tree else {"draw_ports": 4, "write_ports": 4, "pipeline": "shallow"}
    return AmperConfig.from_dict(values | build)


if __name__ == "__main__":
    sys.exit(main())
