"""``amper train``: DQN with any of the samplers."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from amper_cli.arguments import folder
from amper_cli.errors import reporting
from amper_cli.options import add_declared
from amper_lab.train.options import TrainOptions
from amper_spec.declare import declarations

if TYPE_CHECKING:
    from amper_lab.train.loop import Run

DESCRIPTION = """\
Train DQN on a Gymnasium environment, once for each seed, with a replay buffer that draws
like PER, like a variant of AMPER, or uniformly; docs/software/training.md.

Seeds are trained side by side, ten at a time. Into the folder come runs.json, evaluations.csv,
learning.svg (the mean return over the seeds with its 95 % interval) and tensorboard/. Seeds
that runs.json has are not run again: an interrupted command goes on when it is given again.
Needs PyTorch, Gymnasium and more: pip install 'amper[train]'
"""

EXAMPLES = """\
example:
  amper train --env CartPole-v1 --sampler amper-fr --seeds 5 -o build/cartpole
  tensorboard --logdir build/cartpole/tensorboard
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    parser.add_argument("-o", "--output", type=folder, required=True, metavar="DIR", help="folder for the results")
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="runs, with the seeds 1 to N (default 1)")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes, 1 to 1024 (default 1)")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    add_declared(parser, declarations(TrainOptions).values(), defaults=TrainOptions())
    parser.set_defaults(run=run)


@reporting("train", "train", resumes=True)
def run(options: argparse.Namespace) -> int:
    """Train, write the results and print a summary.

    Returns
    -------
    0; after an error message on standard error 2, of a bad option, a missing package or results of other options, or 1,
    of a device that failed; 130 after an interruption.
    """
    from amper_lab.train.runs import run_series

    chosen = TrainOptions(**{name: getattr(options, name) for name in declarations(TrainOptions)})
    runs = run_series(chosen, options.seeds, options.output, jobs=options.jobs, progress=not options.quiet)
    print(_summary(runs, options.output))
    return 0


def _summary(runs: list[Run], output: Path) -> str:
    from amper_lab.train.statistics import mean_interval

    first = runs[0]
    scores = [each.score() for each in runs]
    lines = [
        f"environment {first.options['env']}, sampler {first.options['sampler']}, {first.options['rows']:,} rows",
        f"runs        {len(runs)}, of {first.options['steps']:,} steps and {first.points[-1].updates:,} updates each",
        f"seconds     {sum(each.seconds for each in runs) / len(runs):.1f} of processor time a run",
        f"score       {', '.join(f'{score:.1f}' for score in scores)}",
    ]
    if len(runs) > 1:
        interval = mean_interval(scores)
        lines.append(f"mean        {interval.value:.1f}, 95 % interval {interval.low:.1f} to {interval.high:.1f}")
    return "\n".join([*lines, f"results     {output}"])
