"""Draws without replacement: each row at most once in a batch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from amper.cores.base import Core
from amper.cores.weights import normalised_weights

IndexArray = NDArray[np.int64]

_ROUNDS = 4  # of draws of which the rows that came before are left out


def draw_distinct(core: Core, batch: int, beta: float) -> tuple[IndexArray, NDArray[np.float32]]:
    """``batch`` rows, each at most once; the core, of mode per or uniform, holds at least as many.

    One after the other, each by its priority among those that are left: a draw that gives a row again is not counted,
    which leaves the others' chances to each other as they are. Where few rows have nearly all of the sum, those that
    were drawn are put aside, and put back in the end.
    """
    rows = np.zeros(0, np.int64)
    aside: list[tuple[IndexArray, NDArray[np.float32]]] = []
    maximum = core.maximum
    rounds = 0
    while rows.size < batch:
        drawn = core.sample(max(batch - rows.size, 16), beta)
        assert drawn is not None
        both = np.concatenate([rows, drawn[0]])
        first = np.sort(np.unique(both, return_index=True)[1])
        rows = both[first][:batch]
        rounds += 1
        if rounds % _ROUNDS == 0 and rows.size < batch:
            held = _of(core, rows)
            aside.append((rows[held > 0], held[held > 0]))
            core.remove(aside[-1][0])
    for these, stored in aside:
        core.write(these, stored, 0)
    core.maximum = maximum
    values = _of(core, rows).astype(np.float64)
    return rows, normalised_weights(values, beta)


def _of(core: Core, rows: IndexArray) -> NDArray[np.float32]:
    stored = core.priorities_of(rows)
    assert stored is not None
    return stored
