"""Columns of a replay buffer: what they hold, where their rows lie, and values made fit for them.

All columns of a row lie side by side in one structured array, so that a row costs one or two cache misses (of a mapped
file, one page), not one a column.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amper.sampler.arguments import as_array

# By name a dtype, or (dtype, shape of a row). Any: a checker infers `object` of a dictionary that has both.
Columns = Mapping[str, Any]

RESERVED = ("discount", "env", "indices", "priority", "weights")  # of a batch, and what `add` takes besides
ROWS_FILE = "rows.bin"
_PLAIN_KINDS = "biufcmMSU"
# Numbers of these kinds go into a column of that kind; integers have to fit.
_TAKEN_BY = {"b": "b", "i": "biu", "u": "biu", "f": "biuf", "c": "biufc"}


def row_dtype(columns: Columns) -> np.dtype[np.void]:
    """One row of ``columns``, without padding.

    Raises TypeError, ValueError : not a dictionary of names and types, no column, a reserved name, an object type.
    """
    if not isinstance(columns, Mapping):
        raise TypeError(f"columns must be a dictionary of names and types, not {columns!r}")
    if not columns:
        raise ValueError("columns must have at least one column, not none")
    fields = []
    for name, spec in columns.items():
        if not isinstance(name, str):
            raise TypeError(f"columns must have strings for names, not {name!r}")
        if not name or name in RESERVED:
            raise ValueError(f"columns must not be named {', '.join(RESERVED)} or nothing, and one is {name!r}")
        fields.append((name, *_column_type(name, spec)))
    return np.dtype(fields)


def new_storage(rows: int, dtype: np.dtype[np.void], folder: str | Path | None) -> NDArray[np.void]:
    """(rows,) rows of zeros: in memory, or in ``folder``'s new file ``rows.bin``, which takes the place of an old one.

    Raises OSError : the folder cannot be made or written to.
    """
    if folder is None:
        return np.zeros(rows, dtype)
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    # Unlinked first: a buffer that still maps the old file keeps it, and does not see ours.
    (path / ROWS_FILE).unlink(missing_ok=True)
    with (path / ROWS_FILE).open("wb") as file:
        if hasattr(os, "posix_fallocate"):  # an error now, where the disk is too small, not a killed process later
            os.posix_fallocate(file.fileno(), 0, rows * dtype.itemsize)
        file.truncate(rows * dtype.itemsize)
    return np.memmap(path / ROWS_FILE, dtype, "r+", shape=(rows,))


def column_views(storage: NDArray[np.void]) -> dict[str, NDArray[Any]]:
    """Its columns by name, (rows, ...)."""
    return {name: np.asarray(storage[name]) for name in storage.dtype.names or ()}


def converted(name: str, value: object, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """``value`` as a C-contiguous array of ``dtype`` and ``shape``.

    Raises TypeError, ValueError : another shape, a type that ``dtype`` does not take, a number that does not fit.
    """
    if isinstance(value, np.ndarray) and value.dtype == dtype and value.shape == shape:
        return np.ascontiguousarray(value).reshape(shape)  # without which () would become (1,)
    try:
        array = as_array(value)
    except ValueError:
        raise ValueError(f"{name} must have the shape {shape}, not lists of different lengths") from None
    if array.shape != shape:
        raise ValueError(f"{name} must have the shape {shape}, not {array.shape}")
    _check_fit(name, array, dtype)
    try:
        with np.errstate(over="raise"):
            return np.ascontiguousarray(array, dtype).reshape(shape)
    except FloatingPointError:
        finite = array[np.isfinite(array)]
        raise ValueError(f"{name} must fit {dtype}, not {finite[np.argmax(np.abs(finite))]}") from None


def _column_type(name: str, spec: object) -> tuple[np.dtype[Any], tuple[int, ...]]:
    dtype: Any
    dtype, shape = spec if isinstance(spec, tuple) and len(spec) == 2 else (spec, ())
    if not isinstance(spec, (type, np.dtype)) and hasattr(spec, "dtype"):  # a Gymnasium space, an array
        dtype, shape = spec.dtype, getattr(spec, "shape", None)
    try:
        if dtype is None or shape is None:  # which NumPy takes for float64, and for ()
            raise TypeError
        one = np.dtype(dtype)
        whole = np.dtype((one, shape)) if one.itemsize else one  # NumPy has no (str, shape)
    except (TypeError, ValueError):
        raise TypeError(f"columns[{name!r}] must be a dtype or (dtype, shape), not {spec!r}") from None
    base = whole.base.newbyteorder("=")
    if base.kind not in _PLAIN_KINDS or not whole.itemsize:
        raise TypeError(f"columns[{name!r}] must be numbers, times or strings of fixed length, not {spec!r}")
    return base, whole.shape


def _check_fit(name: str, array: NDArray[Any], dtype: np.dtype[Any]) -> None:
    if array.dtype == dtype:
        return
    taken = _TAKEN_BY.get(dtype.kind)
    if not (array.dtype.kind in taken if taken else np.can_cast(array.dtype, dtype, "safe")):
        raise TypeError(f"{name} must be {dtype}, not {array.dtype}")
    if dtype.kind in "iu" and array.dtype.kind in "iu" and array.size:
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
        for number in (int(array.min()), int(array.max())):
            if not low <= number <= high:
                raise ValueError(f"{name} must fit {dtype}, {low} to {high}, not {number}")
