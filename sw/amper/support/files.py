"""Saving without ever losing what was saved before; a state (numbers, strings, arrays, dictionaries) as one file."""

from __future__ import annotations

import io
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

# What NumPy and zipfile raise of damage here and there: RuntimeError where a bit says that a member is encrypted or
# compressed in a way they do not know.
_DAMAGED = (
    *(ValueError, KeyError, IndexError, EOFError, TypeError, AttributeError, RuntimeError),
    *(OverflowError, MemoryError, zipfile.BadZipFile, zlib.error, struct.error),
)
_TREE = "tree"  # the member of the file that holds everything but the arrays, as JSON


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside ``path`` to write to; the file takes the place of ``path`` in the end, if nothing went wrong.

    A process that is killed, or a machine that fails, leaves ``path`` as it was or as it shall be, and at most a
    ``.part`` beside it, which the next call writes anew. For one writer at a time. Raises OSError.
    """
    aside = path.with_name(f"{path.name}.part")
    try:
        yield aside
        with aside.open("r+b") as file:
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Have the renaming on the disk too; only a folder opened as a file can be told to, which is so on POSIX."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Write ``state`` to ``path``, which is at any time the old file or all of the new one."""
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    tree = json.dumps(_without_arrays(state, arrays, ""))
    with replacing(path) as aside, aside.open("wb") as file:
        np.savez(file, **{_TREE: np.frombuffer(tree.encode(), dtype=np.uint8)}, **arrays)  # type: ignore[arg-type]


def load_state(path: Path) -> dict[str, Any]:
    """What ``save_state`` wrote. Raises OSError; ValueError : damaged (each member has a checksum), or no such file."""
    content = io.BytesIO(path.read_bytes())  # a damaged file is never the system's error, only its absence is
    try:
        with np.load(content, allow_pickle=False) as archive:
            members = {name: archive[name] for name in archive.files}
        state = _with_arrays(json.loads(members[_TREE].tobytes()), members)
    except _DAMAGED as error:
        raise ValueError(f"{path} must be a state that was saved, and is not, or is damaged") from error
    if not isinstance(state, dict):
        raise ValueError(f"{path} must be a state that was saved, and is not, or is damaged")
    return state


def _without_arrays(state: Any, arrays: dict[str, Any], name: str) -> Any:
    """``state`` with each array put into ``arrays`` and replaced by the name that it has there."""
    if isinstance(state, dict):
        return {key: _without_arrays(value, arrays, f"{name}/{key}") for key, value in state.items()}
    if isinstance(state, np.ndarray):
        arrays[name] = state
        return {"array": name}
    return state


def _with_arrays(tree: Any, members: dict[str, Any]) -> Any:
    """The opposite of ``_without_arrays``."""
    if isinstance(tree, dict):
        if tree.keys() == {"array"}:
            return members[tree["array"]]
        return {key: _with_arrays(value, members) for key, value in tree.items()}
    return tree
