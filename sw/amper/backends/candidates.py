"""The variants with a candidate set on arrays: codes in, the indices of the golden model and of the RTL out.

A batch costs O(n) like the hardware's searches, not O(n m) like the golden model (docs/reference/algorithm.md).
``NumpyBackend`` does it in any installation and for any width; ``CompiledBackend`` (sw/amper/cores/c/exact.c) for codes
of up to 16 bits.
"""

from __future__ import annotations

import numpy as np

from amper.cores.base import IndexArray, last_of_each
from amper.cores.compiled import compiled_core
from amper.model.settings import Settings
from amper_spec.algorithm import RANDOM_WIDTH, SCALE_FRACTION_WIDTH, VARIANTS, Algorithm
from amper_spec.parameters import Parameter

TABLE_WIDTH = 16  # bits of a code up to which a table over all codes says what matches


class NumpyBackend:
    """Members and methods of ``amper.backends.backend.Backend``."""

    cycles = 0

    def __init__(self, config: Algorithm) -> None:
        self._config, self._settings = config, Settings(config)
        self._codes = np.zeros(config.rows, dtype=np.int64)  # 0: the row is invalid

    def write(self, rows: IndexArray, codes: IndexArray) -> None:
        """Store codes in rows, in this order; 0 makes a row invalid."""
        once, last = last_of_each(rows)
        self._codes[once] = codes[last]

    def set_parameter(self, parameter: Parameter, value: int) -> None:
        """Change a parameter, to a value that is legal now."""
        self._settings.set(parameter, value, empty=True)
        if parameter == Parameter.CLEAR:
            self._codes[:] = 0

    def set_draw_stream(self, state: int) -> None:
        """Put the draw stream into a state of 128 bits."""
        self._settings.draw.s0, self._settings.draw.s1 = state & (1 << 64) - 1, state >> 64

    def sample(self, batch: int) -> tuple[IndexArray, int]:
        """Rows drawn, and |CSP|, 0 if all valid rows took its place; at least one row is valid."""
        rows = self._candidates()
        csp_size = rows.size
        if csp_size == 0:
            rows = np.flatnonzero(self._codes)
        draw = self._settings.draw
        ranks = [((draw.next() >> 32) * rows.size) >> 32 for _ in range(batch)]
        return rows[ranks], csp_size

    def streams(self) -> tuple[int, int]:
        """States of the query stream and of the draw stream, 128 bits each."""
        query, draw = self._settings.query, self._settings.draw
        return query.s0 | query.s1 << 64, draw.s0 | draw.s1 << 64

    def close(self) -> None:
        """There is nothing to let go of."""

    def _candidates(self) -> IndexArray:
        """The rows of the CSP, ascending."""
        config, settings = self._config, self._settings
        vmax = int(self._codes.max())
        words = [settings.query.next() for _ in range(settings.groups)]
        values = [
            self._representative(i, word >> (RANDOM_WIDTH - config.fraction_width), vmax)
            for i, word in enumerate(words)
        ]
        if settings.variant == "k":
            intervals = self._nearest(values, vmax)
        else:
            intervals = [self._matched(value, word) for value, word in zip(values, words, strict=True)]
        if config.priority_width <= TABLE_WIDTH:
            member = np.zeros(config.priority_max + 1, dtype=np.bool_)
            for low, high in intervals:
                member[max(low, 1) : high + 1] = True
            return np.flatnonzero(member[self._codes])
        within = np.zeros(config.rows, dtype=np.bool_)
        for low, high in intervals:
            within |= (self._codes >= max(low, 1)) & (self._codes <= high)
        return np.flatnonzero(within)

    def _representative(self, group: int, u: int, vmax: int) -> int:
        width, settings = self._config.fraction_width, self._settings
        place = (((group << width) + u) * settings.reciprocal) >> settings.reciprocal_shift
        return (place * (vmax + 1)) >> width

    def _matched(self, value: int, word: int) -> tuple[int, int]:
        """Codes, both included, that a group of an fr variant matches."""
        config, settings = self._config, self._settings
        radius = min(config.priority_max, (value * settings.radius_coefficient) >> SCALE_FRACTION_WIDTH)
        if settings.variant == "fr":
            return value - radius, min(value + radius, config.priority_max)
        ignored = radius.bit_length()
        if settings.variant == "fr-dithered" and radius > 0:
            half = 1 << (ignored - 1)
            ignored += word % half < radius - half
        block = 1 << min(ignored, config.priority_width)
        return value & -block, value | (block - 1)

    def _nearest(self, values: list[int], vmax: int) -> list[tuple[int, int]]:
        """Codes, both included, that the groups of k match."""
        config, settings = self._config, self._settings
        ordered = np.sort(self._codes[self._codes > 0])
        bounds = [self._representative(i, 0, vmax) for i in range(settings.groups)] + [vmax + 1]
        members = np.diff(np.searchsorted(ordered, bounds)).tolist()
        found = []
        for value, count in zip(values, members, strict=True):
            if count == 0:
                continue
            numerator = settings.neighbours * value * count
            wanted = min(ordered.size, max(1, -(-numerator // (vmax << SCALE_FRACTION_WIDTH))))
            radius = _nearest_radius(ordered, value, wanted)
            found.append((value - radius, min(value + radius, config.priority_max)))
        return found


def _nearest_radius(ordered: IndexArray, value: int, wanted: int) -> int:
    """Distance of the ``wanted``-th nearest of the ascending codes."""
    # The least start of ``wanted`` consecutive codes that moving on by one would not bring nearer.
    low, high = 0, ordered.size - wanted
    while low < high:
        middle = (low + high) // 2
        if value - int(ordered[middle]) > int(ordered[middle + wanted]) - value:
            low = middle + 1
        else:
            high = middle
    return max(value - int(ordered[low]), int(ordered[low + wanted - 1]) - value)


class CompiledBackend:
    """The same in C, for codes of up to 16 bits."""

    cycles = 0

    def __init__(self, config: Algorithm) -> None:
        self._settings = Settings(config)
        self._fraction_width = config.fraction_width
        core = compiled_core(True)
        assert core is not None
        self._exact = core.Exact(config.rows, config.priority_width)
        self.write = self._exact.write
        self.sample = self._exact.sample
        self._put_settings()

    def set_draw_stream(self, state: int) -> None:
        """Put the draw stream into a state of 128 bits."""
        self._exact.set_states(*self._exact.states()[:2], state & (1 << 64) - 1, state >> 64)

    def set_parameter(self, parameter: Parameter, value: int) -> None:
        """Change a parameter, to a value that is legal now."""
        query, draw = self._settings.query, self._settings.draw
        query.s0, query.s1, draw.s0, draw.s1 = self._exact.states()
        self._settings.set(parameter, value, empty=True)
        if parameter == Parameter.CLEAR:
            self._exact.clear()
        self._put_settings()

    def streams(self) -> tuple[int, int]:
        """States of the query stream and of the draw stream, 128 bits each."""
        query0, query1, draw0, draw1 = self._exact.states()
        return query0 | query1 << 64, draw0 | draw1 << 64

    def close(self) -> None:
        """There is nothing to let go of."""

    def _put_settings(self) -> None:
        settings = self._settings
        self._exact.configure(
            VARIANTS.index(settings.variant),
            settings.groups,
            self._fraction_width,
            settings.reciprocal_shift,
            settings.reciprocal,
            settings.radius_coefficient,
            settings.neighbours,
        )
        self._exact.set_states(*settings.query.state, *settings.draw.state)
