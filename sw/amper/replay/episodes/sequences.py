"""Sequences of a replay buffer: the steps of an episode around a drawn transition, as recurrent learners take them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from amper.replay.episodes.nstep import ENVS_MAX, NONE, IndexArray, Links
from amper_spec.checks import checked_integer, checked_real

LENGTH_MAX = 1 << 12


@dataclass(frozen=True)
class Sequences:
    """Steps t - burn_in to t + length - 1 for a drawn transition t; docs/software/sequences.md defines them.

    Parameters
    ----------
    length : steps from the drawn one on, 1 to 4096. burn_in : steps before it, 0 to 4096.
    envs : environments whose transitions come interleaved, 1 to 2^20.
    terminated, truncated : names of columns of bools; ``truncated`` may be None.
    first : columns that are only given of a sequence's first step, as a recurrent network's stored state.

    Raises
    ------
    TypeError : a value of the wrong kind. ValueError : one out of its range.
    """

    length: int
    burn_in: int = 0
    envs: int = 1
    terminated: str = "terminated"
    truncated: str | None = "truncated"
    first: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        checked_integer("length", self.length, 1, LENGTH_MAX)
        checked_integer("burn_in", self.burn_in, 0, LENGTH_MAX)
        checked_integer("envs", self.envs, 1, ENVS_MAX)
        if isinstance(self.first, str):
            raise TypeError(f"first must be a sequence of names, not {self.first!r}")
        object.__setattr__(self, "first", tuple(self.first))  # frozen; this is its constructor

    @property
    def steps(self) -> int:
        """Steps of a sequence."""
        return self.burn_in + self.length

    def ends(self) -> tuple[str, ...]:
        """The columns that say where an episode ends."""
        return (self.terminated,) if self.truncated is None else (self.terminated, self.truncated)

    def reads(self) -> tuple[str, ...]:
        """The columns that are looked into."""
        return self.ends()

    def check(self, columns: Mapping[str, NDArray[Any]]) -> None:
        """Raise TypeError or ValueError unless ``columns``, (rows, ...) arrays, have the named ones as they must be."""
        for name in (*self.ends(), *self.first):
            if name not in columns:
                raise ValueError(f"sequences need the column {name!r}, and the columns are {', '.join(columns)}")
        for name in ("mask", "steps"):
            if name in columns:
                raise ValueError(f"sequences give {name!r} themselves, and it is a column")
        for name in self.ends():
            column = columns[name]
            if column.dtype != np.bool_ or column.ndim != 1:
                what = f"{column.dtype} of the shape {column.shape[1:]}"
                raise TypeError(f"sequences need bool of the shape () in the column {name!r}, not {what}")

    def unrolled(
        self, links: Links, columns: Mapping[str, NDArray[Any]], added: int, drawn: IndexArray
    ) -> tuple[IndexArray, NDArray[np.bool_]]:
        """The rows (b, steps) of sequences, and which of them are of the drawn row's episode and still there.

        The others repeat the nearest one that is.
        """
        ends = [columns[name] for name in self.ends()]
        rows = np.repeat(drawn[:, None], self.steps, axis=1)
        real = np.zeros(rows.shape, np.bool_)
        real[:, self.burn_in] = True
        for step in range(self.burn_in + 1, self.steps):
            at = rows[:, step - 1]
            following = links.follower[at]
            goes_on = real[:, step - 1] & (following != NONE) & ~np.logical_or.reduce([end[at] for end in ends])
            rows[:, step] = np.where(goes_on, following, at)
            real[:, step] = goes_on
        assert links.preceding is not None
        for step in range(self.burn_in - 1, -1, -1):
            at = rows[:, step + 1]
            before = links.preceding[at].astype(np.int64)
            # A row that was overwritten since is newer now.
            is_older = (added - 1 - before) % links.rows > (added - 1 - at) % links.rows
            goes_on = real[:, step + 1] & (before != NONE) & is_older
            goes_on &= ~np.logical_or.reduce([end[before] for end in ends])
            rows[:, step] = np.where(goes_on, before, at)
            real[:, step] = goes_on
        return rows, real


def sequence_priorities(errors: ArrayLike, mask: ArrayLike, eta: float = 0.9) -> NDArray[np.float64]:
    """eta max |error| + (1 - eta) mean |error| over each sequence's steps, as in R2D2 (Kapturowski et al. 2019).

    Parameters
    ----------
    errors : (b, steps), of any value where ``mask``, (b, steps) bools, is False; every line of which is True somewhere.

    Raises
    ------
    TypeError, ValueError : shapes that differ, a line without a step, eta out of 0 to 1.
    """
    values, steps = np.abs(np.asarray(errors, np.float64)), np.asarray(mask, np.bool_)
    if not 0 <= checked_real("eta", eta) <= 1:
        raise ValueError(f"eta must be 0 to 1, not {eta}")
    if values.ndim != 2 or values.shape != steps.shape:
        raise ValueError(f"errors and mask must have one shape (b, steps), not {values.shape} and {steps.shape}")
    empty = np.flatnonzero(~steps.any(axis=1))
    if empty.size:
        raise ValueError(f"mask must have a step in each sequence, and sequence {empty[0]} has none")
    values = np.where(steps, values, 0.0)
    mixed: NDArray[np.float64] = eta * values.max(axis=1) + (1 - eta) * values.sum(axis=1) / steps.sum(axis=1)
    return mixed
