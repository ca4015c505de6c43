"""The arrays that a batch is gathered into: new ones, or those of a batch from before; as PyTorch tensors if asked."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amper.replay.episodes.sequences import Sequences
from amper.support.extras import require

Types = Mapping[str, tuple[np.dtype[Any], tuple[int, ...]]]  # of one row of each array of a batch, by name


def batch_types(columns: Mapping[str, NDArray[Any]], *, n_step: bool, sequences: Sequences | None = None) -> Types:
    """What a batch of rows of ``columns`` has, in its order."""
    types = {name: (column.dtype, column.shape[1:]) for name, column in columns.items()}
    if n_step:
        types["discount"] = (np.dtype(np.float32), ())
    if sequences is not None:
        several = {**types, "steps": (np.dtype(np.int64), ()), "mask": (np.dtype(np.bool_), ())}
        types = {
            name: (dtype, shape if name in sequences.first else (sequences.steps, *shape))
            for name, (dtype, shape) in several.items()
        }
    return types | {"indices": (np.dtype(np.int64), ()), "weights": (np.dtype(np.float32), ())}


class BatchArrays:
    """Room for a batch of ``size`` rows: new arrays or tensors, or those of ``out``, a batch from before.

    Members: ``batch``, what ``sample`` gives; ``arrays``, its arrays by name, or arrays that share memory with its
    tensors.

    Raises TypeError, ValueError : ``out`` is not such a batch; a column of a type that PyTorch does not have.
    """

    def __init__(self, size: int, types: Types, *, tensors: bool, out: dict[str, Any] | None = None) -> None:
        if out is not None:
            self.batch = out
            self.arrays = _checked_out(out, size, types, tensors)
        else:
            self.batch = {
                name: _tensor(name, (size, *shape), dtype) if tensors else np.empty((size, *shape), dtype)
                for name, (dtype, shape) in types.items()
            }
            self.arrays = {name: value.numpy() if tensors else value for name, value in self.batch.items()}


@cache
def are_pinned() -> bool:
    """Whether tensors lie in pinned memory: where CUDA is available, which only that is copied to asynchronously."""
    available: bool = require("torch", "train").cuda.is_available()
    return available


def as_tensors(batch: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """Tensors that share memory with new arrays."""
    torch = require("torch", "train")
    return {name: torch.from_numpy(array) for name, array in batch.items()}


def check_tensors(types: Types) -> None:
    """Raise ImportError without PyTorch, TypeError for a column of a type that it does not have."""
    for name, (dtype, _) in types.items():
        _torch_type(name, dtype)


def _checked_out(out: object, size: int, types: Types, tensors: bool) -> dict[str, NDArray[Any]]:
    if not isinstance(out, dict):
        raise TypeError(f"out must be a batch that this buffer gave, not {type(out).__name__}")
    if out.keys() != types.keys():
        raise ValueError(f"out must have {', '.join(types)}, as a batch of this buffer, not {', '.join(map(str, out))}")
    kind: Any = require("torch", "train").Tensor if tensors else np.ndarray
    arrays = {}
    for name, (dtype, shape) in types.items():
        value = out[name]
        if not isinstance(value, kind):
            wanted = "a tensor" if tensors else "an array"
            raise TypeError(f"out[{name!r}] must be {wanted}, as sample gives it, not {type(value).__name__}")
        array = value.detach().numpy() if tensors else value
        if array.dtype != dtype or array.shape != (size, *shape):
            wanted = f"{dtype} of the shape {(size, *shape)}"
            raise ValueError(f"out[{name!r}] must be {wanted}, not {array.dtype} of the shape {array.shape}")
        if not array.flags.carray:
            raise ValueError(f"out[{name!r}] must be contiguous and writable, as sample gives it, and is not")
        arrays[name] = array
    return arrays


def _torch_type(name: str, dtype: np.dtype[Any]) -> Any:
    torch = require("torch", "train")
    try:
        return torch.from_numpy(np.empty(0, dtype)).dtype
    except TypeError:
        raise TypeError(f"tensors=True needs columns that PyTorch has a type for, and {name!r} is {dtype}") from None


def _tensor(name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """A PyTorch tensor, in pinned memory if there is any."""
    kind = _torch_type(name, dtype)
    return require("torch", "train").empty(shape, dtype=kind, pin_memory=are_pinned())
