"""What ``amper compare`` measures in this run: this library's software, other libraries, and a GPU."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from amper.sampler.options import Mode
from amper.support.extras import require
from amper_lab.bench.contestant import Contestant, MissingError, Workload
from amper_lab.bench.ours import build_ours, our_name
from amper_lab.bench.peers import PEERS, single_torch_thread
from amper_lab.bench.timing import Times, collect, measure, quartiles
from amper_synth.compare.comparison import Entry, Pace

if TYPE_CHECKING:
    from amper_lab.bench.gpu import DevicePeer

GPU_NAMES = ("sum tree in PyTorch", "torch.multinomial")  # `amper_lab.bench.gpu.REPLAYS`, without loading PyTorch
GPU_PACES: tuple[Pace, ...] = ("alone", "back to back")

Advance = Callable[[str], object]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to measure; as the command's options.

    Members
    -------
    gpu_device : PyTorch's name of it; None: without a GPU's entries.

    Raises
    ------
    ValueError : no repeat or no call.
    """

    rows: int
    batch: int
    modes: Sequence[Mode]
    peers: Sequence[str]
    repeats: int
    calls: int
    seed: int
    gpu_device: str | None

    def __post_init__(self) -> None:
        for name in ("repeats", "calls"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")

    @property
    def steps(self) -> int:
        """How often ``measured_entries`` calls ``advance``, if there is a GPU."""
        gpu = 0 if self.gpu_device is None else len(GPU_NAMES)
        return len(self.modes) + len(self.peers) + gpu + self.repeats * (2 if gpu else 1)


def measured_entries(plan: Plan, processor: str, advance: Advance) -> list[Entry]:
    """Everyone's entries, measured in turn; those that cannot take part with the reason.

    Parameters
    ----------
    processor : name of this machine's. advance : is called with what comes next.

    Raises
    ------
    ImportError : the compiled core is not installed, which our own entries need.
    """
    workload = Workload(plan.rows, plan.batch, False, plan.seed)
    ours = []
    for mode in plan.modes:
        advance(f"fill {our_name(mode)}")
        ours.append(_without_add(build_ours(mode, workload)))
    theirs, missing = _peers(plan, workload, advance)
    devices, without_device = _devices(plan, workload, advance)
    contestants = [*ours, *theirs, *(peer.contestant for peer in devices)]
    times = _steps(plan, contestants, advance)
    entries = []
    for contestant in ours + theirs:
        own = contestant in ours
        entries.append(_entry(contestant, times, part="software", ours=own, where=processor, note=contestant.note))
    entries += missing
    blocks = _blocks(plan, devices, advance)
    for peer in devices:
        entries.append(_entry(peer.contestant, times, part="gpu", where=peer.device))
        repeats = np.array([block[peer.contestant.name] for block in blocks])
        entries.append(
            replace(_timed(peer.contestant.name, repeats, part="gpu", where=peer.device), pace="back to back")
        )
    return entries + without_device


def _without_add(contestant: Contestant) -> Contestant:
    """A step has none."""
    return replace(contestant, add=None)


def _peers(plan: Plan, workload: Workload, advance: Advance) -> tuple[list[Contestant], list[Entry]]:
    found, missing = [], []
    for name in plan.peers:
        advance(f"fill {name}")
        try:
            found.append(_without_add(PEERS[name].build(workload)))
        except MissingError as reason:
            missing.append(Entry(name=name, part="software", figure="measured", reason=str(reason)))
    return found, missing


def _devices(plan: Plan, workload: Workload, advance: Advance) -> tuple[list[DevicePeer], list[Entry]]:
    found: list[DevicePeer] = []
    missing: list[Entry] = []
    for name in () if plan.gpu_device is None else GPU_NAMES:
        advance(f"fill {name}")
        try:
            found.append(_device(name, workload, str(plan.gpu_device)))
        except (MissingError, ImportError) as reason:
            entry = Entry(name=name, part="gpu", figure="measured", reason=str(reason))
            missing += [replace(entry, pace=pace) for pace in GPU_PACES]
    return found, missing


def _device(name: str, workload: Workload, device: str) -> DevicePeer:
    require("torch", "bench")
    from amper_lab.bench.gpu import build

    single_torch_thread()
    return build(name, workload, device)


def _steps(plan: Plan, contestants: Sequence[Contestant], advance: Advance) -> dict[tuple[str, str], Times]:
    """Times by contestant and operation."""
    if not contestants:
        return {}
    repeats = []
    timed = measure(contestants, {}, batch=plan.batch, calls=plan.calls, repeats=plan.repeats, seed=plan.seed)
    for number in range(plan.repeats):
        advance(f"repeat {number + 1}")
        repeats.append(next(timed))
    return {(each.contestant, each.operation): each for each in collect(repeats)}


def _blocks(plan: Plan, devices: Sequence[DevicePeer], advance: Advance) -> list[dict[str, float]]:
    if not devices:
        return []
    from amper_lab.bench.gpu import measure_blocks

    found = []
    timed = measure_blocks(devices, batch=plan.batch, repeats=plan.repeats, seed=plan.seed)
    for number in range(plan.repeats):
        advance(f"block {number + 1}")
        found.append(next(timed))
    return found


def _entry(contestant: Contestant, times: dict[tuple[str, str], Times], **described: Any) -> Entry:
    sample, update = (times[contestant.name, operation].wall for operation in ("sample", "update"))
    whole = _timed(contestant.name, sample + update, **described)
    return replace(whole, sample_ns=float(np.median(sample)), update_ns=float(np.median(update)))


def _timed(name: str, repeats: Any, **described: Any) -> Entry:
    low, middle, high = quartiles(repeats)
    return Entry(
        name=name,
        figure="measured",
        ns=middle,
        quartile_ns=(low, high),
        repeats_ns=tuple(repeats.tolist()),
        **described,
    )
