"""What variant ``exact`` on arrays has in both organisations: the codes, the draw stream, and the places it draws."""

from __future__ import annotations

import numpy as np

from amper.model.places import stratified
from amper_spec.algorithm import RANDOM_WIDTH
from amper_spec.urng import Xoroshiro128PlusPlus


class NumpyPlaces:
    """Codes of ``width`` bits in ``rows`` rows, and words of the draw stream of which ``place_width`` bits count."""

    def __init__(self, rows: int, width: int, place_width: int, is_stratified: bool) -> None:
        self._width, self._place_width, self._stratified = width, place_width, is_stratified
        self._codes = np.zeros(rows, dtype=np.int64)  # 0: the row is invalid
        self._draw = Xoroshiro128PlusPlus(0, 1)

    def clear(self) -> None:
        """Make every row invalid."""
        self._codes[:] = 0

    def _places(self, batch: int, total: int) -> list[int]:
        """x_j, 0 to ``total`` - 1, of the next words."""
        words = [self._draw.next() >> (RANDOM_WIDTH - self._place_width) for _ in range(batch)]
        places = [(word * total) >> self._place_width for word in words]
        return stratified(places, total) if self._stratified else places

    def state(self) -> tuple[int, int]:
        """s0 and s1 of the draw stream."""
        return self._draw.state

    def set_state(self, s0: int, s1: int) -> None:
        """Put back what ``state`` gave."""
        self._draw.s0, self._draw.s1 = s0, s1
