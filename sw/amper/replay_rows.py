"""Rows put into a replay buffer's storage, and gathered from it: in NumPy, as ``amper._core.Rows`` does it compiled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from amper.replay_columns import converted
from amper.replay_nstep import NStep, Steps, followed
from amper.sampler_core import compiled_core

IndexArray = NDArray[np.int64]


class Rows(Protocol):
    """What puts and gathers rows; see ``NumpyRows``."""

    def put(self, row: int, transition: Mapping[str, object], /) -> bool: ...
    def gather(self, indices: IndexArray, last: IndexArray, outs: Sequence[NDArray[Any]], /) -> None: ...
    def follow(self, indices: IndexArray, follower: NDArray[np.int32], /) -> Steps: ...


class NumpyRows:
    """Rows in NumPy: ``columns``, (rows, ...) arrays by name, and the n-step transitions that they make, or None."""

    def __init__(self, columns: Mapping[str, NDArray[Any]], n_step: NStep | None) -> None:
        self._columns = columns
        self._n_step = n_step
        self._from_last = n_step.from_last() if n_step else frozenset()

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
        """See ``amper.replay_nstep.followed``."""
        assert self._n_step is not None
        return followed(self._n_step, follower, self._columns, indices)


def new_rows(columns: Mapping[str, NDArray[Any]], n_step: NStep | None, compiled: bool) -> Rows:
    """The compiled one or NumPy's."""
    if not compiled or compiled_core is None:
        return NumpyRows(columns, n_step)
    names = tuple(columns)
    steps: tuple[float, ...] = ()
    last: frozenset[str] = frozenset()
    if n_step is not None:
        last = n_step.from_last()
        roles = (n_step.reward, n_step.terminated, n_step.truncated or n_step.terminated)
        steps = (n_step.n, n_step.gamma, *map(names.index, roles))
    rows: Rows = compiled_core.Rows(names, tuple(columns.values()), tuple(name in last for name in names), *steps)
    return rows
