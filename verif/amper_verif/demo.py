"""The demo: generate, lint, simulate a recorded trace in both simulators, and make a page of it."""

from __future__ import annotations

import contextlib
import os
import random
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from amper import AmperConfig
from amper_hw import latency
from amper_hw.generate import TOP, Generated, generate
from amper_verif.lint import LintResult, lint, require_linters
from amper_verif.page import ROOT, shown, write_page
from amper_verif.replay import Replay, replay
from amper_verif.simulation import SIMULATORS, require_simulator, run_bench
from amper_verif.trace import Kind, Trace
from amper_verif.verify import Verification, verify
from amper_verif.workload import check_trace_fits

DEFAULT_TRACE = ROOT / "verif/traces/cartpole-2000.npz"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Demo:
    """What the demo did and found."""

    config: AmperConfig
    trace: Trace
    trace_path: Path
    operations: int  # of the trace, replayed
    generated: Generated
    verilog: Path
    linted: list[LintResult]
    runs: list[Verification]
    batch_config: AmperConfig  # of the single batch that the page shows as a waveform
    batch: dict[str, Any]  # its report
    replayed: Replay
    default_scale: Replay  # the same with the default priority scale
    page: Path
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether no linter complained, and every simulator compared something and found no difference."""
        accepted = bool(self.linted) and all(result.passed for result in self.linted)
        return accepted and bool(self.runs) and all(run.passed for run in self.runs)


def demo_config(trace: Trace, seed: int) -> AmperConfig:
    """The configuration for a trace: its rows and batch, and the finest priority scale, a power of two, that fits it.

    Fine codes matter: a radius below one code still matches a whole code, so that low priorities are drawn too often.
    """
    draws = trace.kind == Kind.DRAW
    largest = float(trace.priority[~draws].max(initial=1e-9))
    top = AmperConfig(rows=trace.rows).priority_max
    scale = 2.0 ** max(0, int(top / largest).bit_length() - 1)
    return AmperConfig(rows=trace.rows, batch=trace.batch, seed=seed, priority_scale=scale)


def demo(
    *,
    output: str | Path,
    trace: str | Path = DEFAULT_TRACE,
    operations: int | None = None,
    seed: int = 1,
    say: Say = print,
    progress: Say = lambda text: None,
    simulators: tuple[str, ...] = SIMULATORS,
    mutate: Callable[[str], str] | None = None,
) -> Demo:
    """Run all of it; the page is ``output``/index.html.

    Parameters
    ----------
    output : folder for everything that is made. trace : a recorded trace, its first ``operations`` or all.
    seed : of the device's random streams. say : takes each line of the account. progress : takes a short text now and
        then. mutate : changes the Verilog before it is simulated, to see that the demo notices; it must be picklable.

    Raises
    ------
    TraceError, ValueError, TypeError, OSError : bad input. LintError, SimulationError : a tool is missing, or the
    device broke its protocol or hung.
    """
    begin = time.monotonic()
    require_linters()
    for simulator in simulators:
        require_simulator(simulator)
    path, folder = Path(trace), Path(output)
    recorded = Trace.load(path)
    config = demo_config(recorded, seed)
    check_trace_fits(config, recorded)
    count = _operations(operations, recorded)
    folder.mkdir(parents=True, exist_ok=True)

    with _timed() as timed:
        replayed = replay(config, recorded, count)
        default_scale = replay(AmperConfig.from_dict(config.to_dict() | {"priority_scale": None}), recorded, count)
    say(f"replay     {len(replayed.valid)} batches of {shown(path)} in the golden model {timed}")
    with _timed() as timed:
        generated = generate(config)
        verilog, _ = generated.save(folder)
    say(f"generate   {shown(verilog)}: {_size(generated)} {timed}")
    with _timed() as timed:
        linted = lint(verilog, TOP)
    for result in linted:
        say(f"lint       {lint_line(result)}")
    with _timed() as timed:
        runs = _simulate(simulators, config, path, count, folder, mutate, progress)
    for run in runs:
        say(f"verify     {verify_line(run)}")
    say(f"verify     {' and '.join(simulators)} at the same time {timed}")
    with _timed() as timed:
        batch_config, batch = one_batch(config, folder / "waveform")
        page = folder / "index.html"
        done = Demo(
            config=config,
            trace=recorded,
            trace_path=path,
            operations=count,
            generated=generated,
            verilog=verilog,
            linted=linted,
            runs=runs,
            batch_config=batch_config,
            batch=batch,
            replayed=replayed,
            default_scale=default_scale,
            page=page,
            seconds=time.monotonic() - begin,
        )
        write_page(done)
    say(f"page       {shown(page)} {timed}")
    return done


def _operations(wanted: int | None, trace: Trace) -> int:
    if wanted is None:
        return len(trace)
    if isinstance(wanted, bool) or not isinstance(wanted, int):
        raise TypeError(f"operations must be an integer, not {wanted!r}")
    if wanted < 1:
        raise ValueError(f"operations must be at least 1, not {wanted}")
    return min(wanted, len(trace))


class _timed(contextlib.AbstractContextManager["_timed"]):  # noqa: N801 - reads like a function
    """Measures its block; as text afterwards: (1.2 s)."""

    def __enter__(self) -> _timed:
        self._begin = time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        self._seconds = time.monotonic() - self._begin

    def __str__(self) -> str:
        return f"({self._seconds:.1f} s)"


def _simulate(
    simulators: tuple[str, ...],
    config: AmperConfig,
    trace: Path,
    operations: int,
    folder: Path,
    mutate: Callable[[str], str] | None,
    progress: Say,
) -> list[Verification]:
    """The trace in all simulators at the same time.

    In processes: a run hands its parameters over by environment variables, of which a process has one set. Fresh ones
    (spawn), since what forks a process with threads can hang.
    """
    context = get_context("spawn")
    with ProcessPoolExecutor(len(simulators), mp_context=context, initializer=_be_quiet) as pool:
        futures: dict[str, Future[Verification]] = {
            simulator: pool.submit(
                verify,
                config,
                simulator=simulator,
                trace=trace,
                operations=operations,
                folder=folder / simulator,
                mutate=mutate,
            )
            for simulator in simulators
        }
        waiting = True
        while waiting:
            waiting = bool(wait(futures.values(), timeout=0.5).not_done)
            progress(
                ", ".join(
                    f"{simulator} {_state(future, folder / simulator, operations)}"
                    for simulator, future in futures.items()
                )
            )
        return [future.result() for future in futures.values()]


def _be_quiet() -> None:
    """In a process of the pool: cocotb's runner writes notes, into the middle of a line of ours."""
    sys.stdout = sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the process ends


