"""The compiled module, where the installation has it."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from types import ModuleType
from typing import Any, TypeVar

Method = TypeVar("Method", bound=Callable[..., Any])

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


def at_once(add: Method) -> Method:
    """A replay buffer's method ``add``, which the compiled core does where it can without a dictionary of the columns.

    The buffer has compiled ``Rows`` as ``_at_once``, or None where only ``add`` itself will do.
    """
    if _core is None:
        return add
    return update_wrapper(_core.AtOnce(add), add)  # type: ignore[return-value]  # which is called as ``add`` is
