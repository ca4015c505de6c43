"""What the bench of the sampler does to it: its operations, and how they are written down."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from amper import AmperConfig, quantise
from amper.operations.trace import Draw, Trace
from amper.operations.vocabulary import Operation, Sample, Settle, Write, beats, decoded


def workload(config: AmperConfig, choice: dict[str, Any], seed: int) -> list[Operation]:
    """The operations of ``choice``.

    {"kind": "random", "batches": N}, {"kind": "trace", "path": P, "operations": N or None}, {"kind": "ramp"} or
    {"kind": "listed", "operations": as from ``encoded``}.
    """
    from amper.operations.random import random_operations  # it builds on this module

    if choice["kind"] == "listed":
        return decoded(choice["operations"])
    if choice["kind"] == "ramp":
        return ramp_operations(config)
    if choice["kind"] == "trace":
        return trace_operations(config, Trace.load(Path(choice["path"])), choice.get("operations"))
    return random_operations(config, choice["batches"], seed, resets=choice.get("resets", True))


def ramp(config: AmperConfig) -> list[Operation]:
    """Ascending priorities, so that Vmax is always settled; the last row holds the largest code."""
    top = config.priority_max
    return beats(config, (Write(row, top * (row + 1) // config.rows) for row in range(config.rows)))


def ramp_operations(config: AmperConfig) -> list[Operation]:
    """A ramp, then three undisturbed batches: for the latency of a batch."""
    operations = ramp(config)
    for _ in range(3):
        operations += [Settle(), Sample(config.batch)]
    return operations


def check_trace_fits(config: AmperConfig, trace: Trace) -> None:
    """ValueError unless the configuration has the rows and the batch size of the trace."""
    if trace.rows > config.rows:
        raise ValueError(f"rows must be at least the trace's {trace.rows}, not {config.rows}")
    if trace.batch > config.batch:
        raise ValueError(f"batch must be at least the trace's {trace.batch}, not {config.batch}")


def trace_steps(config: AmperConfig, trace: Trace, limit: int | None = None) -> list[Write | Sample]:
    """The trace's writes and updates as priority codes, its draws as requests of the same size; the first ``limit``."""
    check_trace_fits(config, trace)
    steps: list[Write | Sample] = []
    for operation in itertools.islice(trace.operations(), limit):
        if isinstance(operation, Draw):
            steps.append(Sample(len(operation.rows)))
        else:
            steps.append(Write(operation.row, int(quantise(operation.priority, config))))
    return steps


def trace_operations(config: AmperConfig, trace: Trace, limit: int | None = None) -> list[Operation]:
    """``trace_steps`` with the writes between two draws in transfers of up to W."""
    operations: list[Operation] = []
    writes: list[Write] = []
    for step in trace_steps(config, trace, limit):
        if isinstance(step, Write):
            writes.append(step)
            continue
        operations += [*beats(config, writes), step]
        writes.clear()
    return [*operations, *beats(config, writes)]
