"""Arguments of ``amper.Sampler`` as plain arrays and numbers, or what is wrong with them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from amper_spec.checks import checked_real

BATCH_MAX = (1 << 31) - 1


def checked_beta(beta: object) -> float:
    """A finite number of at least 0."""
    number = checked_real("beta", beta)
    if number < 0:
        raise ValueError(f"beta must be at least 0, not {number}")
    return number


def checked_priority(priority: object) -> float:
    """A finite number of at least 0."""
    number = checked_real("priority", priority)
    if number < 0:
        raise ValueError(f"priority must be at least 0, not {number}")
    return number


def as_array(values: Any) -> NDArray[Any]:
    """An array of what may be a tensor: with a gradient, on another device, bfloat16, or only known by DLPack."""
    if isinstance(values, np.ndarray):
        return values
    array: NDArray[Any]
    if hasattr(values, "detach"):
        try:
            array = values.numpy(force=True)
        except TypeError:  # NumPy has no bfloat16
            array = values.float().numpy(force=True)
    elif hasattr(values, "__dlpack__") and not hasattr(values, "__array__"):
        array = np.from_dlpack(values)
    else:
        array = np.asarray(values)
    return array


def plain_indices(indices: ArrayLike) -> NDArray[np.int64]:
    """A contiguous int64 array of integers of one dimension."""
    rows = as_array(indices)
    if rows.dtype.kind not in "iu" and rows.size:
        raise TypeError(f"indices must be integers, not {rows.dtype}")
    if rows.ndim != 1:
        raise ValueError(f"indices must have one dimension, not the shape {rows.shape}")
    if rows.dtype.kind == "u" and rows.size and int(rows.max()) >> 63:
        raise ValueError(f"indices must be below 2^63, not {rows.max()}")
    return np.ascontiguousarray(rows, dtype=np.int64)


def plain_values(name: str, values: ArrayLike, *, signed: bool = False) -> NDArray[np.float64]:
    """A contiguous float64 (b,) array of finite numbers, at least 0 unless ``signed``; from (b,) or (b, 1)."""
    numbers = as_array(values)
    if numbers.ndim == 2 and numbers.shape[1] == 1:  # a critic's (b, 1)
        numbers = numbers[:, 0]
    if numbers.dtype.kind not in "fiu":
        raise TypeError(f"{name} must be real numbers, not {numbers.dtype}")
    if numbers.ndim != 1:
        raise ValueError(f"{name} must have one dimension, not the shape {numbers.shape}")
    numbers = np.ascontiguousarray(numbers, dtype=np.float64)
    legal = np.isfinite(numbers) & (signed | (numbers >= 0))
    if not legal.all():
        rule = "finite" if signed else "finite and at least 0"
        raise ValueError(f"{name} must be {rule}, not {numbers[~legal][0]}")
    return numbers
