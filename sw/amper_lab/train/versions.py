"""What results depend on besides their options."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version


def versions() -> dict[str, str]:
    """Of Python and of the packages that decide about a run, of those installed."""
    found = {"python": platform.python_version()}
    for name in ("amper", "gymnasium", "numpy", "torch"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
