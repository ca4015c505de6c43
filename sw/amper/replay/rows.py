"""What a replay buffer does with its rows: in NumPy, step by step; ``_core.Rows`` does most of it in one call."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from amper.cores.base import Core
from amper.cores.compiled import compiled_core
from amper.replay.episodes.nstep import Links, NStep, Steps, followed
from amper.support.forks import BUFFERS, guard

IndexArray = NDArray[np.int64]


class Rows(Protocol):
    """What reads rows, and perhaps stores them; see ``NumpyRows``."""

    added: int
    dropped: int

    def __enter__(self) -> object: ...
    def __exit__(self, *raised: Any) -> None: ...
    def add(self, core: Core, transition: Mapping[str, object], priority: object, env: object, /) -> int | None: ...
    def extend(
        self, core: Core, transitions: Mapping[str, object], priorities: object, envs: object, /
    ) -> IndexArray | None: ...
    def gather(self, indices: IndexArray, last: IndexArray, outs: Sequence[NDArray[Any]], /) -> None: ...
    def follow(self, indices: IndexArray, /) -> Steps: ...
    def sample(
        self, core: Core, batch: object, beta: object, out: dict[str, Any] | None, /
    ) -> dict[str, Any] | None: ...
    def write(self, core: Core, numbers: object, values: object, flags: int, /) -> bool: ...


class NumpyRows:
    """Rows in NumPy: ``columns``, (rows, ...) arrays by name, and the n-step transitions that they make, or None.

    A context manager that holds the buffer's lock, which every operation of the buffer needs; of the compiled one, no
    operation of another thread is under way then.

    Members: ``added``, transitions, ever, of which number t is in row t % rows until number t + rows is; ``dropped``,
    updates of transitions that were not there any more.
    """

    def __init__(self, columns: Mapping[str, NDArray[Any]], n_step: NStep | None, links: Links | None) -> None:
        self._columns = columns
        self._n_step = n_step
        self._links = links
        self._from_last = n_step.from_last() if n_step else frozenset()
        self.added = self.dropped = 0
        self._lock = threading.Lock()
        guard(self._lock, BUFFERS)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *raised: object) -> None:
        self._lock.release()

    def add(self, core: Core, transition: Mapping[str, object], priority: object, env: object, /) -> int | None:
        """Under the lock, store a transition with its priority and link; its number.

        None, and nothing is done: it must be done in steps. The compiled one does it if ``core`` is compiled,
        ``transition`` has for each column a number or a contiguous array of its very dtype and shape, and ``priority``
        and ``env`` are None or legal.
        """
        return None

    def extend(
        self, core: Core, transitions: Mapping[str, object], priorities: object, envs: object, /
    ) -> IndexArray | None:
        """``add`` of k transitions; their numbers, int64 (k,). ``priorities`` and ``envs``: arrays or None."""
        return None

    def gather(self, indices: IndexArray, last: IndexArray, outs: Sequence[NDArray[Any]], /) -> None:
        """Copy the rows of ``indices`` into ``outs``, one a column; of n-step transitions, some come from ``last``."""
        for (name, column), out in zip(self._columns.items(), outs, strict=True):
            # Not np.take, which would copy the whole column first: its rows do not lie side by side.
            out[...] = column[last if name in self._from_last else indices]

    def follow(self, indices: IndexArray, /) -> Steps:
        """See ``amper.replay.episodes.nstep.followed``."""
        assert self._n_step is not None
        assert self._links is not None
        return followed(self._n_step, self._links.follower, self._columns, indices)

    def sample(self, core: Core, batch: object, beta: object, out: dict[str, Any] | None, /) -> dict[str, Any] | None:
        """Draw a batch of one moment and copy its rows: into new arrays, or over those of ``out``.

        None, and nothing is done: it must be drawn and gathered in steps. The compiled one does it if ``core`` is
        compiled, ``batch`` and ``beta`` are what it takes, ``out`` is None or a fitting batch, and there is something
        to draw.
        """
        return None

    def write(self, core: Core, numbers: object, values: object, flags: int, /) -> bool:
        """Under the lock, ``Core.write`` for transitions by number.

        False, and nothing is done: it must be done in steps. The compiled one does it if ``core`` is compiled, all are
        numbers that transitions had, and ``numbers`` and ``values`` are what ``core`` takes and finds legal.
        """
        return False


def newest_in(rows: IndexArray, added: int, size: int) -> IndexArray:
    """Numbers of the newest transitions in ``rows`` of a ring of ``size`` rows, ``added`` in all; below 0: none yet."""
    return added - 1 - (added - 1 - rows) % size


def new_rows(columns: Mapping[str, NDArray[Any]], n_step: NStep | None, links: Links | None, compiled: bool) -> Rows:
    """The compiled one or NumPy's."""
    core = compiled_core(compiled)
    if core is None:
        return NumpyRows(columns, n_step, links)
    names = tuple(sys.intern(str.__str__(name)) for name in columns)  # as those of arguments are; of an Enum, too
    steps: tuple[Any, ...] | None = None
    last: frozenset[str] = frozenset()
    if n_step is not None and links is not None:
        last = n_step.from_last()
        roles = (n_step.reward, n_step.terminated, n_step.truncated or n_step.terminated)
        steps = (n_step.n, n_step.gamma, *map(names.index, roles))
    linked = None if links is None else (links.follower, links.newest, links.preceding)
    rows: Rows = core.Rows(names, tuple(columns.values()), tuple(name in last for name in names), steps, linked)
    guard(rows, BUFFERS)
    return rows
