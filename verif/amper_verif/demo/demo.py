"""The demo: generate, lint, simulate a recorded trace in both simulators, and make a page of it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from amper import AMPER_VARIANTS
from amper.operations.trace import Kind, Trace
from amper_hw.output.generate import TOP, Generated, generate
from amper_verif.demo.page import write_page
from amper_verif.demo.replay import Replay, replay
from amper_verif.demo.result import DEFAULT_TRACE, Demo, Inputs, demo_config, shown
from amper_verif.demo.simulation import one_batch, verify_all
from amper_verif.harness.lint import LINTERS, LintResult, lint, require_linters
from amper_verif.harness.simulators import SIMULATORS, require_simulator
from amper_verif.verify import Verification

Say = Callable[[str], None]

# Left to ``full``: Icarus, which interprets, takes ten minutes for the whole of the default trace, and the first run of
# Yosys on a machine compiles it for a minute.
ICARUS_BATCHES = 10
QUICK_LINTERS = ("verilator", "icarus", "slang")


def demo(
    *,
    output: str | Path,
    trace: str | Path = DEFAULT_TRACE,
    operations: int | None = None,
    full: bool = False,
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
    full : also in Icarus, which otherwise ends after ``ICARUS_BATCHES`` batches, and with all linters.
    seed : of the device's random streams. say : takes each line of the account. progress : takes a short text now and
        then. mutate : changes the Verilog before it is simulated, to see that the demo notices; it must be picklable.

    Raises
    ------
    TraceError, ValueError, TypeError, OSError : bad input. LintError, SimulationError : a tool is missing, or the
    device broke its protocol or hung.
    """
    begin = time.monotonic()
    linters = LINTERS if full else QUICK_LINTERS
    require_linters(linters)
    for simulator in simulators:
        require_simulator(simulator)
    inputs = _inputs(Path(trace), operations, seed, Path(output), simulators, full)
    replayed, others = _replay(inputs, say)
    generated, verilog = _generate(inputs, say, progress)
    linted = _lint(verilog, linters, say, progress)
    runs = _verify(inputs, mutate, say, progress)
    with _timed() as timed:
        progress("draws the page's pictures")
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
            others=others,
            seconds=time.monotonic() - begin,
        )
        write_page(result)
    say(f"page       {shown(result.page)} {timed}")
    return result


def _inputs(
    path: Path, operations: int | None, seed: int, folder: Path, simulators: tuple[str, ...], full: bool
) -> Inputs:
    trace = Trace.load(path)
    config = demo_config(trace, seed)
    count = _operations(operations, trace)
    short = count if full else min(count, _through_batch(trace, ICARUS_BATCHES))
    folder.mkdir(parents=True, exist_ok=True)
    simulated = {simulator: short if simulator == "icarus" else count for simulator in simulators}
    return Inputs(config, trace, path, count, simulated, folder)


def _through_batch(trace: Trace, batches: int) -> int:
    """How many operations the trace has up to and with so many batches."""
    draws = np.flatnonzero(trace.kind == Kind.DRAW)
    return int(draws[batches - 1]) + 1 if len(draws) >= batches else len(trace)


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


def _replay(inputs: Inputs, say: Say) -> tuple[Replay, dict[str, Replay]]:
    """The trace, drawn by the configuration's variant and by each of AMPER's."""
    with _timed() as timed:
        replayed = replay(inputs.config, inputs.trace, inputs.operations)
        others: dict[str, Replay] = {
            variant: replay(
                replace(inputs.config, variant=variant, variants=(variant,)), inputs.trace, inputs.operations
            )
            for variant in AMPER_VARIANTS
        }
    say(f"replay     {len(replayed.valid)} batches of {shown(inputs.trace_path)} by five variants {timed}")
    return replayed, others


def _generate(inputs: Inputs, say: Say, progress: Say) -> tuple[Generated, Path]:
    with _timed() as timed:
        progress("generates Verilog; the first time, Yosys is compiled for this machine")
        generated = generate(inputs.config)
        verilog, _ = generated.save(inputs.folder)
    say(f"generate   {shown(verilog)}: {_size(generated)} {timed}")
    return generated, verilog


def _lint(verilog: Path, linters: tuple[str, ...], say: Say, progress: Say) -> list[LintResult]:
    linted = []
    for linter in linters:
        progress(f"{linter} lints")
        linted += lint(verilog, TOP, (linter,))
        say(f"lint       {lint_line(linted[-1])}")
    return linted


def _verify(inputs: Inputs, mutate: Callable[[str], str] | None, say: Say, progress: Say) -> list[Verification]:
    with _timed() as timed:
        runs = verify_all(inputs, mutate, progress)
    for run in runs:
        say(f"verify     {verify_line(run)}")
    say(f"verify     {' and '.join(inputs.simulated)}{' at the same time' if len(runs) > 1 else ''} {timed}")
    return runs


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
