"""Builds Verilog in a simulator and runs a cocotb bench on it.

The bench gets its parameters, and leaves its report, as JSON files in the build folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from amper_verif.harness import progress as progress_of
from amper_verif.harness.simulators import SimulationError, require_simulator, simulator_environment

_PARAMETERS, _REPORT = "AMPER_BENCH_PARAMETERS", "AMPER_BENCH_REPORT"

# cocotb's own: the files whose assertions tell their values. It costs a quarter of a second at each start: here
# it is empty unless the user sets it (CONTRIBUTING.md).
_TELLING = "COCOTB_REWRITE_ASSERTION_FILES"


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
    code_coverage: bool = False,
) -> dict[str, Any]:
    """Simulate ``verilog`` under the cocotb bench ``amper_verif.benches.<bench>``; returns the bench's report.

    Parameters
    ----------
    verilog : source text. top : its top module. parameters : passed to the bench. folder : for builds; one that was
        built from the same text is used again. seed : of cocotb's random numbers. waves : keep a waveform; the
        report's "waves" is its path. progress : show a bar. code_coverage : count, in Verilator, how often each line
        and branch ran and each bit changed; the report's "code_coverage" is the path of its file.

    Raises
    ------
    SimulationError : see there. A bench that ran no test or left no report has failed.
    """
    require_simulator(simulator)
    if code_coverage and simulator != "verilator":
        raise ValueError(f"simulator must be verilator with code coverage, not {simulator}")
    key = hashlib.sha256(f"{verilog}{top}{waves}{'covered' * code_coverage}".encode()).hexdigest()[:16]
    build = folder.resolve() / f"{simulator}-{top}-{key}"
    run = build / f"run-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"  # several processes may use one build
    run.mkdir(parents=True, exist_ok=True)
    done, asked, report = progress_of.start(run), run / "parameters.json", run / "report.json"
    asked.write_text(json.dumps(parameters), encoding="utf-8")
    report.unlink(missing_ok=True)
    files = {_PARAMETERS: asked, _REPORT: report, progress_of.VARIABLE: done}
    with _environment({name: str(path) for name, path in files.items()}):
        with progress_of.bar(done, f"{bench} in {simulator}") if progress else contextlib.nullcontext():
            _build(verilog, top, simulator, build, waves, code_coverage)
            _test(bench, top, simulator, build, run, seed, waves)
    if not report.exists():
        raise SimulationError(f"bench {bench} left no report: see {run / 'test.log'}")
    result: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    dumps = [path for pattern in ("*.fst", "run-*/*.vcd") for path in build.glob(pattern)]
    result["waves"] = str(max(dumps, key=lambda path: path.stat().st_mtime)) if waves and dumps else None
    result["code_coverage"] = None
    if code_coverage:  # of its own name: the next bench in this folder writes the same file
        kept = run / f"coverage-{hashlib.sha256(f'{bench}{asked.read_text()}'.encode()).hexdigest()[:16]}.dat"
        result["code_coverage"] = str((run / "coverage.dat").replace(kept))
    return result


def _build(verilog: str, top: str, simulator: str, build: Path, waves: bool, code_coverage: bool) -> None:
    """Make the simulation, unless the folder has it; of several processes that want it, one makes it."""
    from cocotb_tools.runner import VerilatorControlFile, get_runner

    source = build / f"{top}.v"
    sources: list[Path | VerilatorControlFile] = [source]
    # With waves, cocotb adds a module of its own, which is SystemVerilog.
    arguments = [] if waves else ["-g2005"]
    with (build / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _write(source, verilog)
        if simulator == "verilator":
            # cocotb's runner makes every signal public, which at 2,000 rows means 30 MB of C++ and a constructor that
            # takes minutes to compile. Benches use the top's signals only; the later option wins.
            public = build / "public.vlt"
            _write(public, f'`verilator_config\npublic_flat_rw -module "{top}" -var "*"\n')
            sources.append(VerilatorControlFile(public))
            arguments = ["--no-public-flat-rw", "-O3", "--x-assign", "unique", "--x-initial", "unique"]
            arguments += ["--coverage-line", "--coverage-toggle"] if code_coverage else []
        try:
            get_runner(simulator).build(
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


def _write(file: Path, text: str) -> None:
    """Unless the file says so already: a new date makes simulators compile."""
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        file.write_text(text, encoding="utf-8")


def _test(bench: str, top: str, simulator: str, build: Path, run: Path, seed: int, waves: bool) -> None:
    from cocotb_tools.check_results import get_results
    from cocotb_tools.runner import get_runner

    log = run / "test.log"
    try:
        results = get_runner(simulator).test(
            test_module=f"amper_verif.benches.{bench}",
            hdl_toplevel_lang="verilog",
            hdl_toplevel=top,
            build_dir=build,
            test_dir=run,
            seed=seed,
            waves=waves,
            log_file=log,
            timescale=None,
            # Registers power up with anything.
            plusargs=["+verilator+rand+reset+2", f"+verilator+seed+{seed}"] if simulator == "verilator" else [],
        )
        ran, failed = get_results(results)
    except (RuntimeError, SystemExit) as error:
        raise SimulationError(f"{simulator} stopped early: {_tail(log)}") from error
    if failed or not ran:
        raise SimulationError(f"bench {bench} on {simulator}: {ran} tests, {failed} failed: {_tail(log)}")


def _tail(log: Path, lines: int = 40) -> str:
    if not log.exists():
        return "no log"
    return f"{log} ends\n" + "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


@contextlib.contextmanager
def _environment(extra: dict[str, str]) -> Iterator[None]:
    """The simulators' environment and ``extra``, for as long as the block lasts."""
    before = dict(os.environ)
    os.environ.update(simulator_environment())
    os.environ.update({_TELLING: before.get(_TELLING, "")}, **extra)
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
