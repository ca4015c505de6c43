"""The compiled module, where the installation has it."""

from __future__ import annotations

from types import ModuleType

_core: ModuleType | None
try:
    from amper.cores import _core
except ImportError:
    _core = None


def compiled_core(compiled: bool | None = None) -> ModuleType | None:
    """``amper.cores._core``, or None where it is not installed or ``compiled`` is False.

    Raises ImportError : ``compiled`` is True, and it is not installed.
    """
    if compiled and _core is None:
        raise ImportError("compiled=True needs amper.cores._core: install amper where a C compiler is found")
    return None if compiled is False else _core
