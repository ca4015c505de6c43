"""A backend made of several: each holds a part of the rows, totals go up, draws go down (algorithm.md, section 9)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from amper.backends.backend import Factory, IndexArray, open_backend
from amper.cores.base import last_of_each
from amper.model.changes import stream_changes
from amper.model.places import drawn_places
from amper.model.settings import Settings
from amper.model.states import state
from amper_spec.algorithm import RANDOM_WIDTH
from amper_spec.config import AmperConfig
from amper_spec.parameters import Parameter

ORDERS = ("rows", "shares")


def shard_rows(rows: int, shards: int, in_turn: bool = False) -> list[range]:
    """Which of ``rows`` rows each of ``shards`` holds: side by side, the first ones a row more if it must be; or in
    turn, as the banks of organisation tree hold them."""
    if in_turn:
        return [range(shard, rows, shards) for shard in range(shards)]
    share, more = divmod(rows, shards)
    ends = list(itertools.accumulate(share + (index < more) for index in range(shards)))
    return [range(begin, end) for begin, end in zip([0, *ends[:-1]], ends, strict=True)]


class ShardedBackend:
    """A ``Backend`` of variant exact, over one for each shard.

    Parameters
    ----------
    config : of all rows, variant exact alone. backends : of each shard, by name or factory. order : "rows", the indices
        of one device of organisation tree with all rows, in one bank or in as many as there are shards; "shares", each
        shard draws as many as fall to it, by itself.

    Raises ValueError : variants, shards or order that do not go together.
    """

    def __init__(self, config: AmperConfig, backends: Sequence[str | Factory], order: str) -> None:
        _check(config, len(backends), order)
        self._config, self._order = config, order
        self._in_turn = order == "rows" and config.banks > 1  # each shard is a bank
        self._rows = shard_rows(config.rows, len(backends), self._in_turn)
        self._firsts = np.array([rows.start for rows in self._rows])
        each = config.changed(banks=1, draw_ports=1, write_ports=1) if self._in_turn else config
        shards = [each.changed(rows=len(rows)) for rows in self._rows]
        self._configs = shards
        self._shards = [open_backend(backend, shard) for backend, shard in zip(backends, shards, strict=True)]
        self._codes = np.zeros(config.rows, dtype=np.int64)
        self._totals = [0] * len(shards)
        self._settings = Settings(config)
        self.cycles = 0

    def write(self, rows: IndexArray, codes: IndexArray) -> None:
        """Store codes in rows, in this order; 0 makes a row invalid."""
        once, last = last_of_each(rows)
        self._codes[once] = codes[last]
        of = rows % len(self._shards) if self._in_turn else np.searchsorted(self._firsts, rows, side="right") - 1
        with self._side_by_side():
            for index in np.unique(of):
                mine, held = of == index, self._rows[index]
                self._shards[index].write((rows[mine] - held.start) // held.step, codes[mine])
                self._totals[index] = int(self._codes[held.start : held.stop : held.step].sum())

    def set_parameter(self, parameter: Parameter, value: int) -> None:
        """Change a parameter, to a value that is legal now; CLEAR alone goes to the shards."""
        self._settings.set(parameter, value, empty=True)
        if parameter == Parameter.CLEAR:
            self._codes[:] = 0
            self._totals = [0] * len(self._shards)
            with self._side_by_side():
                for shard in self._shards:
                    shard.set_parameter(parameter, value)

    def sample(self, batch: int) -> tuple[IndexArray, int]:
        """Rows drawn, and 0 for |CSP|, which variant exact does not have; at least one row is valid."""
        words = [self._settings.draw.next() for _ in range(batch)]
        places = np.array(drawn_places(self._config, words, sum(self._totals)), dtype=np.int64)
        ends = np.cumsum(np.array(self._totals, dtype=np.int64))
        of = np.searchsorted(ends, places, side="right")
        with self._side_by_side():
            drawn = self._shares(of) if self._order == "shares" else self._each(places - (ends - self._totals)[of], of)
        return drawn * self._rows[0].step + self._firsts[of], 0

    def _each(self, places: IndexArray, of: IndexArray) -> IndexArray:
        """The row of each place in its shard, one by one."""
        pairs = zip(of.tolist(), places.tolist(), strict=True)
        return np.array([self._at(index, place) for index, place in pairs], dtype=np.int64)

    def _shares(self, of: IndexArray) -> IndexArray:
        """What each shard draws for those that fall to it, from a state that comes from the stream of all."""
        drawn = np.zeros(of.size, dtype=np.int64)
        for index in np.unique(of):
            s0, s1 = self._settings.draw.next(), self._settings.draw.next()
            self._set_draw_stream(index, (s0 | s1 << RANDOM_WIDTH) or 1)
            mine = of == index
            drawn[mine], _ = self._shards[index].sample(int(mine.sum()))
        return drawn

    def _at(self, index: int, place: int) -> int:
        """The row of a shard that holds ``place``: it draws it, since its next word chooses this place."""
        width = self._configs[index].place_width
        word = -(-(place << width) // self._totals[index]) << (RANDOM_WIDTH - width)
        self._set_draw_stream(index, state(word, 0, 1))
        drawn, _ = self._shards[index].sample(1)
        return int(drawn[0])

    def _set_draw_stream(self, index: int, value: int) -> None:
        for change in stream_changes(Parameter.DRAW_STATE_0, value):
            self._shards[index].set_parameter(*change)

    def streams(self) -> tuple[int, int]:
        """States of the query stream and of the draw stream, 128 bits each."""
        query, draw = self._settings.query, self._settings.draw
        return query.s0 | query.s1 << RANDOM_WIDTH, draw.s0 | draw.s1 << RANDOM_WIDTH

    def close(self) -> None:
        """Let go of all shards."""
        for shard in self._shards:
            shard.close()

    @contextmanager
    def _side_by_side(self) -> Iterator[None]:
        """What the slowest shard takes is what all take."""
        before = [shard.cycles for shard in self._shards]
        yield
        self.cycles += max(shard.cycles - began for shard, began in zip(self._shards, before, strict=True))


def _check(config: AmperConfig, shards: int, order: str) -> None:
    if config.variants != ("exact",):
        raise ValueError(f"variants must be exact alone in shards, not {', '.join(config.variants)}")
    if order not in ORDERS:
        raise ValueError(f"order must be one of {', '.join(ORDERS)}, not {order!r}")
    if order == "rows" and config.organisation != "tree":
        raise ValueError(f"organisation must be tree with order rows, not {config.organisation}")
    if order == "rows" and config.banks not in (1, shards):
        raise ValueError(f"banks must be 1 or as many as shards, {shards}, with order rows, not {config.banks}")
    least = 2 * (config.banks if order == "shares" else 1) if config.organisation == "tree" else 1
    if not 1 <= shards <= config.rows // least:
        raise ValueError(f"shards must be 1 to {config.rows // least} of {config.rows} rows, not {shards}")
