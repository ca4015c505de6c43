"""Steps of a flow that a killed run need not take again: beside what a step made lies the digest of what it used."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path


def digest(text: str, files: Iterable[Path]) -> str:
    """SHA-256 of ``text`` and of the names and contents of ``files``."""
    whole = hashlib.sha256(text.encode())
    for path in sorted(files):
        whole.update(path.name.encode())
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def once(step: Callable[[], None], *, record: Path, text: str, uses: Iterable[Path], makes: Iterable[Path]) -> bool:
    """Take ``step``, unless it ended before with the same inputs; returns whether it was taken.

    Parameters
    ----------
    record : file that holds the digest of the inputs, written when the step has ended. text : the tool's version and
        command. uses, makes : files that the step reads and writes.
    """
    inputs = digest(text, uses) + "\n"
    if record.exists() and record.read_text(encoding="utf-8") == inputs and all(path.exists() for path in makes):
        return False
    record.unlink(missing_ok=True)
    step()
    record.write_text(inputs, encoding="utf-8")
    return True
