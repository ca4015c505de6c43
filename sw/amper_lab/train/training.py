"""The series of runs of ``amper train``: a run for each seed, a table of their evaluations and a picture."""

from __future__ import annotations

import csv
from pathlib import Path

from amper.support.extras import require
from amper_lab.train.environments import make_env
from amper_lab.train.loop import Run
from amper_lab.train.options import TrainOptions
from amper_lab.train.runs import Task, run_all
from amper_lab.train.samplers import make_sampler
from amper_spec.checks import checked_integer


def series(options: TrainOptions, seeds: int, folder: Path, *, jobs: int = 1, progress: bool = True) -> list[Run]:
    """Run the seeds 1 to ``seeds`` that the folder does not have yet, and write what they give.

    Parameters
    ----------
    jobs : processes. progress : show a bar, in steps, on standard error.

    Raises
    ------
    TypeError, ValueError : a bad option; files of other options in the folder. ImportError : a missing package; the
    message names the extra. OSError : the folder. All before the first run starts.
    """
    seeds = checked_integer("seeds", seeds, 1, 10_000)
    for module in ("torch", "matplotlib", "scipy.stats", "tqdm", "torch.utils.tensorboard"):
        require(module, "train")
    make_env(options.env).close()
    with make_sampler(options, 0):  # that it can be had is found out before the first run
        pass
    tasks = [
        Task(options, seed, folder / f"seed-{seed}.json", folder / "tensorboard" / f"seed-{seed}")
        for seed in range(1, seeds + 1)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    total = seeds * options.steps
    with require("tqdm", "train").tqdm(total=total, unit="step", unit_scale=True, disable=not progress) as bar:
        runs = run_all(tasks, jobs=jobs, tick=bar.update)
    write_csv(runs, folder / "evaluations.csv")
    from amper_lab.train import plots

    plots.learning({options.sampler: runs}, f"{options.env}, replay size {options.rows:,}", folder / "learning.svg")
    return runs


def write_csv(runs: list[Run], path: Path) -> None:
    """A line for each episode of each evaluation."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["env", "rows", "sampler", "seed", "step", "updates", "episode", "return"])
        for run in runs:
            key = [run.options[name] for name in ("env", "rows", "sampler")]
            for point in run.points:
                for episode, value in enumerate(point.returns):
                    writer.writerow([*key, run.seed, point.step, point.updates, episode, value])
