"""Tianshou's prioritized buffers, drawing by AMPER or exactly proportionally; docs/software/adapters.md."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from amper.adapters.base import LARGEST, SMALLEST, SamplerChoice, SamplerLike, chosen_sampler, taken_options
from amper.sampler.options import Mode
from amper.support.extras import require
from amper.support.files import replacing

require("tianshou.data", "tianshou")
from tianshou.data import (  # noqa: E402
    PrioritizedReplayBuffer,
    PrioritizedReplayBufferManager,
    ReplayBuffer,
    ReplayBufferManager,
    to_numpy,
)

EPS = float(np.finfo(np.float32).eps)  # Tianshou's


class SampledWeights:
    """What Tianshou keeps in ``buffer.weight``: priorities by row, exponentiated, here in front of a sampler.

    Stands in for ``tianshou.data.SegmentTree``, without its search.
    """

    def __init__(self, size: int, sampler: SamplerLike) -> None:
        self.sampler = sampler
        self._values = np.zeros(size)  # 0: no priority

    def __len__(self) -> int:
        return self._values.size

    def __getitem__(self, index: Any) -> Any:
        return self._values[index]

    def __setitem__(self, index: ArrayLike, value: ArrayLike) -> None:
        """Store priorities; of a row that comes more than once the last counts.

        Raises TypeError, ValueError : rows out of range; priorities that are not finite numbers of at least 0. Nothing
        is stored then.
        """
        rows = np.atleast_1d(np.asarray(index))
        if rows.size == 0:
            return
        values = np.broadcast_to(np.asarray(value), rows.shape)
        try:
            held = np.minimum.reduce(self._values[rows]) > 0
        except IndexError:
            held = False
        if held:
            self.sampler.update(rows, values)  # the quicker of the two
        else:
            self.sampler.write(rows, values)
        self._values[rows] = np.minimum(np.maximum(values, SMALLEST), LARGEST)

    def reduce(self, start: int = 0, end: int | None = None) -> float:
        """The sum of rows ``start`` to ``end``, that one not included; O(n)."""
        return float(self._values[start:end].sum())

    def clear(self) -> None:
        """Let go of all rows."""
        held = np.flatnonzero(self._values)
        if held.size:
            self.sampler.remove(held)
            self._values[held] = 0.0


class AmperReplayBuffer(PrioritizedReplayBuffer):
    """Takes the place of ``tianshou.data.PrioritizedReplayBuffer``.

    Parameters
    ----------
    size, alpha, beta, weight_norm : as in Tianshou. **kwargs : of ``tianshou.data.ReplayBuffer``, and parameters of
        ``amper.Sampler``.
    mode, seed, sampler : what draws; see ``amper.adapters.base.chosen_sampler``.

    ``weights="inclusion"`` makes ``sample`` give ``amper.Sampler``'s weights, which need ``weight_norm``.

    Raises
    ------
    TypeError : a value of the wrong kind. ValueError : one out of its range, or two that exclude each other.
    """

    weight: SampledWeights

    def __init__(
        self,
        size: int,
        alpha: float,
        beta: float,
        weight_norm: bool = True,
        *,
        mode: Mode | None = None,
        seed: int | None = None,
        sampler: SamplerChoice = None,
        **kwargs: Any,
    ) -> None:
        options = {"mode": mode, "seed": seed, **taken_options(kwargs)}
        # The constructor of the base class is left out: it makes a tree, which takes seconds to compile.
        ReplayBuffer.__init__(self, size, **kwargs)
        self._prioritize(alpha, beta, weight_norm, sampler, options)

    def _prioritize(
        self, alpha: float, beta: float, weight_norm: bool, sampler: SamplerChoice, options: dict[str, Any]
    ) -> None:
        """Set everything that has to do with priorities."""
        _check_exponents(alpha, beta)
        self._own_weights = options.get("weights") == "inclusion"
        if self._own_weights and not weight_norm:
            raise ValueError("weight_norm must be True with weights='inclusion', which are of a batch, not False")
        named = dict(options)
        mode, seed = named.pop("mode"), named.pop("seed")
        self.weight = SampledWeights(
            self.maxsize, chosen_sampler(self.maxsize, mode=mode, seed=seed, sampler=sampler, options=named)
        )
        self._alpha, self._beta, self._weight_norm = alpha, beta, weight_norm
        self._max_prio = self._min_prio = 1.0
        # From here a manager of such buffers learns what they were made with.
        self.options.update(alpha=alpha, beta=beta, weight_norm=weight_norm, **options)

    def init_weight(self, index: int | NDArray[np.int64]) -> None:
        """Give new rows the largest priority so far."""
        self.weight[index] = self._max_prio**self._alpha

    def get_weight(self, index: int | NDArray[np.int64]) -> Any:
        """Importance weights of rows, not yet normalised, by Tianshou's formula: (p / least |TD error|)^-beta."""
        return (self.weight[index] / self._min_prio) ** -self._beta

    def update_weight(self, index: NDArray[np.int64], new_weight: Any) -> None:
        """Store priorities (|TD error| + eps)^alpha; of a row that comes more than once the last counts.

        Raises TypeError, ValueError : rows out of range; errors that are not finite numbers. Nothing is stored then.
        """
        errors = np.abs(to_numpy(new_weight)) + EPS
        self.weight[index] = errors**self._alpha
        self._max_prio = max(self._max_prio, errors.max(initial=0.0))
        self._min_prio = min(self._min_prio, errors.min(initial=np.inf))

    def sample_indices(self, batch_size: int | None) -> NDArray[np.int64]:
        """As in Tianshou: drawn by priority if ``batch_size`` is above 0; all rows for 0, uniform draws for None."""
        if batch_size is not None and batch_size > 0 and len(self) > 0:
            return self.weight.sampler.sample(batch_size, self._beta)[0]
        indices: NDArray[np.int64] = super().sample_indices(batch_size)
        return indices

    def sample(self, batch_size: int | None) -> tuple[Any, NDArray[np.int64]]:
        """As in Tianshou: (batch, indices); ``batch.weight`` has the importance weights."""
        if not self._own_weights or not batch_size or batch_size < 0 or len(self) == 0:
            drawn: tuple[Any, NDArray[np.int64]] = super().sample(batch_size)
            return drawn
        indices, weights = self.weight.sampler.sample(batch_size, self._beta)
        batch = self[indices]
        batch.weight = weights
        return batch, indices

    def set_beta(self, beta: float) -> None:
        """The importance exponent from now on."""
        _check_exponents(self._alpha, beta)
        self._beta = beta

    def save_hdf5(self, path: str, compression: str | None = None) -> None:
        """As in Tianshou, but into a file beside ``path`` that takes its place in the end."""
        with replacing(Path(path)) as aside:
            super().save_hdf5(str(aside), compression)

    def reset(self, keep_statistics: bool = False) -> None:
        """Clear all data and priorities, and, unless told otherwise, the statistics of the episode."""
        super().reset(keep_statistics=keep_statistics)
        if "weight" in self.__dict__:  # a manager has taken it from the buffers that it manages
            self.weight.clear()
            self._max_prio = self._min_prio = 1.0


