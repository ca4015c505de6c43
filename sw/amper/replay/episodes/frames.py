"""Observations stored once: a stack of frames as its newest one, and ``next_obs`` as the next transition's ``obs``.

Transition t' continues t where its ``obs`` is t's ``next_obs``, bit for bit, and that is t's ``obs`` moved on by one
frame. Then t' keeps one frame, and t no ``next_obs``. The first of such a chain keeps its whole ``obs`` in a slot, the
last its ``next_obs``; when the first is overwritten, the slot moves on to the one behind it. So whatever is stored
comes out as it went in, and what does not continue anything only takes more memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amper.replay.episodes.nstep import ENVS_MAX, NONE, IndexArray, Links
from amper_spec.checks import checked_integer

STACK_MAX = 256


@dataclass(frozen=True)
class Frames:
    """Which columns are stored once.

    Parameters
    ----------
    stack : frames of an observation, its first dimension, oldest first, 2 to 256; 1: it is no stack.
    obs, next_obs : names of two columns of one type and shape.
    envs : environments whose transitions come interleaved, 1 to 2^20.

    Raises
    ------
    TypeError : a value of the wrong kind. ValueError : one out of its range.
    """

    stack: int = 4
    obs: str = "obs"
    next_obs: str = "next_obs"
    envs: int = 1

    def __post_init__(self) -> None:
        checked_integer("stack", self.stack, 1, STACK_MAX)
        checked_integer("envs", self.envs, 1, ENVS_MAX)

    def stored(self, dtype: np.dtype[np.void]) -> np.dtype[np.void]:
        """What is stored of rows of ``dtype``.

        Raises ValueError : it lacks the columns, or they are not of one type and shape, with ``stack`` frames.
        """
        fields = {name: dtype[name] for name in dtype.names or ()}
        for name in (self.obs, self.next_obs):
            if name not in fields:
                raise ValueError(f"frames need the column {name!r}, and the columns are {', '.join(fields)}")
        whole = fields[self.obs]
        if whole != fields[self.next_obs] or (self.stack > 1 and whole.shape[:1] != (self.stack,)):
            wanted = "one type and shape" + (f", with {self.stack} frames first" if self.stack > 1 else "")
            raise ValueError(f"frames need {wanted}, not {whole} and {fields[self.next_obs]}")
        frame = (whole.base, whole.shape[1:] if self.stack > 1 else whole.shape)
        del fields[self.next_obs]
        return np.dtype([(name, frame if name == self.obs else kind) for name, kind in fields.items()])


class FrameStore:
    """The frames of a buffer, whose column ``newest``, (rows, ...), has the newest one of each row's ``obs``."""

    def __init__(self, frames: Frames, newest: NDArray[Any]) -> None:
        self._stack, self._newest, self._rows = frames.stack, newest, len(newest)
        self._links = Links(self._rows, frames.envs, backwards=True)
        self._head, self._tail = (np.full(self._rows, NONE, np.int32) for _ in range(2))  # slots
        self._moves_on = np.zeros(self._rows, np.bool_)  # next_obs is obs, one frame later
        self._slots = np.zeros((0, self._stack, *newest.shape[1:]), newest.dtype)
        self._free: list[int] = []

    def add(self, number: int, env: int, obs: NDArray[Any], next_obs: NDArray[Any]) -> None:
        """Keep the observations of transition ``number``, in place of those that its row had."""
        obs, next_obs = (one.reshape(self._slots.shape[1:]) for one in (obs, next_obs))
        row = number % self._rows
        self._let_go(row)
        before = int(self._links.newest[env])
        last = before % self._rows
        if before != NONE and before > number - self._rows and self._continues(last, obs):
            self._give_back(self._tail, last)
        else:
            self._links.newest[env] = NONE
            self._put(self._head, row, obs)
        self._links.add(number, env)
        self._newest[row] = obs[-1]
        self._moves_on[row] = np.array_equal(obs[1:], next_obs[:-1])
        self._put(self._tail, row, next_obs)

    def obs(self, rows: IndexArray) -> NDArray[Any]:
        """(b, stack, ...): the observations of rows."""
        assert self._links.preceding is not None
        found = np.empty((rows.size, *self._slots.shape[1:]), self._slots.dtype)
        at, left = rows, np.arange(rows.size)  # those whose older frames are not found yet
        for frame in range(self._stack - 1, -1, -1):
            found[left, frame] = self._newest[at]
            is_head = self._head[at] != NONE
            steps = self._stack - 1 - frame  # from the head on
            found[left[is_head], :frame] = self._slots[self._head[at[is_head]], steps : self._stack - 1]
            left, at = left[~is_head], self._links.preceding[at[~is_head]].astype(np.int64)
            if not left.size:
                break
        return found

    def next_obs(self, rows: IndexArray) -> NDArray[Any]:
        """(b, stack, ...): what came after the observations of rows."""
        found = np.empty((rows.size, *self._slots.shape[1:]), self._slots.dtype)
        is_tail = self._tail[rows] != NONE
        found[is_tail] = self._slots[self._tail[rows[is_tail]]]
        found[~is_tail] = self.obs(self._links.follower[rows[~is_tail]].astype(np.int64))
        return found

    def clear(self) -> None:
        """Keep no observation any more."""
        self._links.clear()
        self._head[:] = self._tail[:] = NONE
        self._free = list(range(len(self._slots)))

    def memory(self) -> int:
        """Bytes besides the column."""
        return sum(array.nbytes for array in self.arrays().values())

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that there is besides the column, by name."""
        links = {f"frames_{name}": array for name, array in self._links.arrays().items()}
        return {
            "frames_head": self._head,
            "frames_tail": self._tail,
            "frames_moves_on": self._moves_on,
            "frames_slots": self._slots,
            **links,
        }

    def become(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Put back what ``arrays`` gave."""
        for name, array in self.arrays().items():
            if name != "frames_slots":
                array[:] = arrays[name]
        self._slots = arrays["frames_slots"].copy()
        used = {*self._head.tolist(), *self._tail.tolist()}
        self._free = [slot for slot in range(len(self._slots)) if slot not in used]

    def _continues(self, last: int, obs: NDArray[Any]) -> bool:
        return bool(self._moves_on[last]) and np.array_equal(self._slots[self._tail[last]], obs)

    def _let_go(self, row: int) -> None:
        """The row is overwritten: the one behind it becomes the first of its chain."""
        if self._head[row] != NONE:
            follower = self._links.follower[row]
            if follower == NONE:
                self._give_back(self._head, row)
            else:
                slot = self._slots[self._head[row]]
                slot[:-1] = slot[1:].copy()
                slot[-1] = self._newest[follower]
                self._head[follower], self._head[row] = self._head[row], NONE
        if self._tail[row] != NONE:
            self._give_back(self._tail, row)

    def _put(self, slots: NDArray[np.int32], row: int, value: NDArray[Any]) -> None:
        if not self._free:
            size = len(self._slots)
            self._free = list(range(size, max(16, size + size // 2)))
            more = np.zeros((len(self._free), *self._slots.shape[1:]), self._slots.dtype)
            self._slots = np.concatenate([self._slots, more])
        slots[row] = self._free.pop()
        self._slots[slots[row]] = value

    def _give_back(self, slots: NDArray[np.int32], row: int) -> None:
        self._free.append(int(slots[row]))
        slots[row] = NONE
