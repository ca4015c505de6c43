"""Variant ``exact`` on arrays: docs/reference/algorithm.md, section 7, compiled (c/planes.h) or in NumPy; section 8,
organisation tree, likewise (c/code_tree.h).

Compiled, a draw and a write cost a few nodes of a tree; in NumPy a batch goes through all codes once a plane drawn.
"""

from __future__ import annotations

import numpy as np

from amper.backends.code_tree import NumpyCodeTree
from amper.backends.places import NumpyPlaces
from amper.cores.base import IndexArray, last_of_each
from amper.cores.compiled import compiled_core
from amper.model.settings import Settings
from amper_spec.algorithm import Algorithm
from amper_spec.parameters import Parameter


class NumpyPlanes(NumpyPlaces):
    """Members and methods of ``amper.cores._core.Planes``."""

    def __init__(self, rows: int, width: int, place_width: int, is_stratified: bool) -> None:
        super().__init__(rows, width, place_width, is_stratified)
        self._counts = [0] * width

    def write(self, rows: IndexArray, codes: IndexArray) -> None:
        """Store codes in rows, in this order; 0 makes a row invalid."""
        once, last = last_of_each(rows)
        old, new = self._codes[once], codes[last]
        self._codes[once] = new
        self._counts = [count + int(((new >> k & 1) - (old >> k & 1)).sum()) for k, count in enumerate(self._counts)]

    def clear(self) -> None:
        """Make every row invalid."""
        super().clear()
        self._counts = [0] * self._width

    def total(self) -> int:
        """T, the sum of all codes."""
        return sum(count << k for k, count in enumerate(self._counts))

    def sample(self, batch: int) -> IndexArray:
        """(batch,) rows drawn; at least one row is valid."""
        places = self._places(batch, self.total())
        below = np.cumsum([0, *(count << k for k, count in enumerate(self._counts[:-1]))], dtype=np.int64)
        planes = np.searchsorted(below, places, side="right") - 1
        drawn = np.empty(batch, dtype=np.int64)
        for plane in np.unique(planes):
            chosen = planes == plane
            ranks = (np.asarray(places, dtype=np.int64)[chosen] - below[plane]) >> plane
            drawn[chosen] = np.flatnonzero(self._codes >> plane & 1)[ranks]
        return drawn


class PlanesBackend:
    """``amper.backends.backend.Backend`` of a configuration that has only variant exact; ``compiled`` as it says."""

    cycles = 0

    def __init__(self, config: Algorithm, compiled: bool) -> None:
        core = compiled_core(compiled)
        in_order = config.organisation == "tree"
        if core is None:
            kind = NumpyCodeTree if in_order else NumpyPlanes
        else:
            kind = core.CodeTree if in_order else core.Planes
        self._settings = Settings(config)
        self._planes = kind(config.rows, config.priority_width, config.place_width, config.draws == "stratified")
        self._planes.set_state(*self._settings.draw.state)
        self.write = self._planes.write
        self._order: IndexArray | None = None
        if config.banks > 1:
            rows = np.arange(config.rows, dtype=np.int64)
            self._order = np.concatenate([rows[bank :: config.banks] for bank in range(config.banks)])
            place = np.empty_like(rows)
            place[self._order] = rows
            self.write = lambda rows, codes: self._planes.write(place[rows], codes)

    def set_parameter(self, parameter: Parameter, value: int) -> None:
        """Change a parameter, to a value that is legal now."""
        draw = self._settings.draw
        draw.s0, draw.s1 = self._planes.state()
        self._settings.set(parameter, value, empty=True)
        self._planes.set_state(*draw.state)
        if parameter == Parameter.CLEAR:
            self._planes.clear()

    def set_draw_stream(self, state: int) -> None:
        """Put the draw stream into a state of 128 bits."""
        self._planes.set_state(state & (1 << 64) - 1, state >> 64)

    def sample(self, batch: int) -> tuple[IndexArray, int]:
        """Rows drawn, and 0, since there is no candidate set; at least one row is valid."""
        drawn = self._planes.sample(batch)
        return drawn if self._order is None else self._order[drawn], 0

    def streams(self) -> tuple[int, int]:
        """States of the query stream, which is never used, and of the draw stream, 128 bits each."""
        s0, s1 = self._planes.state()
        query = self._settings.query
        return query.s0 | query.s1 << 64, s0 | s1 << 64

    def close(self) -> None:
        """There is nothing to let go of."""
