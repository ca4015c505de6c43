"""The transitions of one buffer in another of other rows: what a buffer is resized by, and another's file loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amper.replay.episodes.nstep import NONE, Links
from amper.replay.rows import newest_in


@dataclass(frozen=True)
class Held:
    """What a buffer of ``rows`` rows holds: ``added`` transitions so far, ``stored`` rows, and arrays by name."""

    rows: int
    added: int
    stored: NDArray[np.void]
    arrays: Mapping[str, NDArray[Any]]  # of links, and compressed columns
    priorities: NDArray[np.float32]
    maximum: float

    def newest(self, rows: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Numbers of the newest transitions that ``rows`` rows have room for, and the rows that they are in here."""
        count = min(self.added, self.rows, rows)
        numbers = np.arange(self.added - count, self.added, dtype=np.int64)
        return numbers, numbers % self.rows

    def put_links(self, links: Links, numbers: NDArray[np.int64], here: NDArray[np.int64]) -> None:
        """Into empty links of another number of rows, those between the transitions that come along."""
        oldest = self.added - numbers.size
        for name, array in links.arrays().items():
            if name == "newest":
                array[:] = self.arrays["newest"]
                continue
            other = self.arrays[name][here].astype(np.int64)
            number = newest_in(other, self.added, self.rows)  # of the transition in that row
            there = (other != NONE) & (number >= oldest)
            # What was overwritten since is newer than what follows it.
            there &= (number > numbers) if name == "follower" else (number < numbers)
            array[numbers % links.rows] = np.where(there, number % links.rows, NONE)
