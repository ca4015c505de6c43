"""n-step transitions of a replay buffer: which row follows which, and what n of them add up to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from amper.replay.columns import converted
from amper_spec.checks import checked_integer, checked_real

IndexArray = NDArray[np.int64]
Steps = tuple[IndexArray, NDArray[np.float64], NDArray[np.float64]]  # what `followed` gives

STEPS_MAX = 1 << 10
ENVS_MAX = 1 << 20
NONE = -1  # no row follows


@dataclass(frozen=True)
class NStep:
    """Transitions over n steps, put together when they are sampled; docs/software/replay-buffer.md defines them.

    Parameters
    ----------
    n : steps, 1 to 1024. gamma : discount of a step, 0 to 1.
    envs : environments whose transitions come interleaved, 1 to 2^20.
    reward, terminated, truncated : names of columns: float32 or float64, bool, and bool or None.
    following : columns that are taken from the last of the n rows, as ``terminated`` and ``truncated`` are.

    Raises
    ------
    TypeError : a value of the wrong kind. ValueError : one out of its range.
    """

    n: int
    gamma: float = 0.99
    envs: int = 1
    reward: str = "reward"
    terminated: str = "terminated"
    truncated: str | None = "truncated"
    following: tuple[str, ...] = ("next_obs",)

    def __post_init__(self) -> None:
        checked_integer("n", self.n, 1, STEPS_MAX)
        checked_integer("envs", self.envs, 1, ENVS_MAX)
        if not 0 <= checked_real("gamma", self.gamma) <= 1:
            raise ValueError(f"gamma must be 0 to 1, not {self.gamma}")
        if isinstance(self.following, str):
            raise TypeError(f"following must be a sequence of names, not {self.following!r}")
        object.__setattr__(self, "following", tuple(self.following))  # frozen; this is its constructor

    def reads(self) -> tuple[str, ...]:
        """The columns that are looked into."""
        return tuple(name for name in (self.reward, self.terminated, self.truncated) if name is not None)

    def from_last(self) -> frozenset[str]:
        """Columns that a batch has from the last of the n rows."""
        return frozenset(name for name in (self.terminated, self.truncated, *self.following) if name is not None)

    def check(self, columns: Mapping[str, NDArray[Any]]) -> None:
        """Raise TypeError or ValueError unless ``columns``, (rows, ...) arrays, have the named ones as they must be."""
        for name in (self.reward, *sorted(self.from_last())):
            if name not in columns:
                raise ValueError(f"n_step needs the column {name!r}, and the columns are {', '.join(columns)}")
        kinds_of = {self.reward: ("float32", "float64"), self.terminated: ("bool",)}
        if self.truncated is not None:
            kinds_of[self.truncated] = ("bool",)
        for name, kinds in kinds_of.items():
            column = columns[name]
            if column.dtype.name not in kinds or column.ndim != 1:
                what = f"{column.dtype} of the shape {column.shape[1:]}"
                raise TypeError(f"n_step needs {' or '.join(kinds)} of the shape () in the column {name!r}, not {what}")


class Links:
    """Which row follows which, for each environment.

    The row that follows was added later. So it is overwritten later, and no link leads to a newer transition than it
    was made for. Members: ``follower``, int32 (rows,); ``newest``, int64 (envs,), each environment's newest transition,
    counted from 0 over all that were ever added, -1 for none; ``preceding``, int32 (rows,), the row before, which may
    have been overwritten since, or None.
    """

    def __init__(self, rows: int, envs: int, *, backwards: bool = False) -> None:
        self.rows = rows
        self.follower = np.full(rows, NONE, np.int32)
        self.preceding = np.full(rows, NONE, np.int32) if backwards else None
        self.newest = np.full(envs, NONE, np.int64)
        self._follower, self._newest = self.follower.data, self.newest.data  # faster for one number

    def add(self, number: int, env: int) -> None:
        """Transition ``number``, counted from 0 over all, is ``env``'s newest."""
        row = number % self.rows
        self._follower[row] = NONE
        before = self._newest[env]
        there = before > number - self.rows and before != NONE
        if there:
            self._follower[before % self.rows] = row
        if self.preceding is not None:
            self.preceding[row] = before % self.rows if there else NONE
        self._newest[env] = number

    def extend(self, first: int, envs: IndexArray) -> None:
        """``add`` for each of ``envs``, at most ``rows`` of them, with the numbers from ``first`` on."""
        numbers = first + np.arange(envs.size, dtype=np.int64)
        self.follower[numbers % self.rows] = NONE
        order = np.argsort(envs, kind="stable")
        env, number = envs[order], numbers[order]
        starts = np.append(True, env[1:] != env[:-1])
        before = np.where(starts, self.newest[env], np.roll(number, 1))
        there = (before != NONE) & (before >= first + envs.size - self.rows)
        self.follower[before[there] % self.rows] = number[there] % self.rows
        if self.preceding is not None:
            self.preceding[number % self.rows] = np.where(there, before % self.rows, NONE)
        self.newest[envs] = numbers  # of an environment that comes more than once, the last

    def clear(self) -> None:
        """No transition is there any more."""
        self.follower[:], self.newest[:] = NONE, NONE
        if self.preceding is not None:
            self.preceding[:] = NONE

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that there is, by name, to be saved and put back."""
        found: dict[str, NDArray[Any]] = {"follower": self.follower, "newest": self.newest}
        if self.preceding is not None:
            found["preceding"] = self.preceding
        return found

    def checked_env(self, env: object) -> int:
        """The number of an environment, 0 if it is None and there is one; TypeError, ValueError if it is none."""
        if env is None and self.newest.size == 1:
            return 0
        if env is None:
            raise TypeError(f"env must be given where there are {self.newest.size} environments")
        return checked_integer("env", env, 0, self.newest.size - 1)

    def checked_envs(self, env: ArrayLike | None, size: int) -> IndexArray:
        """Numbers of environments, (size,), each in turn if None; TypeError, ValueError if they are none."""
        count = self.newest.size
        if env is None:
            if size % count:
                raise ValueError(f"the number of transitions must be a multiple of {count} without env, not {size}")
            return np.arange(size, dtype=np.int64) % count
        envs = converted("env", env, np.dtype(np.int64), (size,))
        wrong = envs[(envs < 0) | (envs >= count)]
        if wrong.size:
            raise ValueError(f"env must be 0 to {count - 1}, not {wrong[0]}")
        return envs


def followed(
    step: NStep, follower: NDArray[np.int32], columns: Mapping[str, NDArray[Any]], indices: IndexArray
) -> Steps:
    """Go on from the rows of ``indices`` for up to n steps, to an episode's end or an environment's newest transition.

    Returns
    -------
    (b,) each: the last rows, the sums of discounted rewards, gamma^steps.
    """
    reward, terminated = columns[step.reward], columns[step.terminated]
    truncated = columns[step.truncated] if step.truncated is not None else terminated
    last = indices.copy()
    total = reward[last].astype(np.float64)
    discount = np.full(last.size, step.gamma, np.float64)
    for _ in range(1, step.n):
        following = follower[last]
        goes_on = ~(terminated[last] | truncated[last]) & (following != NONE)
        if not goes_on.any():
            break
        last = np.where(goes_on, following, last)
        total += np.where(goes_on, discount * reward[last], 0.0)
        discount = np.where(goes_on, discount * step.gamma, discount)
    return last, total, discount
