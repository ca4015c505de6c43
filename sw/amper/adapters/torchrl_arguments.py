"""What TorchRL's callers give: indices, priorities and exponents in every form, as arrays and numbers."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from amper.support.extras import require
from amper_spec.checks import checked_real

require("torch", "torchrl")
import torch  # noqa: E402

Index: TypeAlias = "int | slice | torch.Tensor | tuple[torch.Tensor, ...] | NDArray[np.integer]"


def rows_of(index: Index, storage: Any, capacity: int) -> NDArray[np.int64]:
    """int64 (b,): the rows that ``index`` names in any of its forms."""
    if isinstance(index, slice):
        return np.arange(*index.indices(capacity), dtype=np.int64)
    if isinstance(index, tuple):
        index = torch.stack([torch.as_tensor(each) for each in index], -1)
    rows = index.detach().cpu().numpy() if isinstance(index, torch.Tensor) else np.asarray(index)
    if rows.dtype.kind not in "iu" and rows.size:
        raise TypeError(f"index must be integers, not {rows.dtype}")
    if rows.ndim > 1:
        shape = getattr(storage, "shape", None)
        if shape is None:
            raise RuntimeError("index has more than one dimension, and needs a storage that has a shape")
        rows = np.ravel_multi_index(tuple(rows.reshape(-1, rows.shape[-1]).T), tuple(shape))
    return np.ascontiguousarray(rows.reshape(-1), dtype=np.int64)


def numbers_of(priority: Any) -> NDArray[np.float64]:
    """float64 (b,): ``priority`` in any of its forms."""
    if isinstance(priority, torch.Tensor):
        priority = priority.detach().cpu()
        # NumPy has no bfloat16.
        priority = (priority.double() if priority.is_floating_point() else priority).numpy()
    values: NDArray[Any] = np.asarray(priority)
    if values.dtype.kind not in "fiu":
        raise TypeError(f"priority must be real numbers, not {values.dtype}")
    return values.reshape(-1).astype(np.float64, copy=False)


def exponent_of(name: str, value: object) -> float:
    """A finite number of at least 0, which may come as a tensor of one."""
    if isinstance(value, torch.Tensor) and value.numel() == 1:
        value = value.item()
    number = checked_real(name, value)
    if number < 0:
        raise ValueError(f"{name} must be at least 0, not {number}")
    return number


def converted(state: Any, kind: type, convert: Any) -> Any:
    """``state`` with everything of ``kind`` in its dictionaries converted."""
    if isinstance(state, dict):
        return {name: converted(value, kind, convert) for name, value in state.items()}
    return convert(state) if isinstance(state, kind) else state
