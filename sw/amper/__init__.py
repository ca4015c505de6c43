"""AMPER: prioritized experience replay by an associative memory (arXiv 2207.07791).

What it offers is listed in __init__.pyi. A name's module is loaded when the name is first used (Scientific Python's
SPEC 1), so that a bench or a command loads what it needs, and NumPy only where it is needed.
"""

import ast
from importlib import import_module
from pathlib import Path
from typing import Any

_OFFERED = ast.parse(Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8")).body
_HOMES = {name.name: str(one.module) for one in _OFFERED if isinstance(one, ast.ImportFrom) for name in one.names}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version  # slow to load, and most programs do not ask

        return version("amper")
    if name not in _HOMES:
        raise AttributeError(f"module 'amper' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
