"""Compiled (c/); ``NumpyCore`` and ``amper.replay.rows.NumpyRows`` are the same in NumPy."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amper.cores import base
from amper.replay import rows

# Types, which a caller need only know as what makes these.
def Core(  # noqa: N802
    *,
    mode: int,
    rows: int,
    groups: int,
    scale: float,
    target: float,
    largest_scale: float,
    own_weights: int,
    key: int,
    alpha: float,
    eps: float,
    initial_kind: int,
    initial: float,
) -> base.Core: ...
def Rows(  # noqa: N802
    names: tuple[str, ...],
    views: tuple[NDArray[Any], ...],
    from_last: tuple[bool, ...],
    steps: tuple[Any, ...] | None,
    links: tuple[NDArray[Any] | None, ...] | None,
    /,
) -> rows.Rows: ...

class AtOnce:
    def __init__(self, method: Callable[..., int], /) -> None: ...
    def __call__(self, *arguments: Any, **named: Any) -> int: ...

class Exact:
    def __init__(self, rows: int, width: int, /) -> None: ...
    def write(self, rows: NDArray[np.int64], codes: NDArray[np.int64], /) -> None: ...
    def sample(self, batch: int, /) -> tuple[NDArray[np.int64], int]: ...
    def configure(
        self,
        variant: int,
        groups: int,
        fraction_width: int,
        reciprocal_shift: int,
        reciprocal: int,
        radius: int,
        neighbours: int,
        /,
    ) -> None: ...
    def states(self) -> tuple[int, int, int, int]: ...
    def set_states(self, query0: int, query1: int, draw0: int, draw1: int, /) -> None: ...
    def clear(self) -> None: ...
    @staticmethod
    def weights(values: NDArray[np.float64], beta: float, /) -> NDArray[np.float32]: ...
    @staticmethod
    def coded(
        rows: object,
        values: object,
        flags: int,
        eps: float,
        alpha: float,
        scale: float,
        largest: float,
        held: NDArray[np.uint32],
        /,
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]] | tuple[()] | None: ...
    @staticmethod
    def kept(
        rows: NDArray[np.int64],
        priorities: NDArray[np.float64],
        codes: NDArray[np.int64],
        held_codes: NDArray[np.uint32],
        held: NDArray[np.float32],
        bounds: NDArray[np.float32],
        block: int,
        /,
    ) -> tuple[int, int, float]: ...
