"""Files of results that are whole or not there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from amper.support.files import replacing


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Write ``values``, a line for each element of a list that they hold; the file appears, or changes, all at once.

    Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as aside:
        aside.write_text(_text(values), encoding="utf-8")


def read_json(path: Path, what: str) -> dict[str, Any]:
    """The values of a file that `write_json` wrote.

    Raises
    ------
    OSError : it cannot be read. ValueError : it is no JSON object; ``what`` says in the message what it should be.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} must be {what}, and is not even JSON ({error}): remove it to do it again") from None
    if not isinstance(values, dict):
        raise ValueError(f"{path} must be {what}, not {type(values).__name__}: remove it to do it again")
    return values


def difference(old: dict[str, Any], new: dict[str, Any]) -> str:
    """Which options differ: "batch 32, now 64"; empty if none does."""
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return ", ".join(f"{name} {old.get(name)}, now {new.get(name)}" for name in names)


def _text(values: dict[str, Any]) -> str:
    """JSON with one line for a name, or for an element of a list of objects: short, and readable in a diff."""
    lines = []
    for name, value in values.items():
        text = json.dumps(value)
        if isinstance(value, list) and value and isinstance(value[0], dict):
            text = "[\n  " + ",\n  ".join(map(json.dumps, value)) + "\n ]"
        lines.append(f" {json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}\n"
