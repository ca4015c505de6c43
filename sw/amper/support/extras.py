"""Optional packages: imported where they are used, and a missing one is answered with the extra to install."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType


def require(module: str, extra: str) -> ModuleType:
    """The module of this dotted name, imported.

    Parameters
    ----------
    module : "tianshou.data", for example. extra : the one of amper's extras that installs it.

    Raises
    ------
    ImportError : the module, or one that it needs, is not installed; names both and how to install them. Any other
    failure while the module is loaded is raised as it is.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package, missing = module.partition(".")[0], error.name or module
        needed = package if missing.partition(".")[0] == package else f"{missing}, which {package} needs,"
        raise ImportError(f"{needed} is not installed: pip install 'amper[{extra}]'", name=missing) from error
