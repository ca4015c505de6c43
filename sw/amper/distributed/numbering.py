"""Indices of a sharded replay: which shard, which life of it, and the shard's own index, in one number."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_EPOCH_BIT = 40  # a shard counts from 0 again when it begins again, and its indices must be new ones

IndexArray = NDArray[np.int64]


class Numbering:
    """Members: ``epochs``, how often each shard has begun again."""

    def __init__(self, shards: int) -> None:
        self.epochs = [0] * shards

    def begin_again(self, shard: int) -> None:
        """From now on the shard's indices are those of another life."""
        self.epochs[shard] += 1

    def outer(self, shards: IndexArray, inner: IndexArray) -> IndexArray:
        """The indices that a user sees."""
        epochs = np.array(self.epochs, np.int64)[shards]
        return ((epochs << _EPOCH_BIT) + inner) * len(self.epochs) + shards

    def inner(self, outer: IndexArray) -> Iterator[tuple[int, IndexArray | None, NDArray[np.bool_]]]:
        """By shard and life: the shard, its own indices (None: of a life that is over), and where they were.

        Raises ValueError : an index that is none.
        """
        shards, numbers = outer % len(self.epochs), outer // len(self.epochs)
        lives = numbers >> _EPOCH_BIT
        wrong = outer[(outer < 0) | (lives > np.array(self.epochs)[shards])]
        if wrong.size:
            raise ValueError(f"indices must be such as sample gave, not {wrong[0]}")
        for shard in np.unique(shards).tolist():
            now = (shards == shard) & (lives == self.epochs[shard])
            before = (shards == shard) & ~now
            if now.any():
                yield shard, numbers[now] - (self.epochs[shard] << _EPOCH_BIT), now
            if before.any():
                yield shard, None, before
