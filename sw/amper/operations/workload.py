"""What the bench of the sampler does to it: its operations, and how they are written down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from amper import AmperConfig
from amper.operations.vocabulary import Operation, Sample, Settle, Write, beats, decoded


def workload(config: AmperConfig, choice: dict[str, Any], seed: int) -> list[Operation]:
    """The operations of ``choice``.

    {"kind": "random", "batches": N, "corners": whether}, {"kind": "trace", "path": P, "operations": N or None,
    "stretch": whether}, {"kind": "ramp"} or {"kind": "listed", "operations": as from ``encoded``}.
    """
    from amper.operations.corners import corner_operations  # they build on this module
    from amper.operations.random import random_operations

    if choice["kind"] == "listed":
        return decoded(choice["operations"])
    if choice["kind"] == "ramp":
        return ramp_operations(config)
    if choice["kind"] == "trace":
        from amper.operations.recorded import trace_operations  # they load NumPy
        from amper.operations.trace import Trace

        trace = Trace.load(Path(choice["path"]))
        return trace_operations(config, trace, choice.get("operations"), stretch=choice.get("stretch", False))
    operations = random_operations(config, choice["batches"], seed, resets=choice.get("resets", True))
    return [*operations, *corner_operations(config, seed)] if choice.get("corners") else operations


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
