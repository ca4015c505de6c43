"""The priority of a new row, for the cores in Python; c/max_tree.h and c/sampler.c are the same compiled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from amper.cores.numpy.code_index import CodeIndex, code_value, codes_of

IndexArray = NDArray[np.int64]
FloatArray = NDArray[np.float32]

# Kinds: the largest priority of all rows that hold one, the largest ever, a quantile, a number.
LARGEST, LARGEST_EVER, QUANTILE, NUMBER = range(4)

_NO_BOUNDS = np.zeros(0, np.float32)


class Initial:
    """What a new row gets.

    Parameters
    ----------
    kind, number : as above; of QUANTILE the share of rows that lie below, of NUMBER the priority.
    stored : float32 (rows,), the core's own: 0 where nothing is held. None: its rows are in ``index`` only.
    index : that of a core that draws by it.
    """

    def __init__(self, kind: int, number: float, stored: FloatArray | None, index: CodeIndex | None = None) -> None:
        self._kind, self._number, self._index = kind, number, index
        self._shared = index is not None
        self._maximum = None
        if stored is not None and kind == LARGEST:
            self._maximum = BlockMaximum(stored)
        elif stored is not None and kind == QUANTILE:
            self._index = CodeIndex(stored.size)

    @property
    def is_simple(self) -> bool:
        """Whether bounds are all that a write changes."""
        return self._index is None

    def bounds(self) -> tuple[FloatArray, int]:
        """What a write raises, and of how many rows each is: of ``BlockMaximum``, or none."""
        return (_NO_BOUNDS, 1) if self._maximum is None else (self._maximum.bounds, self._maximum.block)

    def wrote(self, rows: IndexArray, values: FloatArray) -> None:
        """``rows``, each once, hold ``values`` now; 0: nothing."""
        if self._maximum is not None:
            self._maximum.wrote(rows, values)
        elif self._index is not None and not self._shared:
            self._index.set(rows, np.where(values > 0, codes_of(values, False), 0))

    def priority(self, held: int, ever: float) -> float:
        """Of the next row, when ``held`` rows hold a priority, and the largest ever is ``ever``, 0 for none."""
        if self._kind == NUMBER:
            return self._number
        if self._kind == LARGEST_EVER:
            return ever or 1.0
        if held == 0:
            return 1.0
        if self._maximum is not None:
            return self._maximum.largest()
        assert self._index is not None
        rank = held - 1 if self._kind == LARGEST else int(self._number * (held - 1))
        return code_value(self._index.ranked(rank))

    def memory(self) -> int:
        """Bytes of its own."""
        if self._maximum is not None:
            return self._maximum.bounds.nbytes
        return 0 if self._index is None or self._shared else self._index.memory()


class BlockMaximum:
    """The largest of float32 ``values`` that change, in about sqrt(n) steps.

    Every block of about sqrt(n) values has a bound that none of it exceeds. A write can only raise bounds; the largest
    bound is lowered, when it is asked for, until it is the largest of its block, each time by a write that raised it.

    Members: ``bounds``, float32, one a block; ``block``, its length.
    """

    def __init__(self, values: FloatArray) -> None:
        self._values = values
        self.block = 1 << (values.size.bit_length() + 1) // 2
        self.bounds = np.zeros(-(-values.size // self.block), dtype=np.float32)

    def wrote(self, rows: IndexArray, values: FloatArray) -> None:
        """``values`` are in ``rows`` now."""
        np.maximum.at(self.bounds, rows // self.block, values)

    def largest(self) -> float:
        """The largest value; 0 if there is none above."""
        while True:
            block = int(self.bounds.argmax())
            largest = self._values[block * self.block : (block + 1) * self.block].max()
            if largest == self.bounds[block]:
                return float(largest)
            self.bounds[block] = largest