def _state(future: Future[Verification], folder: Path, operations: int) -> str:
    """How far a simulation is: the bench leaves the number of operations done in a file of its build folder."""
    if future.done():
        return "finished"
    with contextlib.suppress(OSError, ValueError, IndexError):  # not there yet, or half written
        newest = max(folder.glob("*/progress"), key=lambda file: file.stat().st_mtime)
        return f"{int(newest.read_text(encoding='utf-8').split()[0]):,} of {operations:,} operations"
    return "is building"


def one_batch(config: AmperConfig, folder: Path) -> tuple[AmperConfig, dict[str, Any]]:
    """A batch of a sampler small enough to be drawn, in Icarus: its configuration and the bench ``waveform``'s report.

    Raises
    ------
    SimulationError : it differed from the golden model, or took other than m + b + c cycles.
    """
    small = AmperConfig(
        rows=32,
        priority_width=8,
        groups=5,
        batch=8,
        bank_rows=8,
        fan_out=4,
        radius_scale=0.3,
        variant=config.variant,
        seed=1,
    )
    chance = random.Random(1)
    priorities = [*(chance.randrange(1, 250) for _ in range(small.rows - 1)), small.priority_max]
    report = run_bench(
        verilog=generate(small).verilog,
        top=TOP,
        bench="waveform",
        parameters={"config": small.to_dict(), "priorities": priorities, "cycles": latency.batch_cycles(small)},
        simulator="icarus",
        folder=folder,
    )
    return small, report


def lint_line(result: LintResult) -> str:
    """A result in a line."""
    verdict = (
        "no warning" if result.passed else f"FAILED, {len(result.complaints)} lines: {(result.complaints or ['?'])[0]}"
    )
    return f"{result.linter} {result.version}: {verdict} ({result.seconds:.1f} s)"


def verify_line(run: Verification) -> str:
    """A run in a line."""
    return (
        f"{run.simulator}: {'PASSED' if run.passed else 'FAILED'}, {run.batches} batches, "
        f"{run.compared:,} indices compared, {run.mismatches:,} mismatches"
    )


def _size(generated: Generated) -> str:
    return f"{generated.verilog.count(chr(10)):,} lines, {len(generated.verilog) / 1e6:.2f} MB"
