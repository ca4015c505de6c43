"""The C driver on a simulated bus: the generated files, a bus master around the Verilator model, a script of calls."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path

from amper import AmperConfig
from amper_hw.output.generate import TOP, generate
from amper_hw.output.register_files import DRIVER_SOURCES
from amper_verif.harness.simulators import SimulationError, require_simulator, simulator_environment

#: What the driver must compile with, and without a word.
WARNINGS = ("-Wall", "-Wextra", "-pedantic", "-Wconversion", "-Wcast-align=strict", "-Werror")
C_FLAGS = ("-std=c99", "-O1", *WARNINGS)

#: Every access goes to a function (bus_access.h).
BY_FUNCTION = ("-include", "bus_access.h")

Call = tuple[str, int, int]  # name, and two arguments that not every call looks at


def write_sources(config: AmperConfig, folder: Path) -> None:
    """The generated files of the configuration and those of ``driver_bench`` in ``folder``."""
    generate(config, name=TOP).save(folder)
    for source in (files("amper_verif") / "driver_bench").iterdir():
        if source.name.endswith((".c", ".h", ".cpp")):
            (folder / source.name).write_text(source.read_text(encoding="utf-8"), encoding="utf-8")


def compile_faults(folder: Path) -> Path:
    """The program faults.c of ``driver_bench`` with the driver in ``folder``, under the sanitizers."""
    sanitizers = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-DAMPER_POLLS=60u"]
    sources = [*DRIVER_SOURCES, "faulty_device.c", "faults.c"]
    _run(["gcc", *C_FLAGS, *sanitizers, *BY_FUNCTION, *sources, "-o", "faults"], folder)
    return folder / "faults"


def compile_c(folder: Path, source: str, *options: str) -> str:
    """Compiles a C file in ``folder``; returns the name of the object. SimulationError with the compiler's words."""
    target = source.replace(".c", ".o")
    _run(["gcc", *C_FLAGS, *options, "-c", source, "-o", target], folder)
    return target


class DriverSimulation:
    """The driver with a simulated sampler.

    Parameters
    ----------
    config : with a bus. folder : for the build. classic : with Wishbone, classic cycles.
    """

    def __init__(self, config: AmperConfig, folder: Path, *, classic: bool = False) -> None:
        require_simulator("verilator")
        folder.mkdir(parents=True, exist_ok=True)
        write_sources(config, folder)
        burst = ("-DBUS_WINDOW",) if config.bus == "axi4" else ()
        objects = [compile_c(folder, name, *burst, *BY_FUNCTION) for name in (*DRIVER_SOURCES, "script.c")]
        master = {"axi": "AXI", "axi4": "AXI4", "wishbone": "CLASSIC" if classic else "PIPELINED"}[config.bus]
        macros = ["-CFLAGS", f"-DAMPER_{master}"]
        options = ["--cc", "--exe", "--build", "-O3", "--top-module", "amper", "-CFLAGS", "-I.."]
        sources = ["amper.v", "harness.cpp", *(f"../{name}" for name in objects)]
        _run(["verilator", *options, *macros, "-Mdir", "build", *sources], folder)
        self._program = folder / "build" / "Vamper"

    def run(self, calls: Iterable[Call]) -> list[list[int]]:
        """Makes the calls, from a reset on; returns the numbers that each printed."""
        script = "".join(f"{name} {first} {second}\n" for name, first, second in calls)
        output = _run([str(self._program)], self._program.parent, script)
        return [[int(word) for word in line.split()] for line in output.splitlines()]


def _run(command: Sequence[str], folder: Path, script: str = "") -> str:
    done = subprocess.run(
        command, cwd=folder, env=simulator_environment(), input=script, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SimulationError(f"{command[0]} ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout
