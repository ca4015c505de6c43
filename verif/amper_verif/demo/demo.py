"""The demo: generate, lint, simulate a recorded trace in both simulators, and make a page of it."""

from __future__ import annotations

import contextlib
import os
import random
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, wait
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from amper import AmperConfig
from amper.operations.trace import Trace
from amper_hw.base import latency
from amper_hw.output.generate import TOP, Generated, generate
from amper_verif.demo.page import write_page
from amper_verif.demo.replay import Replay, replay
from amper_verif.demo.result import DEFAULT_TRACE, Demo, Inputs, demo_config, shown
from amper_verif.harness.lint import LintResult, lint, require_linters
from amper_verif.harness.simulation import SIMULATORS, require_simulator, run_bench
from amper_verif.verify import Verification, verify

Say = Callable[[str], None]


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
    inputs = _inputs(Path(trace), operations, seed, Path(output))
    replayed, default_scale = _replay(inputs, say)
    generated, verilog, linted = _generate(inputs, say)
    runs = _verify(inputs, simulators, mutate, say, progress)
    with _timed() as timed:
        batch_config, batch = one_batch(inputs.config, inputs.folder / "waveform")
        result = Demo(
            **vars(inputs),
            generated=generated,
            verilog=verilog,
            linted=linted,
            runs=runs,
            batch_config=batch_config,
            batch=batch,
            replayed=replayed,
            default_scale=default_scale,
            seconds=time.monotonic() - begin,
        )
        write_page(result)
    say(f"page       {shown(result.page)} {timed}")
    return result


def _inputs(path: Path, operations: int | None, seed: int, folder: Path) -> Inputs:
    trace = Trace.load(path)
    config = demo_config(trace, seed)
    count = _operations(operations, trace)
    folder.mkdir(parents=True, exist_ok=True)
    return Inputs(config, trace, path, count, folder)


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


def _replay(inputs: Inputs, say: Say) -> tuple[Replay, Replay]:
    """The trace in the golden model: with the configuration, and with the default priority scale."""
    default = AmperConfig.from_dict(inputs.config.to_dict() | {"priority_scale": None})
    with _timed() as timed:
        replayed, default_scale = (
            replay(config, inputs.trace, inputs.operations) for config in (inputs.config, default)
        )
    say(f"replay     {len(replayed.valid)} batches of {shown(inputs.trace_path)} in the golden model {timed}")
    return replayed, default_scale


def _generate(inputs: Inputs, say: Say) -> tuple[Generated, Path, list[LintResult]]:
    """The Verilog and what the linters say of it."""
    with _timed() as timed:
        generated = generate(inputs.config)
        verilog, _ = generated.save(inputs.folder)
    say(f"generate   {shown(verilog)}: {_size(generated)} {timed}")
    linted = lint(verilog, TOP)
    for result in linted:
        say(f"lint       {lint_line(result)}")
    return generated, verilog, linted


def _verify(
    inputs: Inputs,
    simulators: tuple[str, ...],
    mutate: Callable[[str], str] | None,
    say: Say,
    progress: Say,
) -> list[Verification]:
    """The trace in all simulators at the same time.

    In processes: a run hands its parameters over by environment variables, of which a process has one set. Fresh ones
    (spawn), since what forks a process with threads can hang.
    """
    with _timed() as timed:
        context = get_context("spawn")
        with ProcessPoolExecutor(len(simulators), mp_context=context, initializer=_be_quiet) as pool:
            futures: dict[str, Future[Verification]] = {
                simulator: pool.submit(
                    verify,
                    inputs.config,
                    simulator=simulator,
                    trace=inputs.trace_path,
                    operations=inputs.operations,
                    folder=inputs.folder / simulator,
                    mutate=mutate,
                )
                for simulator in simulators
            }
            while wait(futures.values(), timeout=0.5).not_done:
                states = (
                    f"{simulator} {_state(future, inputs.folder / simulator, inputs.operations)}"
                    for simulator, future in futures.items()
                )
                progress(", ".join(states))
            runs = [future.result() for future in futures.values()]
    for run in runs:
        say(f"verify     {verify_line(run)}")
    say(f"verify     {' and '.join(simulators)}{' at the same time' if len(runs) > 1 else ''} {timed}")
    return runs


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
        bench="sampler.waveform",
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
