"""PER in PyTorch tensors, for a GPU: a sum tree as other libraries run it on a device, and ``torch.multinomial``.

Everything stays on the device; no call waits for it, so that it is timed both ways: how soon each step is done, and how
fast the device takes them. The code is the same on a processor, where tests run it.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from amper_lab.bench.contestant import ALPHA, BETA, EPS, Contestant, MissingError, Workload
from amper_report.environment import environment

MULTINOMIAL_ROWS = 1 << 24  # the most categories that torch.multinomial takes
BLOCK = 100  # steps that are queued before the device is waited for

Clock = Callable[[], int]


class DeviceReplay(Protocol):
    """The priorities of all rows, on a device."""

    def sample(self, batch: int) -> tuple[torch.Tensor, torch.Tensor]:
        """int64 (batch,) rows, drawn in proportion to their priorities with replacement, and float32 weights."""

    def update(self, indices: torch.Tensor, errors: torch.Tensor) -> None:
        """Store (|error| + eps)^alpha; of a row that is there twice, one of the two."""


class SumTree:
    """Sum tree in one tensor: node k has the children 2k and 2k + 1, the rows are the leaves.

    A batch goes down one level at a time, and an update writes the leaves and recomputes their parents level by level:
    Flashbax's ``sum_tree.sample`` under vmap, and the CUDA kernels of TorchRL's ``PrioritizedSampler``.

    Parameters
    ----------
    priorities : (n,) above 0, on the device, whose kind of number the sums have. seed : of the draws.
    """

    def __init__(self, priorities: torch.Tensor, seed: int) -> None:
        self.rows = len(priorities)
        self.levels = (self.rows - 1).bit_length()
        self.leaves = 1 << self.levels
        self.nodes = torch.zeros(2 * self.leaves, dtype=priorities.dtype, device=priorities.device)
        self.generator = torch.Generator(priorities.device).manual_seed(seed)
        self._store(torch.arange(self.rows, device=priorities.device), priorities)

    def sample(self, batch: int) -> tuple[torch.Tensor, torch.Tensor]:
        """See ``DeviceReplay``."""
        nodes = self.nodes
        mass = torch.rand(batch, generator=self.generator, dtype=nodes.dtype, device=nodes.device) * nodes[1]
        node = torch.ones(batch, dtype=torch.int64, device=nodes.device)
        for _ in range(self.levels):
            node = 2 * node
            left = nodes[node]
            right = mass >= left
            mass = torch.where(right, mass - left, mass)
            node = node + right
        # Rounding may lead past the last row, whose neighbours to the right hold nothing.
        indices = (node - self.leaves).clamp_(max=self.rows - 1)
        return indices, weights_of(nodes[indices + self.leaves], nodes[1], self.rows)

    def update(self, indices: torch.Tensor, errors: torch.Tensor) -> None:
        """See ``DeviceReplay``."""
        self._store(indices, priorities_of(errors))

    def _store(self, indices: torch.Tensor, priorities: torch.Tensor) -> None:
        node = indices + self.leaves
        self.nodes[node] = priorities
        for _ in range(self.levels):
            node = node >> 1
            self.nodes[node] = self.nodes[2 * node] + self.nodes[2 * node + 1]


class Multinomial:
    """No structure at all: ``torch.multinomial`` over the priorities.

    Parameters
    ----------
    priorities : (n,) above 0, on the device; n at most 2^24. seed : of the draws.

    Raises
    ------
    ValueError : more rows than that.
    """

    def __init__(self, priorities: torch.Tensor, seed: int) -> None:
        if len(priorities) > MULTINOMIAL_ROWS:
            raise ValueError(f"rows must be at most {MULTINOMIAL_ROWS} for torch.multinomial, not {len(priorities)}")
        self.priorities = priorities.clone()
        self.generator = torch.Generator(priorities.device).manual_seed(seed)

    def sample(self, batch: int) -> tuple[torch.Tensor, torch.Tensor]:
        """See ``DeviceReplay``."""
        indices = torch.multinomial(self.priorities, batch, replacement=True, generator=self.generator)
        return indices, weights_of(self.priorities[indices], self.priorities.sum(), len(self.priorities))

    def update(self, indices: torch.Tensor, errors: torch.Tensor) -> None:
        """See ``DeviceReplay``."""
        self.priorities.index_put_((indices,), priorities_of(errors))


REPLAYS: dict[str, Callable[[torch.Tensor, int], DeviceReplay]] = {
    "sum tree in PyTorch": SumTree,
    "torch.multinomial": Multinomial,
}
"""By the names of the tables."""


def priorities_of(errors: torch.Tensor) -> torch.Tensor:
    """(|error| + eps)^alpha."""
    return (errors.abs() + EPS).pow_(ALPHA)


def weights_of(priorities: torch.Tensor, total: torch.Tensor, rows: int) -> torch.Tensor:
    """(n P)^-beta over the largest of the batch."""
    weights = (priorities * (rows / total)).pow_(-BETA)
    return weights / weights.max()


@dataclass(frozen=True)
class DevicePeer:
    """A replay on a device, in two ways.

    Members
    -------
    contestant : each call waits until the device has done its work. replay : whose calls do not wait. wait : does.
    device : what the device is.
    """

    contestant: Contestant
    replay: DeviceReplay
    wait: Callable[[], object]
    device: str


def build(name: str, workload: Workload, device: str = "cuda") -> DevicePeer:
    """The replay of this name, filled.

    Raises
    ------
    MissingError : PyTorch sees no such device, or the workload is too large for this way.
    """
    where = torch.device(device)
    if where.type == "cuda" and not torch.cuda.is_available():
        raise MissingError("no GPU in this machine")
    try:
        replay = REPLAYS[name](priorities_of(torch.from_numpy(workload.errors).to(where)), workload.seed)
    except ValueError as error:
        raise MissingError(str(error)) from error
    wait: Callable[[], object] = partial(torch.cuda.synchronize, where) if where.type == "cuda" else _no_wait

    def sample() -> tuple[torch.Tensor, torch.Tensor]:
        batch = replay.sample(workload.batch)
        wait()
        return batch

    def update(indices: torch.Tensor, errors: torch.Tensor) -> None:
        replay.update(indices, errors)
        wait()

    def moved(errors: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(errors).to(where)

    contestant = Contestant(name, sample, itemgetter(0), update, None, errors=moved)
    described = torch.cuda.get_device_name(where) if where.type == "cuda" else environment(())["machine"]["processor"]
    return DevicePeer(contestant, replay, wait, described)


def _no_wait() -> None:
    """A processor has done its work when the call returns."""


def measure_blocks(
    peers: Sequence[DevicePeer], *, batch: int, repeats: int, seed: int, clock: Clock = time.perf_counter_ns
) -> Iterator[dict[str, float]]:
    """One repeat at a time: nanoseconds of a step by the peer's name, of a block of ``BLOCK`` steps in turn.

    A step is a sample and the update of its rows; a block that is not timed goes before each.
    """
    rng = np.random.default_rng([seed, 3])
    for repeat in range(repeats):
        errors = rng.standard_exponential((BLOCK, batch), np.float32)
        shift = repeat % len(peers)
        yield {
            peer.contestant.name: _step_nanoseconds(peer, errors, batch, clock)
            for peer in [*peers[shift:], *peers[:shift]]
        }


def _step_nanoseconds(peer: DevicePeer, errors: NDArray[np.float32], batch: int, clock: Clock) -> float:
    prepared = [peer.contestant.errors(each) for each in errors]
    collecting = gc.isenabled()
    gc.disable()  # as timeit does
    try:
        _block(peer, prepared, batch)
        start = clock()
        _block(peer, prepared, batch)
        return (clock() - start) / BLOCK
    finally:
        if collecting:
            gc.enable()


def _block(peer: DevicePeer, errors: Sequence[Any], batch: int) -> None:
    replay = peer.replay
    for new in errors:
        indices, _ = replay.sample(batch)
        replay.update(indices, new)
    peer.wait()
