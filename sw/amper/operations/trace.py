"""The recorded trace: every replay operation of one DQN run with ordinary PER, in order.

A trace is what a learner really did to its replay buffer, so that the golden model, the RTL and the fast
sampler can be driven with priorities that nobody made up. Its priorities are floats: it says nothing about
how they are quantised.

File format, version 1: a NumPy ``.npz`` archive of the four arrays of `Trace` and ``header``, the UTF-8 bytes
of a JSON object with the keys ``format`` ("amper-trace"), ``sha256`` (digest of the four arrays) and
``metadata``.
"""

import hashlib
import io
import json
import lzma
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from amper.support.files import replacing

__all__ = ["FORMAT_VERSION", "Draw", "Kind", "Operation", "Trace", "TraceError", "Update", "Write"]

FORMAT_VERSION = 1
_FORMAT = "amper-trace"
_DTYPES = {"kind": np.uint8, "row": np.int32, "priority": np.float32, "draws": np.int32}
_MEMBERS = sorted([*_DTYPES, "header"])
# What zipfile and NumPy raise on damaged bytes, whichever byte it is (a test damages every byte of a file).
_DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, RuntimeError)


class TraceError(ValueError):
    """A trace, or the file it was to come from, breaks a rule of the format; the message names the rule."""


class Kind(IntEnum):
    """Kind of a replay operation, as stored in `Trace.kind`."""

    WRITE = 0
    DRAW = 1
    UPDATE = 2


# Each tuple ends in its kind: without it, Write(3, 1.0) == Update(3, 1.0), since tuples compare by content.
class Write(NamedTuple):
    """A new transition was stored at ``row`` with the initial ``priority`` (the largest priority so far)."""

    row: int
    priority: float
    kind: Literal[Kind.WRITE] = Kind.WRITE


class Draw(NamedTuple):
    """One batch was drawn: ``rows`` holds its ``batch`` row indices, in draw order, repeats included."""

    rows: tuple[int, ...]
    kind: Literal[Kind.DRAW] = Kind.DRAW


class Update(NamedTuple):
    """Learning gave ``row`` the new ``priority``."""

    row: int
    priority: float
    kind: Literal[Kind.UPDATE] = Kind.UPDATE


Operation = Write | Draw | Update


