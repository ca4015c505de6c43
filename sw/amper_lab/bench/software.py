"""``amper bench software``: which contestants, and what was measured of them, as plain data for tables and files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from amper.sampler.options import Mode
from amper_lab.bench.bounds import bound, probes
from amper_lab.bench.contestant import Contestant, MissingError, Workload
from amper_lab.bench.ours import build_ours, our_name
from amper_lab.bench.peers import PEERS
from amper_lab.bench.timing import OPERATIONS, Times, collect, measure, quartiles

COMPARED: tuple[Mode, ...] = ("per", "amper-fr")
"""Modes that the peers are set in relation to."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to measure; as the command's options."""

    rows: Sequence[int]
    batch: int
    payloads: Sequence[bool]
    modes: Sequence[Mode]
    peers: Sequence[str]
    repeats: int
    calls: int
    seed: int
    touched: int = 0  # megabytes of other memory that are read before each call

    def __post_init__(self) -> None:
        for name, least in (("batch", 1), ("repeats", 1), ("calls", 1), ("seed", 0), ("touched", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, not {getattr(self, name)}")
        for rows in self.rows:
            if not 1 <= rows <= 1 << 28:
                raise ValueError(f"rows must be 1 to {1 << 28}, not {rows}")


@dataclass
class Results:
    """What was measured.

    Members
    -------
    times : one dictionary a size, contestant and operation; microseconds a call.
    ratios : one a size, peer, operation and mode of `COMPARED`: the peer's time divided by ours, repeat by repeat.
    bounds : one a size, mode and operation. probes : one a size. missing : reason by peer. notes : by contestant.
    """

    times: list[dict[str, Any]] = field(default_factory=list)
    ratios: list[dict[str, Any]] = field(default_factory=list)
    bounds: list[dict[str, Any]] = field(default_factory=list)
    probes: list[dict[str, Any]] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return dict(vars(self))


def run(plan: Plan, advance: Callable[[str], object]) -> Results:
    """Measure everything; ``advance`` is called with what comes next, once before each build and each repeat."""
    results = Results()
    for payload in plan.payloads:
        for rows in plan.rows:
            workload = Workload(rows, plan.batch, payload, plan.seed)
            _run_size(plan, workload, results, advance)
    return results


def steps(plan: Plan) -> int:
    """How often ``run`` calls ``advance``."""
    return len(plan.payloads) * len(plan.rows) * (len(plan.modes) + len(plan.peers) + plan.repeats)


def _run_size(plan: Plan, workload: Workload, results: Results, advance: Callable[[str], object]) -> None:
    where = f"n = {workload.rows:,}, {'with' if workload.payload else 'without'} transitions"
    contestants: list[Contestant] = []
    for mode in plan.modes:
        advance(f"{where}: fill {our_name(mode)}")
        contestants.append(build_ours(mode, workload))
    for peer in plan.peers:
        advance(f"{where}: fill {peer}")
        if workload.payload not in PEERS[peer].payloads:
            continue
        try:
            contestants.append(PEERS[peer].build(workload))
        except MissingError as reason:
            results.missing[peer] = str(reason)
    repeats = []
    timed = measure(
        contestants,
        probes(workload),
        batch=plan.batch,
        calls=plan.calls,
        repeats=plan.repeats,
        seed=plan.seed,
        touched=plan.touched << 20,
    )
    for _ in range(plan.repeats):
        advance(where)
        repeats.append(next(timed))
    _add(results, plan, workload, contestants, collect(repeats))


def _add(
    results: Results, plan: Plan, workload: Workload, contestants: Sequence[Contestant], times: Sequence[Times]
) -> None:
    """Put a size's times into the results."""
    size = {"rows": workload.rows, "payload": workload.payload}
    by_key = {(each.contestant, each.operation): each for each in times}
    for contestant in contestants:
        results.notes.update({contestant.name: contestant.note} if contestant.note else {})
        for operation in OPERATIONS:
            if (contestant.name, operation) in by_key:
                found = by_key[contestant.name, operation]
                results.times.append(
                    size
                    | {"contestant": contestant.name, "operation": operation, "cpu_us": _summary(found.cpu / 1e3)}
                    | {"wall_us": _summary(found.wall / 1e3), "memory_per_row": contestant.memory_per_row}
                )
    ours = {our_name(mode): mode for mode in plan.modes}
    probe = {each.contestant: quartiles(each.wall)[1] for each in times if each.operation == "probe"}
    results.probes.append(size | {"nanoseconds": probe})
    for mode in plan.modes:
        for operation in OPERATIONS:
            least = bound(mode, operation, workload, probe)
            if least is not None:
                taken = quartiles(by_key[our_name(mode), operation].wall)[1]
                line = {"mode": mode, "operation": operation, "bound_us": least / 1e3, "taken_us": taken / 1e3}
                results.bounds.append(size | line)
    for peer in [each.name for each in contestants if each.name not in ours]:
        for operation in OPERATIONS:
            for name, mode in ours.items():
                if mode in COMPARED and (peer, operation) in by_key:
                    ratio = by_key[peer, operation].wall / by_key[name, operation].wall
                    line = {"peer": peer, "operation": operation, "mode": mode, "ratio": _summary(ratio)}
                    results.ratios.append(size | line)


def _summary(values: Any) -> dict[str, float]:
    low, middle, high = quartiles(values)
    named = {"median": middle, "first_quartile": low, "third_quartile": high, "least": float(values.min())}
    return {name: float(f"{value:.4g}") for name, value in named.items()}
