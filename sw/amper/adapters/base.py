"""What the adapters for RL libraries share: the sampler behind a buffer, as the caller chose it; adapters.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from amper.sampler.options import Mode
from amper.sampler.sampler import Sampler

# Parameters of `amper.Sampler` that an adapter takes beside those of the class that it stands in for.
SAMPLER_OPTIONS = frozenset(
    {"groups", "scale", "csp_share", "weights", "bit_exact", "priority_width", "priority_scale", "compiled"}
)
SMALLEST, LARGEST = 2.0**-126, 2.0**127  # what a sampler stores lies between them
_METHODS = ("__len__", "write", "update", "remove", "sample", "state", "restore")


class SamplerLike(Protocol):
    """What an adapter needs of a sampler: of an ``amper.Sampler``, an ``amper.Device``, or another with their calls."""

    @property
    def rows(self) -> int: ...
    def __len__(self) -> int: ...
    def write(self, indices: ArrayLike, priorities: ArrayLike | None = None) -> None: ...
    def update(self, indices: ArrayLike, priorities: ArrayLike) -> None: ...
    def remove(self, indices: ArrayLike) -> None: ...
    def sample(self, batch: int, beta: float | None = None) -> tuple[NDArray[np.int64], NDArray[np.float32]]: ...
    def state(self) -> dict[str, Any]: ...
    def restore(self, state: dict[str, Any]) -> None: ...


SamplerChoice = SamplerLike | Callable[[int], SamplerLike] | None


def taken_options(keywords: dict[str, Any]) -> dict[str, Any]:
    """Those of ``keywords`` that are parameters of ``amper.Sampler``, taken out of it."""
    return {name: keywords.pop(name) for name in SAMPLER_OPTIONS & keywords.keys()}


def chosen_sampler(
    rows: int,
    *,
    mode: Mode | None,
    seed: int | None,
    sampler: SamplerChoice,
    options: dict[str, Any],
    initial_priority: str | float | None = None,
) -> SamplerLike:
    """The sampler of a buffer of ``rows`` rows.

    Parameters
    ----------
    mode : of ``amper.Sampler``; "per" if None. seed : None takes one from ``np.random``, by whose seed the libraries'
        own buffers draw. initial_priority : of ``amper.Sampler``, where new rows get theirs from it; None: its default.
    options : more parameters of ``amper.Sampler``.
    sampler : in place of all of these, an empty sampler of ``rows`` rows, or a function of ``rows`` that makes one.

    Raises
    ------
    TypeError : an unknown option; something that is no sampler. ValueError : a value out of range; a sampler with
    options, of another size, or that holds rows.
    """
    if sampler is None:
        unknown = sorted(options.keys() - SAMPLER_OPTIONS)
        if unknown:
            raise TypeError(f"{unknown[0]} is not a parameter; the sampler's are {', '.join(sorted(SAMPLER_OPTIONS))}")
        if seed is None:
            seed = int(np.random.randint(1 << 62, dtype=np.int64))
        if initial_priority is not None:
            options = {**options, "initial_priority": initial_priority}
        return Sampler(rows, mode="per" if mode is None else mode, seed=seed, **options)
    given = {"mode": mode, "seed": seed, "initial_priority": initial_priority, **options}
    for name, value in given.items():
        if value is not None:
            raise ValueError(f"{name} must not be given beside sampler, which has its own, and was {value!r}")
    made = sampler(rows) if callable(sampler) else sampler
    missing = [name for name in (*_METHODS, "rows") if not hasattr(made, name)]
    if missing:
        raise TypeError(f"sampler must have {missing[0]} as amper.Sampler has, and {type(made).__name__} has not")
    if made.rows != rows:
        raise ValueError(f"sampler must have {rows} rows, not {made.rows}")
    if len(made):
        raise ValueError(f"sampler must be empty, and holds {len(made)} rows")
    return made


def restored(sampler: SamplerLike, state: dict[str, Any]) -> SamplerLike:
    """The sampler with the ``state`` of another, whose seed it takes over: an adapter's is often made up.

    Raises TypeError, ValueError : not a state, or of other options; ``sampler`` stays as it was.
    """
    kept = state.get("options") if isinstance(state, dict) else None
    if type(sampler) is Sampler and isinstance(kept, dict) and "seed" in kept:
        sampler = sampler.anew(kept["seed"])
    sampler.restore(state)
    return sampler
