"""A file of records, a line of JSON each, to which long runs append: what was cut off in the middle does no harm."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def read(file: Path) -> list[dict[str, Any]]:
    """The records; no file has none, and a line that is half there is not counted."""
    found = []
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return found


def append(file: Path, record: dict[str, Any]) -> None:
    """One more, on a line of its own, also behind half a line."""
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    start = "\n" if before and not before.endswith("\n") else ""
    with file.open("a", encoding="utf-8") as out:
        out.write(f"{start}{json.dumps(record)}\n")
