"""The rows of all shards of one machine in one block of shared memory, from which the learner copies those drawn.

A shard says in the block, before it stores transitions, how many it will then have had: so the learner knows, after it
has copied rows, which of them may have been overwritten meanwhile, and draws others in their place.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from amper.replay.columns import Columns, column_views, row_dtype
from amper.replay.nested import Nested
from amper.replay.rows import new_rows
from amper.sampler.choice import chosen_core

_BLOCKS = Path("/dev/shm")  # where Linux has them as files
_LINE = 64  # bytes; no counter shares one with rows

IndexArray = NDArray[np.int64]


class Part(NamedTuple):
    """A shard's part of a block: shard ``number`` of so many ``shards``."""

    block: str
    number: int
    shards: int

    def opened(self, rows: int, dtype: np.dtype[np.void]) -> tuple[NDArray[np.void], IndexArray] | None:
        """The shard's rows and its (1,) counter; None where there is no such block, as on another machine."""
        path = _BLOCKS / self.block
        if not path.exists():
            return None
        begun, storage = _views(np.memmap(path, np.uint8, "r+"), self.shards, rows, dtype)
        return storage[self.number * rows : (self.number + 1) * rows], begun[self.number : self.number + 1]


class SharedRows:
    """The learner's side: a new block for ``shards`` of ``rows`` rows each.

    Raises OSError : there is no room for it, or no such memory here.
    """

    def __init__(self, shards: int, rows: int, columns: Columns) -> None:
        self._rows, self._nested = rows, Nested(columns)
        dtype = row_dtype(self._nested.columns)
        if not (_BLOCKS.is_dir() and hasattr(os, "posix_fallocate")):
            raise OSError(f"shared_rows needs {_BLOCKS}, which this system does not have")
        block = SharedMemory(create=True, size=_first_row(shards) + shards * rows * dtype.itemsize)
        self._block = block
        self.close = weakref.finalize(self, _remove, block, os.getpid())
        try:
            with (_BLOCKS / block.name).open("r+b") as file:  # an error now, not a killed process later
                os.posix_fallocate(file.fileno(), 0, block.size)
        except OSError:
            self.close()
            raise
        # Not through block.buf, which could not be closed while a batch's source is in use.
        begun, storage = _views(np.memmap(_BLOCKS / block.name, np.uint8, "r+"), shards, rows, dtype)
        self._begun, self._columns = begun, column_views(storage)
        self._reader = new_rows(self._columns, None, None, chosen_core(None))
        self._shards = shards

    @classmethod
    def wanted(cls, wanted: bool | None, apart: bool, shards: int, rows: int, columns: Columns) -> SharedRows | None:
        """A block if it is wanted, or None is given and there is room; ``apart``: whether it would be of any use.

        Raises TypeError, ValueError : not True, False or None; True where it would not. OSError : True, and no room.
        """
        if wanted not in (None, True, False):
            raise TypeError(f"shared_rows must be True, False or None, not {wanted!r}")
        if wanted and not apart:
            raise ValueError('shared_rows must be None or False with the engine "threads" or with n_step, not True')
        if wanted is False or not apart or not isinstance(columns, Mapping):  # a shard says what is wrong with these
            return None
        try:
            return cls(shards, rows, columns)
        except OSError:
            if wanted:
                raise
            return None

    def part(self, number: int) -> Part:
        """What shard ``number`` opens."""
        return Part(self._block.name, number, self._shards)

    def read(self, shards: IndexArray, numbers: IndexArray) -> dict[str, Any]:
        """Columns of transitions by shard and number, in new arrays, nested as given."""
        rows = shards * self._rows + numbers % self._rows
        found = {name: np.empty((rows.size, *one.shape[1:]), one.dtype) for name, one in self._columns.items()}
        self._reader.gather(rows, rows, tuple(found.values()))
        return self._nested.nest(found)

    def stored(self, shard: int) -> int:
        """Transitions that it was given, those of a chunk on which it is at work among them."""
        with self._reader:
            return int(self._begun[shard])

    def overwritten(self, shards: IndexArray, numbers: IndexArray) -> NDArray[np.bool_]:
        """Which transitions may have been, by now."""
        with self._reader:  # its lock orders this after the copying, on every processor
            begun = self._begun.copy()
        gone: NDArray[np.bool_] = numbers + self._rows < begun[shards]
        return gone


def _first_row(shards: int) -> int:
    return -(-8 * shards // _LINE) * _LINE


def _views(
    memory: NDArray[np.uint8], shards: int, rows: int, dtype: np.dtype[np.void]
) -> tuple[IndexArray, NDArray[np.void]]:
    """The counters of a block, and the rows of all its shards, one shard after the other."""
    first = _first_row(shards)
    begun = np.asarray(memory[: 8 * shards]).view(np.int64)
    return begun, np.asarray(memory[first : first + shards * rows * dtype.itemsize]).view(dtype)


def _remove(block: SharedMemory, owner: int) -> None:
    block.close()
    if os.getpid() == owner:
        with suppress(FileNotFoundError):
            block.unlink()