@dataclass(frozen=True, eq=False)
class Trace:
    """Replay operations of one run, in the order in which they happened.

    Two traces are equal when their arrays and their metadata are. The arrays are copied and read-only.

    Parameters
    ----------
    kind: (operations,) uint8
        A `Kind` per operation.
    row: (operations,) int32
        Row written or updated, 0 to ``rows`` - 1; -1 for a draw. No row is updated or drawn before it was
        written.
    priority: (operations,) float32
        New priority of the row in the exponentiated domain, (|td error| + eps) ** alpha: never raise it to
        alpha again. Finite and above 0; NaN for a draw.
    draws: (batches, batch) int32
        Row indices of each draw, one line for each DRAW operation, in order.
    metadata: mapping that JSON can hold
        ``rows`` and ``batch`` (integers above 0) are required; the rest says where the trace comes from
        (``env``, ``alpha``, ``eps``, ``beta``, ``seed``, ``versions``, ``command`` ...). ``format_version``
        is added.

    Raises
    ------
    TypeError
        An argument has the wrong type or array element type.
    TraceError
        A value breaks a rule above.
    """

    kind: NDArray[np.uint8]
    row: NDArray[np.int32]
    priority: NDArray[np.float32]
    draws: NDArray[np.int32]
    metadata: Mapping[str, Any]

    def __post_init__(self) -> None:
        for name, dtype in _DTYPES.items():
            array = getattr(self, name)
            if not isinstance(array, np.ndarray) or array.dtype != dtype:
                got = f"array of {array.dtype}" if isinstance(array, np.ndarray) else type(array).__name__
                raise TypeError(f"{name} must be an array of {np.dtype(dtype)}, got {got}")
            array = array.copy()
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        object.__setattr__(self, "metadata", _checked_metadata(self.metadata))
        _check_shapes(self)
        _check_values(self)
        _check_written_first(self)

    def __len__(self) -> int:
        return len(self.kind)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Trace):
            return NotImplemented
        return self.digest == other.digest and self.metadata == other.metadata

    def __hash__(self) -> int:
        return hash(self.digest)

    @property
    def rows(self) -> int:
        """Capacity of the replay buffer, in rows."""
        return int(self.metadata["rows"])

    @property
    def batch(self) -> int:
        """Rows per draw."""
        return int(self.metadata["batch"])

    @property
    def counts(self) -> dict[Kind, int]:
        """Number of operations of each kind."""
        return {kind: int(np.count_nonzero(self.kind == kind)) for kind in Kind}

    @property
    def digest(self) -> str:
        """Hexadecimal SHA-256 of the arrays: name, element type, shape and little-endian bytes of each."""
        return _digest({name: getattr(self, name) for name in _DTYPES})

    def operations(self) -> Iterator[Operation]:
        """Yield the operations in order, as Python numbers; tell them apart by class or by ``kind``."""
        draws = iter(self.draws.tolist())
        columns = self.kind.tolist(), self.row.tolist(), self.priority.tolist()
        for kind, row, priority in zip(*columns, strict=True):
            if kind == Kind.WRITE:
                yield Write(row, priority)
            elif kind == Kind.UPDATE:
                yield Update(row, priority)
            else:
                yield Draw(tuple(next(draws)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the trace to ``path``; the same trace gives the same bytes (for one zlib version).

        An existing file is replaced only once the new one is complete.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        header = {"format": _FORMAT, "sha256": self.digest, "metadata": dict(self.metadata)}
        text = json.dumps(header, sort_keys=True, allow_nan=False)
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            header=np.frombuffer(text.encode(), dtype=np.uint8),
            kind=self.kind,
            row=self.row,
            priority=self.priority,
            draws=self.draws,
        )
        with replacing(Path(path)) as aside:
            aside.write_bytes(buffer.getvalue())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a trace that `save` wrote, and check all of it.

        Raises
        ------
        TraceError
            The file is missing, unreadable, damaged, not a trace, of another format version, or breaks a rule
            of `Trace`. The message names the file, the rule and the value.
        """
        path = Path(path)
        try:
            arrays = _read_archive(path)
            header = _read_header(arrays)
            if sorted(arrays) != _MEMBERS:
                raise TraceError(f"trace must hold the arrays {', '.join(_MEMBERS)}, got {_listed(arrays)}")
            del arrays["header"]
            trace = cls(**arrays, metadata=header["metadata"])
            stored = header.get("sha256")
            if stored != trace.digest:
                raise TraceError(f"sha256 must be the digest of the arrays {trace.digest}, got {stored}")
        except (TraceError, TypeError) as error:
            raise TraceError(f"{path}: {error}") from error
        return trace


def _read_archive(path: Path) -> dict[str, NDArray[Any]]:
    """All arrays of the ``.npz`` archive ``path``, by name; TraceError where it is not a whole one."""
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise TraceError("trace file must exist, got no such file") from error
    except OSError as error:
        raise TraceError(f"trace file must be readable, got: {error.strerror}") from error
    try:
        # Checksums first: NumPy trusts an array's header and would allocate whatever a damaged one asks for.
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            damaged = archive.testzip()
        if damaged is not None:
            raise zipfile.BadZipFile(f"bad checksum of {damaged}")
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return dict(arrays)
    except _DAMAGE as error:
        raise TraceError(
            f"trace file must be a whole .npz archive of plain arrays, got {len(data)} bytes: {error}"
        ) from error


def _read_header(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """The decoded header; TraceError where it is not one of this format and version."""
    if "header" not in arrays:
        raise TraceError(f"trace must hold the array header, got {_listed(arrays)}")
    try:
        header = json.loads(arrays["header"].tobytes())
    except ValueError as error:
        raise TraceError(f"trace header must be JSON, got: {error}") from error
    if not isinstance(header, dict) or header.get("format") != _FORMAT:
        got = header.get("format") if isinstance(header, dict) else header
        raise TraceError(f"trace header must have format {_FORMAT!r}, got {got!r}")
    if not isinstance(header.get("metadata"), dict):
        raise TraceError(f"trace header must have a metadata object, got {header.get('metadata')!r}")
    version = header["metadata"].get("format_version")
    if version != FORMAT_VERSION:
        raise TraceError(f"trace format version must be {FORMAT_VERSION}, got {version!r}")
    return header


def _listed(names: Mapping[str, object]) -> str:
    return ", ".join(sorted(names)) or "none"


def _digest(arrays: Mapping[str, NDArray[Any]]) -> str:
    sha = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name].astype(arrays[name].dtype.newbyteorder("<"))
        sha.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        sha.update(array.tobytes())
    return sha.hexdigest()


def _checked_metadata(metadata: object) -> dict[str, Any]:
    """A private copy of ``metadata``, as JSON gives it back, with the format version."""
    if not isinstance(metadata, Mapping):
        raise TypeError(f"metadata must be a mapping, got {type(metadata).__name__}")
    for name in ("rows", "batch"):
        value = metadata.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise TraceError(f"metadata {name} must be an integer above 0, got {value!r}")
    version = metadata.get("format_version", FORMAT_VERSION)
    if version != FORMAT_VERSION:
        raise TraceError(f"metadata format_version must be {FORMAT_VERSION}, got {version!r}")
    try:
        text = json.dumps({**metadata, "format_version": version}, allow_nan=False)
    except ValueError as error:
        raise TraceError(f"metadata must hold only finite numbers, got: {error}") from error
    copy: dict[str, Any] = json.loads(text)
    return copy


def _require(good: NDArray[np.bool_], name: str, rule: str, values: NDArray[Any]) -> None:
    """TraceError for the first False of ``good``: names the array, the rule and the offending value."""
    bad = np.argwhere(~good)
    if bad.size:
        at = tuple(bad[0].tolist())
        raise TraceError(f"{name} must be {rule}, got {values[at]} at {name}[{', '.join(map(str, at))}]")


def _check_shapes(trace: Trace) -> None:
    operations = trace.kind.shape
    if len(operations) != 1:
        raise TraceError(f"kind must have the shape (operations,), got {operations}")
    for name in ("row", "priority"):
        shape = getattr(trace, name).shape
        if shape != operations:
            raise TraceError(f"{name} must have the shape of kind {operations}, got {shape}")
    _require(trace.kind <= max(Kind), "kind", "0 (write), 1 (draw) or 2 (update)", trace.kind)
    shape = (trace.counts[Kind.DRAW], trace.batch)
    if trace.draws.shape != shape:
        raise TraceError(f"draws must have the shape (draw operations, batch) {shape}, got {trace.draws.shape}")


def _check_values(trace: Trace) -> None:
    """Rows in range, priorities finite and above 0; -1 and NaN where the operation is a draw."""
    row, priority, draws = trace.row, trace.priority, trace.draws
    is_draw = trace.kind == Kind.DRAW
    _require(~is_draw | (row == -1), "row", "-1 for a draw", row)
    _require(is_draw | ((row >= 0) & (row < trace.rows)), "row", f"0 to {trace.rows - 1}", row)
    _require((draws >= 0) & (draws < trace.rows), "draws", f"0 to {trace.rows - 1}", draws)
    _require(~is_draw | np.isnan(priority), "priority", "nan for a draw", priority)
    usable = np.isfinite(priority) & (priority > 0)
    _require(is_draw | usable, "priority", "finite and above 0", priority)


def _check_written_first(trace: Trace) -> None:
    """No row is drawn or updated before it was written."""
    at = np.arange(len(trace))
    first_write = np.full(trace.rows, len(trace))
    writes = trace.kind == Kind.WRITE
    np.minimum.at(first_write, trace.row[writes], at[writes])
    # A draw's row is -1, which picks the last row's first write: excluded by its kind.
    early = (trace.kind == Kind.UPDATE) & (at < first_write[trace.row])
    _require(~early, "row", "written before its update", trace.row)
    drawn_at = at[trace.kind == Kind.DRAW][:, np.newaxis]
    _require(first_write[trace.draws] < drawn_at, "draws", "rows written before", trace.draws)
