"""One shard: a replay buffer, and what it is asked to do by name, one request after the other."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from amper.replay.buffer import ReplayBuffer
from amper.replay.columns import Columns
from amper.replay.episodes.nstep import NStep
from amper.sampler.options import Mode
from amper.sampler.sampler import Sampler


class ShardLostError(Exception):
    """The shard's process is gone, and its rows with it."""


@dataclass(frozen=True)
class ShardSpec:
    """What a shard is made of: ``options`` are those of its ``Sampler``."""

    rows: int
    columns: Columns
    mode: Mode
    seed: int
    n_step: NStep | None
    options: dict[str, Any]


class Mass(NamedTuple):
    """What a shard says of itself in each answer: the sum that it draws by, rows held, rows added, late updates."""

    total: float
    held: int
    added: int
    dropped: int


class Drawn(NamedTuple):
    """Rows of a shard: the columns by name with "indices", and the chance that each had among the shard's rows."""

    batch: dict[str, NDArray[Any]]
    chance: NDArray[np.float64]


Update = tuple[NDArray[np.int64], NDArray[np.float64], bool]  # indices, values, whether they are TD errors


class Shard:
    """Rows drawn by their priorities; every request is one step for all others."""

    def __init__(self, spec: ShardSpec) -> None:
        sampler = Sampler(spec.rows, mode=spec.mode, seed=spec.seed, **spec.options)
        self._buffer = ReplayBuffer(spec.rows, spec.columns, sampler, n_step=spec.n_step)
        self._lock = threading.Lock()  # a draw and its chances are of one moment

    def request(self, name: str, *arguments: Any) -> tuple[Any, Mass]:
        """Do what is asked for; its result, and the mass after it."""
        with self._lock:
            result = getattr(self, f"_{name}")(*arguments)
            buffer = self._buffer
            return result, Mass(buffer.sampler.total, len(buffer), buffer.added, buffer.dropped)

    def _look(self) -> None:
        """Nothing but the mass is asked for."""

    def _extend(self, transitions: dict[str, Any]) -> None:
        self._buffer.extend(**transitions)

    def _exchange(self, updates: list[Update], size: int) -> Drawn | None:
        """New priorities, then a draw of ``size`` rows, 0 for none; None too if there is nothing to draw."""
        for indices, values, are_errors in updates:
            (self._buffer.update_errors if are_errors else self._buffer.update)(indices, values)
        if size == 0 or len(self._buffer) == 0:
            return None
        batch = self._buffer.sample(size, beta=0.0)
        del batch["weights"]
        return Drawn(batch, self._buffer.sampler.probabilities(batch["indices"] % self._buffer.rows))

    def _save(self, path: str) -> None:
        self._buffer.save(path)

    def _load(self, path: str) -> None:
        self._buffer.load(path)
