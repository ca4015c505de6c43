"""Columns whose rows are kept compressed, each by itself and without loss; docs/software/replay-buffer.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amper.support.extras import require
from amper_spec.checks import checked_choice

CODECS = ("lz4", "zstd", "blosc")
_OVERHEAD = 41  # bytes of a string of bytes, and of the place that has it, beside what is in it


@dataclass(frozen=True)
class Compression:
    """Which columns are kept compressed, by a codec of ``numcodecs``.

    Parameters
    ----------
    columns : their names.
    codec : "lz4", quick; "zstd", smaller; "blosc", lz4 after numbers were taken apart into bytes: for floats.

    Raises
    ------
    TypeError : a value of the wrong kind. ValueError : no column; an unknown codec.
    """

    columns: tuple[str, ...]
    codec: str = "lz4"

    def __post_init__(self) -> None:
        if isinstance(self.columns, str):
            raise TypeError(f"columns must be a sequence of names, not {self.columns!r}")
        object.__setattr__(self, "columns", tuple(self.columns))  # frozen; this is its constructor
        if not self.columns:
            raise ValueError("columns must have at least one name, not none")
        checked_choice("codec", self.codec, CODECS)

    def apart(self, dtype: np.dtype[np.void], read: Iterable[str]) -> np.dtype[np.void]:
        """The rows without the compressed columns.

        Parameters
        ----------
        dtype : rows as they would be stored. read : columns that others look into.

        Raises ValueError : a column that there is not, or that is read; all columns.
        """
        fields = {name: dtype[name] for name in dtype.names or ()}
        for name in self.columns:
            if name not in fields:
                raise ValueError(f"compression needs stored columns, {', '.join(fields)}, and {name!r} is none")
            if name in read:
                raise ValueError(f"compression must leave {name!r}, which says where an episode ends or what it earns")
        left = [(name, kind) for name, kind in fields.items() if name not in self.columns]
        if not left:
            raise ValueError(f"compression must leave at least one of the columns {', '.join(fields)}")
        return np.dtype(left)


class CompressedColumn:
    """(rows, ...) of one type, read and written by row as an array is.

    Members: ``shape``, ``dtype``.
    """

    def __init__(self, rows: int, dtype: np.dtype[Any], shape: tuple[int, ...], codec: str) -> None:
        self.shape, self.dtype = (rows, *shape), dtype
        self._codec: Any = require("numcodecs", "compression").get_codec({"id": codec})
        self._kept = [b""] * rows  # nothing: a row that was not written, of zeros

    def __len__(self) -> int:
        return self.shape[0]

    def __setitem__(self, at: int | slice | NDArray[np.int64], values: NDArray[Any]) -> None:
        if isinstance(at, slice):
            at = np.arange(*at.indices(len(self)))
        if isinstance(at, np.ndarray):
            for row, value in zip(at.tolist(), values, strict=True):
                self._kept[row] = self._encoded(value)
        else:
            self._kept[at] = self._encoded(values)

    def __getitem__(self, rows: int | NDArray[Any]) -> NDArray[Any]:
        at = np.asarray(rows)
        found = np.empty((at.size, *self.shape[1:]), self.dtype)
        self.read(at.ravel(), found)
        return found.reshape(*at.shape, *self.shape[1:])

    def read(self, rows: NDArray[Any], into: NDArray[Any]) -> None:
        """Rows, one after the other, into a contiguous array."""
        for place, row in enumerate(rows.tolist()):
            if self._kept[row]:
                self._codec.decode(self._kept[row], out=into[place, ...])
            else:
                into[place, ...] = 0

    def clear(self) -> None:
        """All rows are of zeros."""
        self._kept = [b""] * len(self)

    def memory(self) -> int:
        """Bytes that it takes."""
        return sum(map(len, self._kept)) + _OVERHEAD * len(self)

    def arrays(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """The compressed rows, one behind the other, and their sizes."""
        return np.frombuffer(b"".join(self._kept), np.uint8), np.fromiter(map(len, self._kept), np.int64, len(self))

    def take(
        self, packed: NDArray[np.uint8], sizes: NDArray[np.int64], here: Iterable[int], there: Iterable[int]
    ) -> None:
        """Into rows ``here`` those ``there`` of another column's ``arrays``."""
        ends = np.cumsum(sizes).tolist()
        for row, other in zip(here, there, strict=True):
            self._kept[row] = packed[ends[other] - int(sizes[other]) : ends[other]].tobytes()

    def _encoded(self, value: NDArray[Any]) -> bytes:
        return bytes(self._codec.encode(np.ascontiguousarray(value)))


def compressed_columns(compression: Compression, rows: int, dtype: np.dtype[np.void]) -> dict[str, CompressedColumn]:
    """Empty ones, by name, of what ``dtype`` says of a row."""
    return {
        name: CompressedColumn(rows, dtype[name].base, dtype[name].shape, compression.codec)
        for name in compression.columns
    }


def named_arrays(columns: Mapping[str, CompressedColumn]) -> dict[str, NDArray[Any]]:
    """What a file keeps of the columns, by name."""
    found: dict[str, NDArray[Any]] = {}
    for name, column in columns.items():
        found[f"compressed {name}"], found[f"sizes of {name}"] = column.arrays()
    return found
