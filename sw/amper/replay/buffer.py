"""``ReplayBuffer``: transitions in columns, drawn by a ``Sampler``; docs/software/replay-buffer.md has the contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from amper.cores.base import ERRORS, MUST_HOLD
from amper.replay.batches import BatchArrays, check_tensors
from amper.replay.columns import Columns, column_views, converted, row_dtype
from amper.replay.nstep import NONE, Links, NStep
from amper.replay.stored import StoredRows
from amper.replay.writer import VectorWriter
from amper.sampler.arguments import BATCH_MAX, as_array, checked_priority, plain_indices, plain_values
from amper.sampler.base import IndexArray, SamplerBase
from amper.sampler.choice import chosen_core
from amper.sampler.sampler import Sampler
from amper_spec.checks import checked_integer


class ReplayBuffer(StoredRows):
    """The latest ``rows`` transitions, drawn by priority.

    Parameters
    ----------
    rows : the most transitions, 1 to 2^28; a newer one then takes the place of the oldest.
    columns : dtype, or (dtype, shape of a row), by name.
    sampler : an empty ``Sampler`` or ``Device`` of as many rows, from then on the buffer's own; or the mode of one.
    n_step : transitions over several steps; None: as they were added.
    folder : for a file that the rows are mapped from, so that they may be more than fit into memory; None: in memory.
    compiled : True or False to insist on how rows are copied; None: the compiled way where it is installed.

    A pickle and a copy (``copy.deepcopy``) have everything, random state too, and keep their rows in memory.

    Raises
    ------
    TypeError : a value of the wrong kind. ValueError : one out of its range. ImportError : ``compiled=True`` where it
    is not installed. OSError : the folder.
    """

    def __init__(
        self,
        rows: int,
        columns: Columns,
        sampler: SamplerBase | str = "per",
        *,
        n_step: NStep | None = None,
        folder: str | Path | None = None,
        compiled: bool | None = None,
    ) -> None:
        dtype = row_dtype(columns)
        checked = _checked_sampler(rows, sampler)
        if n_step is not None and not isinstance(n_step, NStep):
            raise TypeError(f"n_step must be an NStep or None, not {n_step!r}")
        if n_step is not None:
            n_step.check(column_views(np.zeros(1, dtype)))
        chosen_core(compiled)
        self._set_up(dtype, checked, n_step, folder, compiled)

    def add(self, /, *, env: int | None = None, priority: float | None = None, **transition: object) -> int:
        """Store one transition, a value for each column; returns its index.

        Parameters
        ----------
        env : the environment it is of, only with n-step transitions of more than one.
        priority : at least 0, exponentiated already. None: what the sampler's ``initial_priority`` says.

        Raises
        ------
        TypeError : a missing or unknown column, a value of the wrong kind. ValueError : of the wrong shape or that
        does not fit; ``env`` or ``priority`` out of range. Nothing is stored then.
        """
        of_env = 0 if self._links is None and env is None else self._checked_links(env).checked_env(env)
        if priority is not None:
            priority = checked_priority(priority)
        with self._rows:
            number = self._rows.added
            row = number % self.sampler.rows
            if not self._rows.put(row, transition):
                for name, value in self._converted(transition, ()).items():
                    self._columns[name][row] = value
            if self._links is not None:
                self._links.add(number, of_env)
            self._rows.added = number + 1
            self.sampler.add(priority)
            return number

    def extend(
        self, /, *, env: ArrayLike | None = None, priority: ArrayLike | None = None, **transitions: ArrayLike
    ) -> IndexArray:
        """Store k transitions, (k, ...) arrays, one for each column, oldest first; returns their indices, int64 (k,).

        Of more than ``rows`` the newest are there afterwards, as if they had come one by one.

        Parameters
        ----------
        env : (k,) the environments they are of, only with n-step transitions of more than one. None: transition i is
        of environment i modulo their number, and k a multiple of it.
        priority : (k,) as of ``add``.

        Raises
        ------
        TypeError, ValueError : as ``add``; lengths that differ, or are 0. Nothing is stored then.
        """
        size = self._checked_size(transitions)
        values = self._converted(transitions, (size,))
        envs = None if self._links is None and env is None else self._checked_links(env).checked_envs(env, size)
        priorities = None if priority is None else _checked_priorities(priority, size)
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
        for name, column in self._columns.items():
            column[first : first + before_end] = values[name][part.start : part.start + before_end]
            if before_end < size:
                column[: size - before_end] = values[name][part.start + before_end : part.stop]
        if self._links is not None and envs is not None:
            self._links.extend(number, envs[part])
        self._rows.added = number + size
        self.sampler.extend(
            None if priorities is None else priorities[part], count=size if priorities is None else None
        )

    def sample(
        self, batch: int, beta: float | None = None, *, tensors: bool = False, out: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Draw ``batch`` transitions, with replacement.

        Parameters
        ----------
        batch, beta : as in ``Sampler.sample``.
        tensors : give PyTorch tensors; pinned, if CUDA is available.
        out : a batch that this buffer gave, of the same size and kind, to be overwritten and given again; its arrays
            must not be in use any more. None: new arrays.

        Returns
        -------
        The columns by name, (batch, ...); "indices", int64, for ``update``: of all transitions that were ever added,
        counted from 0, number t is in row t % ``rows``; "weights", float32, the largest of which is 1; with n-step
        transitions "discount", float32, gamma^steps.

        Raises
        ------
        TypeError, ValueError : a bad argument. NoValidRowError (a ValueError) : nothing to draw. ImportError : no
        PyTorch.
        """
        if self._in_one_call and not tensors:
            core, exponent = self.sampler.core_and_beta(beta)
            drawn = self._rows.sample(core, batch, exponent, out)
            if drawn is not None:
                return drawn
        return self._sampled(batch, beta, tensors, out)

    def update(self, indices: ArrayLike, priorities: ArrayLike) -> None:
        """``Sampler.update`` of transitions; those that were replaced meanwhile are passed over, and count as dropped.

        Raises TypeError, ValueError : as there; an index that no transition has had yet. Nothing is stored then.
        """
        if not self._wrote(indices, priorities, MUST_HOLD):
            self._written("priorities", self.sampler.update, indices, priorities)

    def update_errors(self, indices: ArrayLike, errors: ArrayLike) -> None:
        """``update`` with (|error| + eps)^alpha; ``errors`` are (b,) TD errors, finite."""
        if not self._wrote(indices, errors, MUST_HOLD | ERRORS):
            self._written("errors", self.sampler.update_errors, indices, errors)

    def remove(self, indices: ArrayLike) -> None:
        """``Sampler.remove`` of transitions, which are not drawn any more; n-step transitions over them still are.

        Those that were replaced meanwhile are passed over, and count as dropped.
        """
        numbers = plain_indices(indices)
        with self._rows:
            there = self._are_there(numbers)
            self.sampler.remove(numbers[there] % self.rows)
            self._rows.dropped += numbers.size - int(there.sum())

    def clear(self) -> None:
        """Forget all transitions; random state and parameters stay, and indices from before are of none any more."""
        with self._rows:
            held = np.flatnonzero(self.sampler.priorities())
            self.sampler.remove(held)
            if self._links is not None:
                self._links.clear()
            # The row that comes next is the same, and every number so far too old.
            self._rows.added += self.rows

    def writer(self, envs: Any) -> VectorWriter:
        """What stores the steps of a Gymnasium vector environment, however it resets those that end.

        Raises TypeError, ValueError : it does not say how; n-step transitions of another number of environments.
        """
        return VectorWriter(self, envs)

    def cut(self, envs: IndexArray) -> None:
        """Let no n-step transition go on from the newest ones of ``envs``, which were reset in the midst."""
        if self._links is not None:
            with self._rows:
                self._links.newest[envs] = NONE

    def reseed(self, seed: int | None = None) -> None:
        """``Sampler.reseed``: each process that draws from a copy of the buffer needs a seed of its own."""
        if not isinstance(self.sampler, Sampler):
            raise TypeError(f"reseed needs a Sampler, not {type(self.sampler).__name__}, which has its own streams")
        with self._rows:
            self.sampler.reseed(seed)

    def _wrote(self, indices: ArrayLike, values: ArrayLike, flags: int) -> bool:
        """``update`` in one call, if that can be."""
        if not self._writes:
            return False
        core, write = self.sampler.core_and_beta(None)[0], self._rows.write
        if write(core, indices, values, flags):
            return True
        if isinstance(indices, np.ndarray) and isinstance(values, np.ndarray):
            return False
        return write(core, as_array(indices), as_array(values), flags)  # tensors share their memory with arrays

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

    def _sampled(self, batch: int, beta: float | None, tensors: bool, out: dict[str, Any] | None) -> dict[str, Any]:
        """``sample`` in steps, whatever the arguments, sampler and columns; what is wrong is said before the draw."""
        if tensors and not self._tensors_checked:
            check_tensors(self._batch_types)
            self._tensors_checked = True
        room = None
        if out is not None:
            size = checked_integer("batch", batch, 1, BATCH_MAX)
            room = BatchArrays(size, self._batch_types, tensors=tensors, out=out)
        with self._rows:
            indices, weights = self.sampler.sample(batch, beta)
            if room is None:
                room = BatchArrays(indices.size, self._batch_types, tensors=tensors)
            self._gather(indices, room.arrays)
            added = self._rows.added
        newest = added - 1 - (added - 1 - indices) % self.rows  # of each row
        room.arrays["indices"][:], room.arrays["weights"][:] = newest, weights
        return room.batch

    def _gather(self, indices: IndexArray, arrays: Mapping[str, NDArray[Any]]) -> None:
        outs = tuple(arrays[name] for name in self._columns)
        if self._links is None:
            self._rows.gather(indices, indices, outs)
            return
        assert self.n_step is not None
        last, rewards, discounts = self._rows.follow(indices, self._links.follower)
        self._rows.gather(indices, last, outs)
        arrays[self.n_step.reward][:] = rewards
        arrays["discount"][:] = discounts

    def _converted(self, transition: Mapping[str, object], lead: tuple[int, ...]) -> dict[str, NDArray[Any]]:
        """What is stored of the values by name; or what is wrong with them."""
        if transition.keys() != self._columns.keys():
            missing = [name for name in self._columns if name not in transition]
            unknown = [name for name in transition if name not in self._columns]
            what = f"{missing[0]!r} is missing" if missing else f"{unknown[0]!r} is none of them"
            raise TypeError(f"a transition must have the columns {', '.join(self._columns)}, and {what}")
        return {
            name: converted(name, transition[name], column.dtype, lead + column.shape[1:])
            for name, column in self._columns.items()
        }

    def _checked_links(self, env: object) -> Links:
        if self._links is None:
            raise ValueError(f"env is only used with n_step, and was set to {env!r}")
        return self._links

    def _checked_size(self, transitions: Mapping[str, ArrayLike]) -> int:
        name = next((name for name in self._columns if name in transitions), None)
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


def _checked_sampler(rows: int, sampler: SamplerBase | str) -> SamplerBase:
    if isinstance(sampler, str):
        return Sampler(rows, mode=sampler)  # type: ignore[arg-type]  # it checks the mode
    if not isinstance(sampler, SamplerBase):
        raise TypeError(f"sampler must be a Sampler or the name of a mode, not {sampler!r}")
    if sampler.rows != rows:
        raise ValueError(f"sampler must have the buffer's {rows} rows, not {sampler.rows}")
    if len(sampler) or sampler.state()["cursor"]:
        raise ValueError(f"sampler must be empty and new, not hold {len(sampler)} priorities")
    return sampler
