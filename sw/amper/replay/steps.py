"""The calls of a replay buffer step by step: whatever the arguments, the sampler and the columns.

``ReplayBuffer`` first tries to have a call done at once by the compiled core; what that does not take comes here, where
every conversion is made that is allowed, and what is wrong is said before anything is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from amper.replay.batches import BatchArrays, are_pinned, as_tensors, check_tensors
from amper.replay.columns import converted
from amper.replay.episodes.nstep import Links
from amper.replay.episodes.sequences import Sequences
from amper.replay.nested import Nested
from amper.replay.rows import newest_in
from amper.replay.stored import StoredRows
from amper.sampler.arguments import BATCH_MAX, as_array, checked_priority, plain_indices, plain_values
from amper.sampler.base import IndexArray
from amper_spec.checks import checked_integer


class StepByStep(StoredRows):
    """``ReplayBuffer``'s calls on transitions, which it describes."""

    def _added(self, env: int | None, priority: float | None, transition: Mapping[str, object]) -> int:
        of_env = 0 if self._links is None and env is None else self._checked_links(env).checked_env(env)
        if priority is not None:
            priority = checked_priority(priority)
        values = self._converted(transition, ())
        if self._stores:
            number = self._rows.add(self.sampler.core, values, priority, None if self._links is None else of_env)
            if number is not None:
                return number
        with self._rows:
            number = self._rows.added
            if self._frames is not None and self.frames is not None:
                self._frames.add(number, of_env, values.pop(self.frames.obs), values.pop(self.frames.next_obs))
            for name, value in values.items():
                self._columns[name][number % self.rows] = value
            if self._links is not None:
                self._links.add(number, of_env)
            self._rows.added = number + 1
            self.sampler.add(priority)
            return number

    def _extended(
        self, env: ArrayLike | None, priority: ArrayLike | None, transitions: Mapping[str, ArrayLike]
    ) -> IndexArray:
        size = self._checked_size(transitions)
        values = self._converted(transitions, (size,))
        envs = None if self._links is None and env is None else self._checked_links(env).checked_envs(env, size)
        priorities = None if priority is None else _checked_priorities(priority, size)
        if self._stores:
            numbers = self._rows.extend(self.sampler.core, values, priorities, envs)
            if numbers is not None:
                return numbers
        with self._rows:
            number = self._rows.added
            for start in range(0, size, self.rows):
                turn = slice(start, min(start + self.rows, size))
                self._store(values, turn, envs, priorities)
            return np.arange(number, number + size, dtype=np.int64)

    def _store(
        self,
        values: Mapping[str, NDArray[Any]],
        part: slice,
        envs: IndexArray | None,
        priorities: NDArray[np.float64] | None,
    ) -> None:
        """Put ``part`` of checked transitions, at most ``rows`` of them, into the next rows."""
        number, size = self._rows.added, part.stop - part.start
        first = number % self.rows
        before_end = min(size, self.rows - first)
        if self._frames is not None and self.frames is not None and envs is not None:
            obs, next_obs = (values[name][part] for name in (self.frames.obs, self.frames.next_obs))
            for i, env in enumerate(envs[part].tolist()):
                self._frames.add(number + i, env, obs[i], next_obs[i])
        for name, column in self._columns.items():
            if self.frames is not None and name == self.frames.obs:
                continue
            column[first : first + before_end] = values[name][part.start : part.start + before_end]
            if before_end < size:
                column[: size - before_end] = values[name][part.start + before_end : part.stop]
        if self._links is not None and envs is not None:
            self._links.extend(number, envs[part])
        self._rows.added = number + size
        self.sampler.extend(
            None if priorities is None else priorities[part], count=size if priorities is None else None
        )

    def _wrote(self, indices: ArrayLike, values: ArrayLike, flags: int) -> bool:
        """``update`` in one call of arrays that share their memory with tensors, if that can be."""
        if not self._writes or (isinstance(indices, np.ndarray) and isinstance(values, np.ndarray)):
            return False  # as it was for what came
        return self._rows.write(self.sampler.core, as_array(indices), as_array(values), flags)

    def _written(
        self, name: str, write: Callable[[IndexArray, NDArray[Any]], None], indices: ArrayLike, values: ArrayLike
    ) -> None:
        """``update`` in steps, whatever the arguments and the sampler."""
        numbers, new = plain_indices(indices), plain_values(name, values, signed=name == "errors")
        if numbers.size != new.size:
            raise ValueError(f"indices and {name} must be of one length, not {numbers.size} and {new.size}")
        with self._rows:
            there = self._are_there(numbers)
            write(numbers[there] % self.rows, new[there])
            self._rows.dropped += numbers.size - int(there.sum())

    def _are_there(self, numbers: IndexArray) -> NDArray[np.bool_]:
        """Which of the transitions are still there. Raises ValueError : a number that none has had yet."""
        added = self._rows.added
        wrong = numbers[(numbers < 0) | (numbers >= added)]
        if wrong.size:
            raise ValueError(f"indices must be 0 to {added - 1}, those of transitions that were added, not {wrong[0]}")
        there: NDArray[np.bool_] = numbers >= added - self.rows
        return there

    def _sampled(
        self, batch: int, beta: float | None, replace: bool, tensors: bool, out: dict[str, Any] | None
    ) -> dict[str, Any]:
        if tensors and not self._tensors_checked:
            check_tensors(self._batch_types)
            self._tensors_checked = True
        if tensors and out is None and not are_pinned():
            return as_tensors(self._sampled_arrays(batch, beta, replace))
        room = None
        if out is not None or (tensors and type(batch) is int and 1 <= batch <= BATCH_MAX):
            size = checked_integer("batch", batch, 1, BATCH_MAX)
            room = BatchArrays(size, self._batch_types, tensors=tensors, out=out)
            exponent = self.sampler.fixed_beta if beta is None else beta
            if self._draws and replace and self._rows.sample(self.sampler.core, batch, exponent, room.arrays):
                return room.batch
        with self._rows:
            draw = self.sampler.sample if replace else self.sampler.sample_distinct
            indices, weights = draw(batch, beta)
            if room is None:
                room = BatchArrays(indices.size, self._batch_types, tensors=tensors)
            self._gather(indices, room.arrays)
            added = self._rows.added
        room.arrays["indices"][:], room.arrays["weights"][:] = newest_in(indices, added, self.rows), weights
        return room.batch

    def _sampled_arrays(self, batch: int, beta: float | None, replace: bool) -> dict[str, NDArray[Any]]:
        """A new batch, at once if that can be."""
        drawn = None
        if self._draws and replace:
            drawn = self._rows.sample(self.sampler.core, batch, self.sampler.fixed_beta if beta is None else beta, None)
        return self._sampled(batch, beta, replace, False, None) if drawn is None else drawn

    def _sampled_nested(
        self,
        nested: Nested,
        batch: int,
        beta: float | None,
        replace: bool,
        tensors: bool,
        out: dict[str, Any] | None,
    ) -> dict[str, Any]:
        flat = nested.flat(out) if isinstance(out, dict) else out
        if self._draws and replace and not tensors:
            drawn = self._rows.sample(self.sampler.core, batch, self.sampler.fixed_beta if beta is None else beta, flat)
            if drawn is not None:
                return nested.nest(drawn) if out is None else out
        drawn = self._sampled(batch, beta, replace, tensors, flat)
        return nested.nest(drawn) if out is None else out

    def _gather(self, indices: IndexArray, arrays: Mapping[str, NDArray[Any]]) -> None:
        if self.sequences is not None:
            self._gather_sequences(self.sequences, indices, arrays)
            return
        outs = self._outs(arrays, indices.size)
        last = indices
        if self.n_step is None:
            self._rows.gather(indices, indices, outs)
        else:
            last, rewards, discounts = self._rows.follow(indices)
            self._rows.gather(indices, last, outs)
            arrays[self.n_step.reward][:] = rewards
            arrays["discount"][:] = discounts
        self._gather_frames(indices, last, arrays)
        self._read_compressed(indices, last, arrays)

    def _outs(self, arrays: Mapping[str, NDArray[Any]], size: int) -> tuple[NDArray[Any], ...]:
        """Where the rows of each column go; what is gathered in another way goes nowhere."""
        aside = self._aside()
        return tuple(
            np.empty((size, *column.shape[1:]), column.dtype)
            if name in aside
            else arrays[name].reshape(size, *column.shape[1:])
            for name, column in self._plain.items()
        )

    def _read_compressed(self, rows: IndexArray, last: IndexArray, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Those columns of ``rows``, or of the ``last`` of their steps."""
        of_last = frozenset[str]() if self.n_step is None else self.n_step.from_last()
        skipped = self._aside()
        for name, column in self._compressed.items():
            if name not in skipped:
                column.read(last if name in of_last else rows, arrays[name].reshape(rows.size, *column.shape[1:]))

    def _aside(self) -> tuple[str, ...]:
        """Columns that are not gathered by row."""
        aside = () if self.frames is None else (self.frames.obs,)
        return aside if self.sequences is None else (*aside, *self.sequences.first)

    def _gather_frames(self, rows: IndexArray, last: IndexArray, arrays: Mapping[str, NDArray[Any]]) -> None:
        if self._frames is not None and self.frames is not None:
            obs, next_obs = arrays[self.frames.obs], arrays[self.frames.next_obs]
            obs[...] = self._frames.obs(rows).reshape(obs.shape)
            next_obs[...] = self._frames.next_obs(last).reshape(next_obs.shape)

    def _gather_sequences(self, sequences: Sequences, indices: IndexArray, arrays: Mapping[str, NDArray[Any]]) -> None:
        assert self._links is not None
        added = self._rows.added
        rows, mask = sequences.unrolled(self._links, self._columns, added, indices)
        flat, first = rows.ravel(), rows[np.arange(len(rows)), mask.argmax(axis=1)]
        for name in sequences.first:
            arrays[name][...] = self._columns[name][first]
        self._rows.gather(flat, flat, self._outs(arrays, flat.size))
        self._gather_frames(flat, flat, arrays)
        self._read_compressed(flat, flat, arrays)
        arrays["steps"][...] = newest_in(rows, added, self.rows)
        arrays["mask"][...] = mask

    def _converted(self, transition: Mapping[str, object], lead: tuple[int, ...]) -> dict[str, NDArray[Any]]:
        """What is stored of the values by name; or what is wrong with them."""
        if transition.keys() != self._given.keys():
            missing = [name for name in self._given if name not in transition]
            unknown = [name for name in transition if name not in self._given]
            what = f"{missing[0]!r} is missing" if missing else f"{unknown[0]!r} is none of them"
            raise TypeError(f"a transition must have the columns {', '.join(self._given)}, and {what}")
        return {
            name: converted(name, transition[name], column.dtype, lead + column.shape[1:])
            for name, column in self._given.items()
        }

    def _checked_links(self, env: object) -> Links:
        if self._links is None:
            raise ValueError(f"env needs n_step, sequences or frames, and was set to {env!r}")
        return self._links

    def _checked_size(self, transitions: Mapping[str, ArrayLike]) -> int:
        name = next((name for name in self._given if name in transitions), None)
        if name is None:
            return 1  # and which column is missing is said later
        try:
            size = len(transitions[name])  # type: ignore[arg-type]  # a number has none
        except TypeError:
            raise ValueError(f"{name} must have the transitions as its first dimension, and has none") from None
        return checked_integer("the number of transitions", size, 1, BATCH_MAX)


def _checked_priorities(priority: ArrayLike, size: int) -> NDArray[np.float64]:
    values = plain_values("priority", priority)
    if values.size != size:
        raise ValueError(f"priority must have the shape ({size},), not {values.shape}")
    return values
