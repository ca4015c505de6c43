"""What a measurement depends on: the machine and the versions."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    "amper",
    "numpy",
    "cpprb",
    "tianshou",
    "torchrl",
    "tensordict",
    "torch",
    "numba",
    "sumtree",
    "rlox",
    "flashbax",
)


def environment(packages: Iterable[str] = PACKAGES) -> dict[str, Any]:
    """Time, machine and versions, by name."""
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "caches": _caches(),
            "system": platform.platform(),
            "load_average": [round(load, 2) for load in os.getloadavg()],
        },
        "versions": versions(packages),
    }


def described(facts: dict[str, Any]) -> str:
    """The environment as two lines of text."""
    machine = facts["machine"]
    caches = ", ".join(f"{name} {size}" for name, size in machine["caches"].items())
    present = ", ".join(f"{name} {number}" for name, number in facts["versions"].items() if number)
    return (
        f"{machine['processor']}, {machine['cores']} cores, {caches}; load average "
        f"{' / '.join(map(str, machine['load_average']))}; {facts['time']}\n{present}"
    )


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Of Python and of those packages that are installed."""
    found = {"python": platform.python_version()}
    for name in packages:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _caches() -> dict[str, str]:
    """Sizes of core 0's caches by level, where Linux tells."""
    found = {}
    for cache in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        try:
            level, kind, size = ((cache / name).read_text("utf-8").strip() for name in ("level", "type", "size"))
        except OSError:
            continue
        if kind != "Instruction":
            found[f"L{level}"] = size
    return found
