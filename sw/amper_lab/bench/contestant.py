"""What is timed: the operations of one library's replay memory, filled with the same transitions as everyone else's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

ALPHA, BETA, EPS = 0.6, 0.4, 1e-6
OBSERVATION = 4  # numbers in one
SEVERAL = 8  # transitions of an `extend`, as a step of so many environments gives them

# The five columns of a transition, as `amper.ReplayBuffer` takes them.
COLUMNS: dict[str, Any] = {
    "obs": (np.float32, OBSERVATION),
    "action": np.int64,
    "reward": np.float32,
    "next_obs": (np.float32, OBSERVATION),
    "done": np.bool_,
}


class MissingError(Exception):
    """A library that cannot take part, and why."""


@dataclass(frozen=True)
class Workload:
    """The transitions that every contestant holds, and the batches that it is asked for.

    Members
    -------
    rows : n. batch : b. payload : whether transitions are stored and gathered, or priorities alone.
    errors : float32 (n,) absolute TD errors, from which all priorities are made.
    """

    rows: int
    batch: int
    payload: bool
    seed: int
    errors: NDArray[np.float32] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        errors = np.random.default_rng(self.seed).standard_exponential(self.rows, np.float32)
        object.__setattr__(self, "errors", errors)  # the class is frozen; this is its constructor

    def transitions(self, count: int) -> dict[str, NDArray[Any]]:
        """The first ``count`` transitions, an array for each column."""
        rng = np.random.default_rng([self.seed, 1])
        states = rng.standard_normal((count + 1, OBSERVATION), np.float32)
        return {
            "obs": states[:-1],
            "action": rng.integers(0, 2, count),
            "reward": rng.random(count, np.float32),
            "next_obs": states[1:],
            "done": rng.random(count) < 0.01,
        }

    def transition(self) -> dict[str, Any]:
        """One of them, as an environment gives it: arrays and Python's numbers."""
        one = {name: column[0] for name, column in self.transitions(1).items()}
        return {name: value.copy() if isinstance(value, np.ndarray) else value.item() for name, value in one.items()}


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Contestant:
    """The operations of a filled replay memory; each is called as it is, without a wrapper where that can be.

    Members
    -------
    name : for the tables. note : what its work has more or less than the others', if anything.
    sample : () -> a batch with rows and importance weights, and with its transitions if the workload has them.
    indices : of that batch, in the form that ``update`` wants. Not timed.
    update : (indices, errors) -> None: stores (|error| + eps)^alpha.
    add : () -> None: one transition that is ready in the library's own form, with the largest priority so far; None:
    the library has no such operation.
    extend : () -> None: `SEVERAL` transitions in one call, likewise.
    errors : float32 TD errors in the form that ``update`` wants. Not timed.
    memory_per_row : bytes besides the transition, where the library tells.
    """

    name: str
    sample: Callable[[], Any]
    indices: Callable[[Any], Any]
    update: Callable[[Any, Any], object]
    add: Callable[[], object] | None
    extend: Callable[[], object] | None = None
    errors: Callable[[NDArray[np.float32]], Any] = _same
    note: str = ""
    memory_per_row: float | None = None
