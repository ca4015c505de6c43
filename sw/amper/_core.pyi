"""The compiled sampler (sw/amper/core); ``amper.fallback.Core`` is the same in NumPy."""

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
