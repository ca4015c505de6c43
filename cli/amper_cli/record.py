"""``amper record``: record the replay operations of a DQN agent with ordinary prioritized replay."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import replace
from pathlib import Path

from amper.operations.trace import Trace
from amper_cli.arguments import target
from amper_cli.errors import reporting
from amper_cli.options import add_declared
from amper_lab.train.options import TrainOptions
from amper_lab.train.record import OPERATIONS, SEED, SETTINGS, record
from amper_spec.declare import declarations

_OPTIONS = ("env", "rows", "batch", "alpha", "eps", "beta")
_DEFAULTS = {**{name: getattr(SETTINGS, name) for name in _OPTIONS}, "operations": OPERATIONS, "seed": SEED}

DESCRIPTION = """\
Train a small DQN agent with ordinary prioritized replay (Schaul et al. 2016) and record
every operation on its replay buffer, in order: writes (a new transition, with the largest
priority so far), draws (a batch of rows) and updates (a row's new priority after learning).
The trace drives the golden model, the RTL and the fast sampler with real priorities.

Priorities are recorded as floats, already exponentiated: (|td error| + eps) ** alpha.
The same options give the same trace on the same machine and package versions.
Needs PyTorch and Gymnasium: pip install 'amper[record]'
"""

EXAMPLES = """\
example:
  amper record --rows 500 --operations 10000 --seed 7 --output run.npz

  A buffer of 500 rows wraps around when the 501st transition is written. With --batch 64
  a learning step is 65 operations (1 draw, 64 updates), and 8 writes lie between two.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    parser.add_argument("--output", type=target, required=True, metavar="FILE", help="trace file (.npz) to write")
    known = declarations(TrainOptions)
    add_declared(parser, [known[name] for name in _OPTIONS], defaults=SETTINGS)
    text = "operations to record, 1 to 10000000, or up to one learning step more (default %(default)s)"
    parser.add_argument("--operations", type=int, default=OPERATIONS, metavar="N", help=text)
    text = "seed of everything random, 0 to 2147483647 (default %(default)s)"
    parser.add_argument("--seed", type=int, default=SEED, metavar="N", help=text)
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=run)


@reporting("record", "record")
def run(options: argparse.Namespace) -> int:
    """Record, save, and print a summary on standard output.

    Returns
    -------
    0; 2 after an error message on standard error: an option out of its range, a missing package, an output that cannot
    be written.
    """
    trace = record(
        replace(SETTINGS, **{name: getattr(options, name) for name in _OPTIONS}),
        operations=options.operations,
        seed=options.seed,
        command=_command(options),
        progress=not options.quiet,
    )
    trace.save(options.output)
    print(_summary(trace, options.output))
    return 0


def _command(options: argparse.Namespace) -> str:
    """The command line that makes this trace; options that few change are named only where they differ."""
    words = ["amper", "record"]
    for name, default in _DEFAULTS.items():
        value = getattr(options, name)
        if value != default or name in ("env", "rows", "batch", "seed"):
            words += [f"--{name}", str(value)]
    return shlex.join([*words, "--output", options.output.as_posix()])


def _summary(trace: Trace, output: Path) -> str:
    counts = {kind.name.lower(): count for kind, count in trace.counts.items()}
    returns = trace.metadata["episode_returns"]
    draws = f"{counts['draw']:,} draws of {trace.batch} rows"
    lines = [
        f"trace       {output}, {output.stat().st_size:,} bytes",
        f"operations  {len(trace):,}: {counts['write']:,} writes, {draws}, {counts['update']:,} updates",
        f"buffer      {trace.rows:,} rows, {max(0, counts['write'] - trace.rows):,} overwritten",
        f"episodes    {len(returns):,} finished",
    ]
    if returns:
        first, last = returns[:10], returns[-10:]
        lines.append(
            f"return      {sum(first) / len(first):.1f} mean of the first {len(first)} episodes, "
            f"{sum(last) / len(last):.1f} of the last {len(last)}"
        )
    return "\n".join(lines)
