"""One shard: a replay buffer, and what it is asked to do by name, one request after the other."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from amper.distributed.shared import Part
from amper.replay.buffer import ReplayBuffer
from amper.replay.columns import Columns
from amper.replay.episodes.nstep import NStep
from amper.replay.rows import newest_in
from amper.sampler.options import Mode
from amper.sampler.sampler import Sampler


class ShardLostError(Exception):
    """The shard's process is gone, and its rows with it."""


@dataclass(frozen=True)
class ShardSpec:
    """What a shard is made of: ``options`` are those of its ``Sampler``; ``part`` of shared memory is for its rows."""

    rows: int
    columns: Columns
    mode: Mode
    seed: int
    n_step: NStep | None
    options: dict[str, Any]
    part: Part | None = None
    allowed: float = math.inf  # transitions until its writers are to wait for more draws


class Mass(NamedTuple):
    """What a shard says of itself in each answer: the sum that it draws by, rows held, rows added, late updates.

    And whether writers may go on, or are to wait until more was drawn.
    """

    total: float
    held: int
    added: int
    dropped: int
    open: bool


class Drawn(NamedTuple):
    """Rows of a shard: the columns by name with "indices", and the chance that each had among the shard's rows.

    Without the columns where the rows lie in shared memory.
    """

    batch: dict[str, NDArray[Any]]
    chance: NDArray[np.float64]

    @property
    def is_shared(self) -> bool:
        """Whether there are no columns."""
        return self.batch.keys() == {"indices"}


Update = tuple[NDArray[np.int64], NDArray[np.float64], bool]  # indices, values, whether they are TD errors


class _Buffer(ReplayBuffer):
    """A replay buffer whose rows lie in its part of shared memory, if it is given one and can open it.

    Members: ``begun``, transitions that it has had, or is about to have, as others see it; None: nobody does.
    """

    def __init__(self, spec: ShardSpec) -> None:
        self._part = spec.part
        self.begun: NDArray[np.int64] | None = None
        sampler = Sampler(spec.rows, mode=spec.mode, seed=spec.seed, **spec.options)
        super().__init__(spec.rows, spec.columns, sampler, n_step=spec.n_step)

    def _new_storage(self, dtype: np.dtype[np.void], folder: str | Path | None) -> NDArray[np.void]:
        opened = None if self._part is None else self._part.opened(self.rows, dtype)
        if opened is None:
            return super()._new_storage(dtype, folder)
        storage, begun = opened
        begun[0] = 0
        self.begun = begun
        return storage

    def size_of(self, transitions: dict[str, Any]) -> int:
        """How many transitions they are, whatever they lie in. Raises as ``extend``."""
        return self._checked_size(transitions if self._nested is None else self._nested.flat(transitions))

    def begin(self, transitions: int) -> None:
        """So many more are about to be stored."""
        if self.begun is not None:
            with self._rows:  # its lock orders this before the storing, on every processor
                self.begun[0] = self._rows.added + transitions


class Shard:
    """Rows drawn by their priorities; every request is one step for all others."""

    def __init__(self, spec: ShardSpec) -> None:
        self._buffer = _Buffer(spec)
        self._allowed = spec.allowed
        self._lock = threading.Lock()  # a draw and its chances are of one moment

    def request(self, name: str, *arguments: Any) -> tuple[Any, Mass]:
        """Do what is asked for; its result, and the mass after it."""
        with self._lock:
            result = getattr(self, f"_{name}")(*arguments)
            buffer = self._buffer
            is_open = buffer.added < self._allowed
            return result, Mass(buffer.sampler.total, len(buffer), buffer.added, buffer.dropped, is_open)

    def _look(self) -> None:
        """Nothing but the mass is asked for."""

    def _extend(self, transitions: dict[str, Any]) -> None:
        self._buffer.begin(self._buffer.size_of(transitions))
        try:
            self._buffer.extend(**transitions)
        finally:
            self._buffer.begin(0)

    def _exchange(self, updates: list[Update], size: int, allowed: float, sent: bool = False) -> Drawn | None:
        """New priorities, then a draw of ``size`` rows, 0 for none; None too if there is nothing to draw.

        ``sent``: with their columns, even where these lie in shared memory.
        """
        self._allowed = allowed
        for indices, values, are_errors in updates:
            (self._buffer.update_errors if are_errors else self._buffer.update)(indices, values)
        if size == 0 or len(self._buffer) == 0:
            return None
        if self._buffer.begun is not None and not sent:
            rows = self._buffer.sampler.sample(size, 0.0)[0]
            batch = {"indices": newest_in(rows, self._buffer.added, self._buffer.rows)}
        else:
            batch = self._buffer.sample(size, beta=0.0)
            del batch["weights"]
        return Drawn(batch, self._buffer.sampler.probabilities(batch["indices"] % self._buffer.rows))

    def _save(self, path: str) -> None:
        self._buffer.save(path)

    def _load(self, path: str) -> None:
        self._buffer.load(path)
        self._buffer.begin(0)
