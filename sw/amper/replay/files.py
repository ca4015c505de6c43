"""A replay buffer's file: NumPy's ``.npz`` with a checksum behind it, which is there whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from amper.support.files import replacing

VERSION = 1
_CHUNK = 1 << 24  # bytes
_DIGEST_SIZE = 64  # hexadecimal digits, so that no reader of archives takes them for a part of one


def write_saved(path: Path, numbers: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], rows: NDArray[Any]) -> None:
    """Put ``numbers`` (what JSON takes), ``arrays`` and ``rows`` into the file, in one step for whoever reads it.

    See ``replacing``. Raises OSError : nothing was changed.
    """
    text = json.dumps({"version": VERSION, **numbers})
    with replacing(path) as aside, aside.open("w+b") as file:
        # The rows as bytes, which can be read into a mapped file piece by piece; `numbers` has their columns.
        members = {"numbers": np.array(text), "rows": rows.view(np.uint8), **arrays}
        np.savez(file, **members)  # type: ignore[arg-type]  # none is called allow_pickle
        size = file.seek(0, os.SEEK_END)
        digest = _digest(file, size)
        file.seek(size)
        file.write(digest)


class SavedFile:
    """A file that is whole. Members: ``numbers``; ``arrays``, by name, without the rows."""

    def __init__(self, path: Path, archive: np.lib.npyio.NpzFile) -> None:
        self._archive = archive
        self.path = path
        self.numbers: dict[str, Any] = json.loads(str(archive["numbers"]))
        if self.numbers["version"] != VERSION:
            raise ValueError(f"{path} must be of version {VERSION}, not {self.numbers['version']}")
        self.arrays = {name: archive[name] for name in archive.files if name not in ("numbers", "rows")}

    def read_rows(self, rows: NDArray[Any]) -> None:
        """Fill ``rows``, of which the file has as many."""
        bytes_of_rows = rows.view(np.uint8)
        assert self._archive.zip is not None  # it is open
        with self._archive.zip.open("rows.npy") as member:
            np.lib.format.read_magic(member)
            np.lib.format.read_array_header_1_0(member)
            for start in range(0, bytes_of_rows.size, _CHUNK):
                piece = bytes_of_rows[start : start + _CHUNK]
                piece[:] = np.frombuffer(member.read(piece.size), np.uint8)


@contextmanager
def opened_saved(path: Path) -> Iterator[SavedFile]:
    """The file that ``write_saved`` wrote, after its checksum was found right.

    Raises OSError : it cannot be read. ValueError : it is cut, altered or something else, or of another version.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END) - _DIGEST_SIZE
        if size < 0 or _digest(file, size) != file.read(_DIGEST_SIZE):
            raise ValueError(f"{path} must be a whole file that ReplayBuffer.save wrote, and its checksum is wrong")
        file.seek(0)
        with np.load(file, allow_pickle=False) as archive:
            yield SavedFile(path, archive)


def _digest(file: IO[bytes], size: int) -> bytes:
    """SHA-256, in hexadecimal, of the first ``size`` bytes, behind which ``file`` stands then."""
    file.seek(0)
    digest = hashlib.sha256()
    while size > 0 and (piece := file.read(min(size, _CHUNK))):
        digest.update(piece)
        size -= len(piece)
    return digest.hexdigest().encode()
