"""Compiled (c/): ``amper.cores.fallback.Core`` and ``amper.replay.rows.NumpyRows`` are the same in NumPy."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

class Core:
    count: int
    used: int
    cursor: int
    maximum: float
    key: int
    counter: int
    batches: int
    scale: float
    share: float
    @property
    def shift(self) -> int: ...
    def __init__(
        self,
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
    ) -> None: ...
    def write(self, indices: object, values: object, flags: int, /) -> int: ...
    def add(self, priority: object, /) -> int | None: ...
    def remove(self, indices: object, /) -> int: ...
    def sample(self, batch: object, beta: object, /) -> tuple[NDArray[np.int64], NDArray[np.float32]] | None: ...
    def priorities(self) -> NDArray[np.float32]: ...
    def extra(self) -> NDArray[np.uint32]: ...
    def cover(self) -> NDArray[np.float64]: ...
    def set_cover(self, cover: NDArray[np.float64], /) -> int: ...
    def set_shift(self, shift: int, /) -> None: ...
    def memory(self) -> int: ...

class Rows:
    def __enter__(self) -> None: ...
    def __exit__(self, *raised: object) -> None: ...
    def __init__(
        self,
        names: tuple[str, ...],
        views: tuple[NDArray[Any], ...],
        from_last: tuple[bool, ...],
        n: int = 0,
        gamma: float = 1.0,
        reward: int = 0,
        terminated: int = 0,
        truncated: int = 0,
        /,
    ) -> None: ...
    def put(self, row: int, transition: Mapping[str, object], /) -> bool: ...
    def gather(
        self, indices: NDArray[np.int64], last: NDArray[np.int64], outs: tuple[NDArray[Any], ...], /
    ) -> None: ...
    def sample(
        self, core: object, batch: object, beta: object, outs: tuple[NDArray[Any], ...], values: dict[str, Any], /
    ) -> dict[str, Any] | None: ...
    def follow(
        self, indices: NDArray[np.int64], follower: NDArray[np.int32], /
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]: ...

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