class AmperReplayBufferManager(AmperReplayBuffer, PrioritizedReplayBufferManager):
    """Takes the place of ``PrioritizedReplayBufferManager``: one sampler over all rows of several buffers.

    Parameters
    ----------
    buffer_list : ``AmperReplayBuffer`` with the same options, of which the manager's sampler is made.
    sampler : as in ``AmperReplayBuffer``, of all rows together.
    """

    def __init__(self, buffer_list: Sequence[AmperReplayBuffer], *, sampler: SamplerChoice = None) -> None:
        for buffer in buffer_list:
            if not isinstance(buffer, AmperReplayBuffer):
                raise TypeError(f"buffer_list must be of AmperReplayBuffer, not {type(buffer).__name__}")
        kept = buffer_list[0].options
        ReplayBufferManager.__init__(self, buffer_list)
        # The manager, which adds and draws for all, has the only weights.
        for buffer in buffer_list:
            del buffer.weight
        named = {name: value for name, value in kept.items() if name not in self.options}
        exponents = {name: named.pop(name) for name in ("alpha", "beta", "weight_norm")}
        self._prioritize(**exponents, sampler=sampler, options=named)


class AmperVectorReplayBuffer(AmperReplayBufferManager):
    """Takes the place of ``PrioritizedVectorReplayBuffer``: ``buffer_num`` buffers, one for each environment.

    Parameters
    ----------
    total_size, buffer_num : rows of all buffers together (rounded up to a multiple), and how many. The others are those
        of ``AmperReplayBuffer``; ``sampler`` has the rows of all.
    """

    def __init__(
        self, total_size: int, buffer_num: int, *args: Any, sampler: SamplerChoice = None, **kwargs: Any
    ) -> None:
        if buffer_num < 1:
            raise ValueError(f"buffer_num must be at least 1, not {buffer_num}")
        size = math.ceil(total_size / buffer_num)
        super().__init__([AmperReplayBuffer(size, *args, **kwargs) for _ in range(buffer_num)], sampler=sampler)


def _check_exponents(alpha: float, beta: float) -> None:
    if not 0 < alpha < math.inf:
        raise ValueError(f"alpha must be finite and above 0, not {alpha}")
    if not 0 <= beta < math.inf:
        raise ValueError(f"beta must be finite and at least 0, not {beta}")
