"""``ReplayBuffer``: transitions in columns, drawn by a ``Sampler``; docs/software/replay-buffer.md has the contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from amper.cores.base import ERRORS, MUST_HOLD
from amper.cores.compiled import at_once
from amper.replay.columns import Columns, column_views, row_dtype
from amper.replay.compression import Compression
from amper.replay.episodes.frames import Frames
from amper.replay.episodes.nstep import NONE, NStep
from amper.replay.episodes.sequences import Sequences
from amper.replay.episodes.writer import VectorWriter
from amper.replay.nested import Nested
from amper.replay.prefetch import Prefetcher
from amper.replay.steps import StepByStep
from amper.sampler.arguments import plain_indices
from amper.sampler.base import IndexArray, SamplerBase
from amper.sampler.choice import chosen_core
from amper.sampler.sampler import Sampler
from amper_spec.checks import checked_integer

_ERRORS = MUST_HOLD | ERRORS


class ReplayBuffer(StepByStep):
    """The latest ``rows`` transitions, drawn by priority.

    Parameters
    ----------
    rows : the most transitions, 1 to 2^28; a newer one then takes the place of the oldest.
    columns : dtype, or (dtype, shape of a row), by name; or a dictionary or tuple of such, as observations may be.
    sampler : an empty ``Sampler`` or ``Device`` of as many rows, from then on the buffer's own; or the mode of one.
    n_step : transitions over several steps; None: as they were added.
    frames : observations to be stored once, as stacks of frames and as the next transition's.
    compression : columns whose rows are kept compressed, each by itself.
    sequences : the steps around each drawn transition in place of it alone; not with ``n_step``.
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
        sequences: Sequences | None = None,
        frames: Frames | None = None,
        compression: Compression | None = None,
        folder: str | Path | None = None,
        compiled: bool | None = None,
    ) -> None:
        nested = Nested(columns) if isinstance(columns, Mapping) else None
        if nested is not None and not nested.is_flat:
            columns = nested.columns
            if isinstance(n_step, NStep):
                n_step = replace(n_step, following=sum(map(nested.names, n_step.following), ()))
            if isinstance(sequences, Sequences):
                sequences = replace(sequences, first=sum(map(nested.names, sequences.first), ()))
            if isinstance(compression, Compression):
                compression = replace(compression, columns=sum(map(nested.names, compression.columns), ()))
            self._nested = nested
        dtype = row_dtype(columns)
        checked = _checked_sampler(rows, sampler)
        if n_step is not None and not isinstance(n_step, NStep):
            raise TypeError(f"n_step must be an NStep or None, not {n_step!r}")
        if sequences is not None and not isinstance(sequences, Sequences):
            raise TypeError(f"sequences must be a Sequences or None, not {sequences!r}")
        if n_step is not None and sequences is not None:
            raise ValueError(f"n_step and sequences exclude each other, and are {n_step} and {sequences}")
        for linked in (n_step, sequences):
            if linked is not None:
                linked.check(column_views(np.zeros(1, dtype)))
        _check_frames(frames, dtype, n_step or sequences)
        _check_compression(compression, dtype, n_step or sequences, frames)
        chosen_core(compiled)
        self._set_up(dtype, checked, n_step, sequences, frames, folder, compiled, compression)

    @at_once
    def add(self, /, *, env: int | None = None, priority: float | None = None, **transition: Any) -> int:
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
        if self._nested is not None:
            transition = self._nested.flat(transition)
        if self._stores:
            number = self._rows.add(self.sampler.core, transition, priority, env)
            if number is not None:
                return number
        return self._added(env, priority, transition)

    def extend(
        self, /, *, env: ArrayLike | None = None, priority: ArrayLike | None = None, **transitions: Any
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
        if self._nested is not None:
            transitions = self._nested.flat(transitions)
        if self._stores:
            numbers = self._rows.extend(self.sampler.core, transitions, priority, env)
            if numbers is not None:
                return numbers
        return self._extended(env, priority, transitions)

    def sample(
        self,
        batch: int,
        beta: float | None = None,
        *,
        replace: bool = True,
        tensors: bool = False,
        out: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Draw ``batch`` transitions.

        Parameters
        ----------
        batch, beta : as in ``Sampler.sample``. replace : False: each transition at most once, as ``sample_distinct``.
        tensors : give PyTorch tensors; pinned, if CUDA is available.
        out : a batch that this buffer gave, of the same size and kind, to be overwritten and given again; its arrays
            must not be in use any more. None: new arrays.

        Returns
        -------
        The columns by name, (batch, ...); "indices", int64, for ``update``: of all transitions that were ever added,
        counted from 0, number t is in row t % ``rows``; "weights", float32, the largest of which is 1; with n-step
        transitions "discount", float32, gamma^steps. With sequences the columns are (batch, steps, ...), and "steps"
        and "mask", both (batch, steps), have the steps' own indices and whether they are of the sequence.

        Raises
        ------
        TypeError, ValueError : a bad argument. NoValidRowError (a ValueError) : nothing to draw. ImportError : no
        PyTorch.
        """
        if self._nested is not None:
            return self._sampled_nested(self._nested, batch, beta, replace, tensors, out)
        if self._draws and replace and not tensors:
            drawn = self._rows.sample(self.sampler.core, batch, self.sampler.fixed_beta if beta is None else beta, out)
            if drawn is not None:
                return drawn
        return self._sampled(batch, beta, replace, tensors, out)

    def prefetch(
        self, batch: int, beta: float | None = None, *, ahead: int = 2, replace: bool = True, tensors: bool = False
    ) -> Prefetcher:
        """An iterator over batches, as ``sample`` gives them, up to ``ahead`` of which a thread draws in advance.

        They are of the priorities when they were drawn. Raises TypeError, ValueError : ``ahead`` is not 1 to 1024.
        """
        ahead = checked_integer("ahead", ahead, 1, 1024)
        return Prefetcher(lambda: self.sample(batch, beta, replace=replace, tensors=tensors), ahead)

    def resized(self, rows: int) -> ReplayBuffer:
        """A buffer like this one, in memory, with room for ``rows`` transitions and the newest of these in it.

        Their indices stay what they are, and the random words go on. Raises TypeError, ValueError : ``rows`` out of
        range; a sampler that is no ``Sampler``.
        """
        if not isinstance(self.sampler, Sampler):
            raise TypeError(f"resized needs a Sampler, not {type(self.sampler).__name__}")
        self._check_no_frames()
        with self._rows:
            sampler = self.sampler.resized(rows)
            other = ReplayBuffer.__new__(ReplayBuffer)
            given = (self.n_step, self.sequences, None, None, self._asked, self.compression)
            other._set_up(self._dtype, sampler, *given)
            other._nested = self._nested
            other._adopt(self._held())
        return other

    def update(self, indices: ArrayLike, priorities: ArrayLike) -> None:
        """``Sampler.update`` of transitions; those that were replaced meanwhile are passed over, and count as dropped.

        Raises TypeError, ValueError : as there; an index that no transition has had yet. Nothing is stored then.
        """
        if self._writes and self._rows.write(self.sampler.core, indices, priorities, MUST_HOLD):
            return
        if not self._wrote(indices, priorities, MUST_HOLD):
            self._written("priorities", self.sampler.update, indices, priorities)

    def update_errors(self, indices: ArrayLike, errors: ArrayLike) -> None:
        """``update`` with (|error| + eps)^alpha; ``errors`` are (b,) TD errors, finite."""
        if self._writes and self._rows.write(self.sampler.core, indices, errors, _ERRORS):
            return
        if not self._wrote(indices, errors, _ERRORS):
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
            if self._frames is not None:
                self._frames.clear()
            for column in self._compressed.values():
                column.clear()

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


def _check_frames(frames: object, dtype: np.dtype[np.void], linked: NStep | Sequences | None) -> None:
    if frames is None:
        return
    if not isinstance(frames, Frames):
        raise TypeError(f"frames must be a Frames or None, not {frames!r}")
    frames.stored(dtype)
    if linked is not None and linked.envs != frames.envs:
        raise ValueError(f"frames must be of {linked.envs} environments, as {linked}, not {frames.envs}")


def _check_compression(
    compression: object, dtype: np.dtype[np.void], linked: NStep | Sequences | None, frames: Frames | None
) -> None:
    if compression is None:
        return
    if not isinstance(compression, Compression):
        raise TypeError(f"compression must be a Compression or None, not {compression!r}")
    compression.apart(dtype if frames is None else frames.stored(dtype), () if linked is None else linked.reads())


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
