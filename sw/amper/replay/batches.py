"""The arrays that batches are gathered into: one set for each thread, used again; as PyTorch tensors if asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amper.support.extras import require


class BatchArrays:
    """Arrays for a batch of ``size`` rows of ``columns``, or tensors that share memory with arrays.

    Members: ``arrays`` by name; ``gathered``, those of the columns, in their order; ``values``, what a batch is a copy
    of, by name, with None where "indices" and "weights" come.
    """

    def __init__(self, size: int, columns: Mapping[str, NDArray[Any]], *, n_step: bool, tensors: bool) -> None:
        self.size = size
        types = {name: (column.dtype, column.shape[1:]) for name, column in columns.items()}
        if n_step:
            types["discount"] = (np.dtype(np.float32), ())
        if tensors:
            types |= {"indices": (np.dtype(np.int64), ()), "weights": (np.dtype(np.float32), ())}
        self._tensors = tensors
        self.values: dict[str, Any] = {
            name: _tensor(name, (size, *shape), dtype) if tensors else np.empty((size, *shape), dtype)
            for name, (dtype, shape) in types.items()
        }
        self.arrays = {name: value.numpy() if tensors else value for name, value in self.values.items()}
        self.values |= {} if tensors else {"indices": None, "weights": None}
        self.gathered = tuple(self.arrays[name] for name in columns)

    def batch(self, indices: NDArray[np.int64], weights: NDArray[np.float32]) -> dict[str, Any]:
        """A batch by name: these arrays or tensors, with what the sampler drew."""
        values = self.values.copy()
        if self._tensors:
            self.arrays["indices"][:], self.arrays["weights"][:] = indices, weights
        else:
            values["indices"], values["weights"] = indices, weights
        return values


def _tensor(name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """A PyTorch tensor, pinned if CUDA is available, which only pinned memory is copied to asynchronously."""
    torch = require("torch", "train")
    try:
        kind = torch.from_numpy(np.empty(0, dtype)).dtype
    except TypeError:
        raise TypeError(f"tensors=True needs columns that PyTorch has a type for, and {name!r} is {dtype}") from None
    return torch.empty(shape, dtype=kind, pin_memory=torch.cuda.is_available())
