"""``amper demo``: the whole thing on recorded priorities."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from amper_cli.arguments import folder, source
from amper_cli.errors import reporting

if TYPE_CHECKING:
    from amper_verif.demo.result import Demo

DESCRIPTION = """\
Generate the sampler for a recorded trace of a DQN agent, lint it, simulate it in two simulators at the same time (the
whole trace in Verilator, its first batches in Icarus), compare every drawn index with the golden model, and make a page
of pictures. The exit code is 1 on any mismatch or warning, and when nothing was compared; 2 on bad input.
"""

EXAMPLES = """\
examples:
  amper demo                        verif/traces/cartpole-2000.npz, about a minute on two cores
  amper demo --full                 the whole trace in Icarus too, and Yosys as a fourth linter: over ten minutes
  amper demo --operations 3000      a quick look
"""

# Without a terminal, such as in CI, a line of progress this often, in seconds.
_QUIET_PERIOD = 20.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    parser.add_argument(
        "-o", "--output", type=folder, metavar="DIR", default="build/demo", help="folder (default build/demo)"
    )
    parser.add_argument(
        "--trace", type=source, metavar="FILE", help="recorded trace (default verif/traces/cartpole-2000.npz)"
    )
    parser.add_argument("--operations", type=int, metavar="N", help="only the first N of the trace")
    parser.add_argument("--full", action="store_true", help="all operations in Icarus too, and lint with Yosys too")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of the device's random streams (default 1)")
    parser.set_defaults(run=run)


@reporting("demo", "sim,lint,page")
def run(options: argparse.Namespace) -> int:
    """Run it, with an account on standard output; progress goes to standard error."""
    from amper_verif.demo import demo
    from amper_verif.demo.result import DEFAULT_TRACE

    progress = Progress()
    result = demo.demo(
        output=options.output,
        trace=options.trace or DEFAULT_TRACE,
        operations=options.operations,
        full=options.full,
        seed=options.seed,
        say=progress.say,
        progress=progress.show,
    )
    print(table(result))
    return 0 if result.passed else 1


class Progress:
    """A line that is rewritten on a terminal, and a line now and then elsewhere."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._last = time.monotonic()

    def show(self, text: str) -> None:
        """How far it is."""
        now = time.monotonic()
        if self._terminal:
            print(f"\r{text}\x1b[K", end="", file=sys.stderr, flush=True)
        elif now - self._last >= _QUIET_PERIOD:
            self._last = now
            print(text, file=sys.stderr, flush=True)

    def say(self, text: str) -> None:
        """A line that stays."""
        if self._terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
        print(text, flush=True)


def table(result: Demo) -> str:
    """The numbers, and where the page is."""
    columns = "{:<10} {:>10} {:>8} {:>17} {:>11}   {}"
    head = ("simulator", "operations", "batches", "indices compared", "mismatches")
    lines = ["", columns.format(*head, "cycles per batch (min / median / max)")]
    for run in result.runs:
        cycles = run.cycles
        spread = f"{cycles.minimum} / {cycles.median:g} / {cycles.maximum}" if cycles else "none measured"
        numbers = (result.simulated[run.simulator], run.batches, run.compared, run.mismatches)
        lines.append(columns.format(run.simulator, *(f"{number:,}" for number in numbers), spread))
    accepted = sum(each.passed for each in result.linted)
    page = Path(result.page)
    lines += [
        f"linters    {accepted} of {len(result.linted)} without a warning",
        f"page       {page}",
        f"{'PASSED' if result.passed else 'FAILED'} in {result.seconds:.0f} s",
    ]
    return "\n".join(lines)
