"""Rows put into a replay buffer's storage, and gathered from it: in NumPy; ``_core.Rows`` is the same compiled."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from amper.cores.base import Core
from amper.cores.compiled import compiled_core
from amper.replay.columns import converted
from amper.replay.nstep import NStep, Steps, followed
from amper.support.forks import BUFFERS, guard

IndexArray = NDArray[np.int64]


class Rows(Protocol):
    """What puts and gathers rows; see ``NumpyRows``."""

    added: int
    dropped: int

    def __enter__(self) -> object: ...
    def __exit__(self, *raised: Any) -> None: ...
    def put(self, row: int, transition: Mapping[str, object], /) -> bool: ...
    def gather(self, indices: IndexArray, last: IndexArray, outs: Sequence[NDArray[Any]], /) -> None: ...
    def follow(self, indices: IndexArray, follower: NDArray[np.int32], /) -> Steps: ...
    def sample(
        self, core: Core, batch: object, beta: object, out: dict[str, Any] | None, /
    ) -> dict[str, Any] | None: ...
    def write(self, core: Core, numbers: object, values: object, flags: int, /) -> bool: ...


class NumpyRows:
    """Rows in NumPy: ``columns``, (rows, ...) arrays by name, and the n-step transitions that they make, or None.

    A context manager that holds the buffer's lock, which every operation of the buffer needs.

    Members: ``added``, transitions, ever, of which number t is in row t % rows until number t + rows is; ``dropped``,
    updates of transitions that were not there any more.
    """

    def __init__(self, columns: Mapping[str, NDArray[Any]], n_step: NStep | None) -> None:
        self._columns = columns
        self._n_step = n_step
        self._from_last = n_step.from_last() if n_step else frozenset()
        self.added = self.dropped = 0
        self._lock = threading.Lock()
        guard(self._lock, BUFFERS)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *raised: object) -> None:
        self._lock.release()

    def put(self, row: int, transition: Mapping[str, object], /) -> bool:
        """Store a transition; False, and nothing is stored, unless its names are the columns' and its values fit.

        The compiled one takes less: numbers, and contiguous arrays of the column's very dtype and shape.
        """
        if transition.keys() != self._columns.keys():
            return False
        values = {}
        for name, column in self._columns.items():
            try:
                values[name] = converted(name, transition[name], column.dtype, column.shape[1:])
            except (TypeError, ValueError):
                return False  # the caller finds out what is wrong
        for name, value in values.items():
            self._columns[name][row] = value
        return True

    def gather(self, indices: IndexArray, last: IndexArray, outs: Sequence[NDArray[Any]], /) -> None:
        """Copy the rows of ``indices`` into ``outs``, one a column; of n-step transitions, some come from ``last``."""
        for (name, column), out in zip(self._columns.items(), outs, strict=True):
            # Not np.take, which would copy the whole column first: its rows do not lie side by side.
            out[...] = column[last if name in self._from_last else indices]

    def follow(self, indices: IndexArray, follower: NDArray[np.int32], /) -> Steps:
        """See ``amper.replay.nstep.followed``."""
        assert self._n_step is not None
        return followed(self._n_step, follower, self._columns, indices)

    def sample(self, core: Core, batch: object, beta: object, out: dict[str, Any] | None, /) -> dict[str, Any] | None:
        """Under the lock, draw a batch and copy its rows: into new arrays, or over those of ``out``.

        None, and nothing is done: it must be drawn and gathered in steps. The compiled one does it if ``core`` is
        compiled, ``batch`` and ``beta`` are what it takes, ``out`` is None or a fitting batch, and there is something
        to draw.
        """
        return None

    def write(self, core: Core, numbers: object, values: object, flags: int, /) -> bool:
        """Under the lock, ``Core.write`` for transitions by number.

        False, and nothing is done: it must be done in steps. The compiled one does it if ``core`` is compiled, all
        transitions are still there, and ``numbers`` and ``values`` are what ``core`` takes and finds legal.
        """
        return False


def new_rows(columns: Mapping[str, NDArray[Any]], n_step: NStep | None, compiled: bool) -> Rows:
    """The compiled one or NumPy's."""
    core = compiled_core(compiled)
    if core is None:
        return NumpyRows(columns, n_step)
    names = tuple(columns)
    steps: tuple[float, ...] = ()
    last: frozenset[str] = frozenset()
    if n_step is not None:
        last = n_step.from_last()
        roles = (n_step.reward, n_step.terminated, n_step.truncated or n_step.terminated)
        steps = (n_step.n, n_step.gamma, *map(names.index, roles))
    rows: Rows = core.Rows(names, tuple(columns.values()), tuple(name in last for name in names), *steps)
    guard(rows, BUFFERS)
    return rows
