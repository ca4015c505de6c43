"""``amper train``: DQN with any of the samplers."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amper.sampler.options import MODES
from amper_cli.arguments import folder
from amper_cli.errors import reporting
from amper_lab.train.options import BACKENDS, TrainOptions

if TYPE_CHECKING:
    from amper_lab.train.loop import Run

DESCRIPTION = """\
Train DQN on a Gymnasium environment, once for each seed, with a replay buffer that draws
like PER, like a variant of AMPER, or uniformly; docs/software/training.md.

Into the folder come a file for each seed, evaluations.csv, learning.svg (the mean return
over the seeds with its 95 % interval) and tensorboard/. Seeds whose file is there are not
run again: an interrupted command goes on when it is given again.
Needs PyTorch, Gymnasium and more: pip install 'amper[train]'
"""

EXAMPLES = """\
example:
  amper train --env CartPole-v1 --sampler amper-fr --seeds 5 -o build/cartpole
  tensorboard --logdir build/cartpole/tensorboard
"""

_HELP: dict[str, tuple[Callable[[str], Any], str, str]] = {
    "env": (str, "NAME", "Gymnasium environment: flat real observation, discrete actions"),
    "sampler": (str, "MODE", ", ".join(MODES)),
    "rows": (int, "N", "transitions in the replay buffer"),
    "steps": (int, "N", "environment steps of a run"),
    "batch": (int, "N", "transitions of an update"),
    "lr": (float, "X", "Adam's step size"),
    "discount": (float, "X", "of a step, 0 to 1"),
    "hidden": (int, "N", "units in each of the two hidden layers"),
    "warmup": (int, "N", "steps before the first update"),
    "update_every": (int, "N", "steps from one update to the next"),
    "target_period": (int, "N", "updates from one copy into the target network to the next"),
    "explore_last": (float, "X", "chance of a random action in the end, and in evaluations"),
    "explore_part": (float, "X", "part of the steps in which that chance falls from 1"),
    "alpha": (float, "X", "priority exponent, 0 to 1"),
    "eps": (float, "X", "added to every absolute TD error"),
    "beta": (float, "X", "importance exponent at the start, 0 to 1; grows to 1"),
    "scale": (float, "X", "lambda' (of amper-k lambda), fixed"),
    "csp_share": (float, "X", "the |CSP|/n that the scale adapts to instead"),
    "backend": (str, "B", f"who draws: {', '.join(BACKENDS)}; not software: bit-exact"),
    "evaluations": (int, "N", "how often the policy is tried, evenly over the steps"),
    "episodes": (int, "N", "episodes of an evaluation"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    parser.add_argument("-o", "--output", type=folder, required=True, metavar="DIR", help="folder for the results")
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="runs, with the seeds 1 to N (default 1)")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes, 1 to 1024 (default 1)")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    add_options(parser, TrainOptions(), _HELP)
    parser.add_argument(
        "--double", action=argparse.BooleanOptionalAction, default=True, help="double DQN (default yes)"
    )
    parser.add_argument("--bit-exact", action="store_true", help="draw the indices of the golden model")
    parser.set_defaults(run=run)


def add_options(parser: argparse.ArgumentParser, defaults: TrainOptions, names: Iterable[str]) -> None:
    """Add an option for each of these of ``TrainOptions``."""
    for name in names:
        kind, metavar, text = _HELP[name]
        default = getattr(defaults, name)
        shown = "" if default is None else f" (default {default})"
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=kind, default=default, metavar=metavar, help=text + shown)


@reporting("train", "train", resumes=True)
def run(options: argparse.Namespace) -> int:
    """Train, write the results and print a summary.

    Returns
    -------
    0; after an error message on standard error 2, of a bad option, a missing package or results of other options, or 1,
    of a device that failed; 130 after an interruption.
    """
    from amper_lab.train.runs import series

    chosen = TrainOptions(**{field.name: getattr(options, field.name) for field in fields(TrainOptions)})
    runs = series(chosen, options.seeds, options.output, jobs=options.jobs, progress=not options.quiet)
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
