"""What ``amper.Sampler`` and ``amper.Device`` share: the calls on rows and priorities, done by a core.

A core (``amper.cores.base.Core``) takes plain arrays and answers with a status; what is wrong with an argument is
found out here, only if it said no.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from amper.cores.base import ERRORS, MUST_HOLD, Core
from amper.sampler.arguments import BATCH_MAX, checked_beta, checked_priority, plain_indices, plain_values
from amper.sampler.distinct import draw_distinct
from amper.sampler.options import SamplerOptions
from amper_spec.checks import checked_integer
from amper_spec.errors import NoValidRowError

IndexArray = NDArray[np.int64]
WeightArray = NDArray[np.float32]


class SamplerBase(ABC):
    """Rows and their priorities, drawn by a core, which a subclass puts into ``core``.

    Parameters
    ----------
    options : what it is built for. beta : importance exponent where ``sample`` gets none, as of ``amper.Sampler``.

    Members: ``core``, which does the work; for this package alone.
    """

    core: Core

    def __init__(self, options: SamplerOptions, beta: float | Callable[[int], float]) -> None:
        self.options = options
        self._schedule = beta if callable(beta) else None
        first = checked_beta(beta(0) if callable(beta) else beta)
        # For who draws with the core directly: None where a schedule decides.
        self.fixed_beta = None if callable(beta) else first

    @property
    @abstractmethod
    def rows(self) -> int:
        """The most rows."""

    @property
    @abstractmethod
    def mode(self) -> str:
        """The mode of drawing."""

    @property
    def beta(self) -> float | Callable[[int], float]:
        """As given to the constructor."""
        return self.fixed_beta if self._schedule is None else self._schedule  # type: ignore[return-value]  # one is set

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """All that ``restore`` needs to go on exactly as this one would; numbers, strings and arrays by name."""

    @abstractmethod
    def restore(self, state: dict[str, Any]) -> None:
        """Become what the one was that gave ``state``.

        Raises TypeError, ValueError : not a state, of another version, of other options; nothing is changed then.
        """

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self):,} of {self.rows:,} rows hold a priority, mode={self.mode!r})"

    @property
    def alpha(self) -> float:
        """The exponent of ``update_errors``, which stays: stored priorities would not follow it."""
        return self.options.alpha

    @property
    def eps(self) -> float:
        """What ``update_errors`` adds, which stays."""
        return self.options.eps

    def clear(self) -> None:
        """Forget all priorities, also the largest so far; random state and parameters stay. Row 0 comes next."""
        self.remove(np.flatnonzero(self.priorities()))
        self.core.cursor = 0
        self.core.maximum = 0.0

    def __len__(self) -> int:
        """Rows that hold a priority."""
        return self.core.count

    @property
    def scale(self) -> float:
        """lambda' or lambda now."""
        return self.core.scale

    @property
    def csp_share(self) -> float:
        """|CSP|/n of the latest batch of a mode of AMPER; 0 when its CSP was empty."""
        return self.core.share

    @property
    def max_priority(self) -> float:
        """The largest priority so far; 1 before the first."""
        return self.core.maximum or 1.0

    @property
    def new_priority(self) -> float:
        """What a row that is added now without a priority gets, as ``initial_priority`` has it."""
        return self.core.initial

    @property
    def memory_per_row(self) -> float:
        """Bytes that the sampler keeps for a row."""
        return self.core.memory() / self.rows

    @property
    def total(self) -> float:
        """The sum of all priorities, as draws go by it; in mode uniform the number of rows that hold one.

        Raises ValueError : in modes of AMPER and of bit-exact samplers, which draw by no such sum.
        """
        total = self.core.total
        if not total and len(self):
            raise ValueError(f"total needs mode per or uniform, not bit-exact, and this is {self!r}")
        return total

    def probabilities(self, indices: ArrayLike) -> NDArray[np.float64]:
        """(b,): the chance of each of these rows in the next draw, 0 of one that holds nothing.

        Raises TypeError, ValueError : not integers; a row out of range; as ``total``.
        """
        rows = plain_indices(indices)
        stored = self.core.priorities_of(rows)
        if stored is None:
            raise self._row_error(rows)
        total = self.total or 1.0
        if self.mode == "uniform":
            return (stored > 0) / total
        return stored.astype(np.float64) / total

    def priorities(self) -> NDArray[np.float32]:
        """(rows,): the stored priorities, 0 where a row holds none."""
        return self.core.priorities()

    def add(self, priority: float | None = None) -> int:
        """Store a priority (``new_priority`` if None) in the row after the one before, the first after the last.

        Returns the row. Raises TypeError, ValueError : not a finite number of at least 0; nothing is stored.
        """
        row = self.core.add(priority)
        if row is None:
            row = self.core.add(checked_priority(priority))
            assert row is not None
        return row

    def extend(self, priorities: ArrayLike | None = None, *, count: int | None = None) -> IndexArray:
        """``add`` for each of ``priorities``, or ``count`` times ``new_priority``; returns the rows, int64.

        Raises TypeError, ValueError : not real numbers, finite and at least 0, of one dimension; nothing is stored.
        """
        if (priorities is None) == (count is None):
            raise TypeError(f"extend takes either priorities or count, not {priorities!r} and {count!r}")
        if priorities is None:
            size = checked_integer("count", count, 1, BATCH_MAX)
            values = np.full(size, self.new_priority)
        else:
            values = plain_values("priorities", priorities)
        first = self.core.cursor
        indices = (first + np.arange(values.size, dtype=np.int64)) % self.rows
        self.write(indices, values)
        self.core.cursor = (first + values.size) % self.rows
        return indices

    def write(self, indices: ArrayLike, priorities: ArrayLike | None = None) -> None:
        """Store ``priorities`` (``new_priority`` if None) in rows of the caller's choice; the last of a row counts.

        Raises TypeError, ValueError as ``update`` does, but the rows may hold nothing yet.
        """
        if priorities is None:
            priorities = np.full(np.shape(indices), self.new_priority)
        self._write(indices, priorities, "priorities", 0)

    def update(self, indices: ArrayLike, priorities: ArrayLike) -> None:
        """Store new ``priorities`` in rows that hold one; of a row that comes more than once the last counts.

        Parameters
        ----------
        indices : (b,) rows. priorities : (b,) finite, at least 0, exponentiated already.

        Raises
        ------
        TypeError : not integers, not real numbers. ValueError : a row out of range or that holds nothing; a NaN, an
        infinite or negative priority; lengths that differ. Nothing is stored then.
        """
        if self.core.write(indices, priorities, MUST_HOLD):
            self._write(indices, priorities, "priorities", MUST_HOLD)

    def update_errors(self, indices: ArrayLike, errors: ArrayLike) -> None:
        """``update`` with (|error| + eps)^alpha; ``errors`` are (b,) TD errors, finite."""
        if self.core.write(indices, errors, MUST_HOLD | ERRORS):
            self._write(indices, errors, "errors", MUST_HOLD | ERRORS)

    def remove(self, indices: ArrayLike) -> None:
        """Let go of rows, which can then no longer be drawn.

        Raises TypeError, ValueError : not integers; a row out of range or that holds nothing. Nothing is removed.
        """
        if self.core.remove(indices):
            rows = plain_indices(indices)
            if self.core.remove(rows):
                raise self._row_error(rows)

    def sample(self, batch: int, beta: float | None = None) -> tuple[IndexArray, WeightArray]:
        """Draw ``batch`` rows, with replacement.

        Parameters
        ----------
        batch : 1 to 2^31 - 1. beta : at least 0; as the constructor has it if None.

        Returns
        -------
        int64 (batch,) rows; float32 (batch,) importance weights, the largest of which is 1.

        Raises
        ------
        TypeError, ValueError : a bad argument. NoValidRowError (a ValueError) : no row holds a priority.
        """
        if beta is None:
            beta = self.fixed_beta if self._schedule is None else checked_beta(self._schedule(self.core.batches))
        drawn = self.core.sample(batch, beta)
        if drawn is None:
            size, exponent = checked_integer("batch", batch, 1, BATCH_MAX), checked_beta(beta)
            drawn = self.core.sample(size, exponent)
            if drawn is None:
                raise NoValidRowError("sample needs at least one row with a priority, and there is none: add one first")
        return drawn

    def sample_distinct(self, batch: int, beta: float | None = None) -> tuple[IndexArray, WeightArray]:
        """``sample`` without replacement: each row at most once, by its priority among those that are left.

        The weights are those of draws with replacement. Other threads must not use the sampler meanwhile.

        Raises as ``sample``; ValueError : fewer rows than ``batch``; as ``total``.
        """
        if beta is None:
            beta = self.fixed_beta if self._schedule is None else self._schedule(self.core.batches)
        size, exponent = checked_integer("batch", batch, 1, BATCH_MAX), checked_beta(beta)
        if size > len(self):
            raise ValueError(f"batch must be at most the {len(self)} rows with a priority, not {size}: each comes once")
        _ = self.total  # or why there is none
        return draw_distinct(self.core, size, exponent)

    def _write(self, indices: ArrayLike, values: ArrayLike, name: str, flags: int) -> None:
        """Write after every conversion that is allowed, or say what is wrong."""
        rows, numbers = plain_indices(indices), plain_values(name, values, signed=bool(flags & ERRORS))
        if rows.size != numbers.size:
            raise ValueError(f"indices and {name} must be of one length, not {rows.size} and {numbers.size}")
        if self.core.write(rows, numbers, flags):
            raise self._row_error(rows)

    def _row_error(self, rows: IndexArray) -> ValueError:
        """What is wrong with the rows that the core refused."""
        outside = (rows < 0) | (rows >= self.rows)
        if outside.any():
            return ValueError(f"indices must be 0 to {self.rows - 1}, not {rows[outside][0]}")
        empty = rows[self.core.priorities()[rows] == 0]
        return ValueError(f"indices must be of rows that hold a priority, and row {empty[0]} holds none")
