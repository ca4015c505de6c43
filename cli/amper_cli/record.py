"""``amper record``: record the replay operations of a DQN agent with ordinary prioritized replay."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from amper.operations.trace import Trace
    from amper_lab.train.record import RecordConfig

# Options that make the recording, with their defaults: those of RecordConfig, and a test holds them equal.
# They are repeated because the help must not wait for NumPy, and the configuration lives with the recorder.
_DEFAULTS: dict[str, Any] = {
    "env": "CartPole-v1",
    "rows": 2000,
    "batch": 64,
    "operations": 30_000,
    "seed": 1,
    "alpha": 0.6,
    "eps": 1e-6,
    "beta": 0.4,
}

_DESCRIPTION = """\
Train a small DQN agent with ordinary prioritized replay (Schaul et al. 2016) and record
every operation on its replay buffer, in order: writes (a new transition, with the largest
priority so far), draws (a batch of rows) and updates (a row's new priority after learning).
The trace drives the golden model, the RTL and the fast sampler with real priorities.

Priorities are recorded as floats, already exponentiated: (|td error| + eps) ** alpha.
The same options give the same trace on the same machine and package versions.
Needs PyTorch and Gymnasium: pip install 'amper[record]'
"""

_EXAMPLE = """\
example:
  amper record --rows 500 --operations 10000 --seed 7 --output run.npz

  A buffer of 500 rows wraps around when the 501st transition is written. With --batch 64
  a learning step is 65 operations (1 draw, 64 updates), and 8 writes lie between two.
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command ``record`` to the command line ``amper``; its ``run`` is set to `run`."""
    parser = subparsers.add_parser(
        "record",
        help="record a trace of real priorities from a DQN agent",
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )

    def option(name: str, kind: Callable[[str], object], metavar: str, text: str) -> None:
        text += " (default: %(default)s)"
        parser.add_argument(f"--{name}", type=kind, metavar=metavar, default=_DEFAULTS[name], help=text)

    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="trace file (.npz) to write")
    option("env", str, "NAME", "Gymnasium environment: flat real observation, discrete actions")
    option("rows", int, "N", "capacity of the replay buffer, 1 to 1048576; the oldest row is overwritten")
    option("batch", int, "N", "rows per draw, 1 to 4096")
    option("operations", int, "N", "operations to record, 1 to 10000000, or up to one learning step more")
    option("seed", int, "N", "seed of everything random, 0 to 2147483647")
    option("alpha", float, "X", "priority exponent, 0 to 1")
    option("eps", float, "X", "added to every absolute TD error, 1e-12 to 1")
    option("beta", float, "X", "importance exponent at the start, 0 to 1; rises to 1")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Record, save, and print a summary on standard output.

    Returns
    -------
    0, or 1 after an error message on standard error: an option out of its range, a missing package, an output
    that cannot be written.
    """
    from amper_lab.train.record import MissingExtraError, RecordConfig, record

    try:
        config = RecordConfig(**{name: getattr(args, name) for name in _DEFAULTS})
        # Before the recording, so that a mistyped folder does not cost one.
        if not args.output.parent.is_dir():
            raise ValueError(f"output must lie in an existing folder, got {args.output}")
        if args.output.is_dir():
            raise ValueError(f"output must be a file, got the folder {args.output}")
        trace = record(config, command=_command(config, args.output), progress=not args.quiet)
        trace.save(args.output)
    except (ValueError, MissingExtraError, OSError) as error:
        print(f"amper record: error: {error}", file=sys.stderr)
        return 1
    print(_summary(trace, args.output))
    return 0


def _command(config: RecordConfig, output: Path) -> str:
    """The command line that makes this trace; options that few change are named only where they differ."""
    words = ["amper", "record"]
    for name, default in _DEFAULTS.items():
        value = getattr(config, name)
        if value != default or name in ("env", "rows", "batch", "seed"):
            words += [f"--{name}", str(value)]
    return shlex.join([*words, "--output", output.as_posix()])


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
