"""Series of runs, kept in files: what is there is not run again, so an interrupted series goes on where it stopped."""

from __future__ import annotations

import csv
import multiprocessing
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from amper.support.extras import require
from amper_lab.train import plots
from amper_lab.train.environments import make_env
from amper_lab.train.files import difference, read_json, write_json
from amper_lab.train.loop import Log, Run, train
from amper_lab.train.options import TrainOptions
from amper_lab.train.samplers import make_sampler
from amper_spec.checks import checked_integer


@dataclass(frozen=True)
class Task:
    """A run to be done: its options, its seed, the file that it is kept in and, if wanted, TensorBoard's folder."""

    options: TrainOptions
    seed: int
    path: Path
    log: Path | None = None

    def kept(self) -> Run | None:
        """The run, if its file is there.

        Raises
        ------
        OSError : it cannot be read. ValueError : it is no run, or one with other options.
        """
        if not self.path.exists():
            return None
        run = load(self.path)
        changed = difference({**run.options, "seed": run.seed}, {**self.options.to_dict(), "seed": self.seed})
        if changed:
            raise ValueError(f"{self.path} was run with other options ({changed}): remove it or choose another folder")
        return run


def load(path: Path) -> Run:
    """The run of a file. Raises OSError : it cannot be read. ValueError : it is no run."""
    values = read_json(path, "a run of amper train")
    try:
        return Run.from_dict(values)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path} must be a run of amper train, and is not ({error}): remove it to run it again"
        ) from None


def run_all(tasks: list[Task], *, jobs: int = 1, tick: Callable[[int], None] | None = None) -> list[Run]:
    """All runs, in the order of ``tasks``: those kept, and the others, each kept as soon as it has ended.

    Parameters
    ----------
    jobs : processes, 1 to 1024; with 1 the runs are in this one. tick : called with numbers of steps that are done.

    Raises
    ------
    ValueError, ImportError, OSError : see ``Task.kept``, for every task before any run starts, and ``train``.
    """
    jobs = checked_integer("jobs", jobs, 1, 1024)
    runs = [task.kept() for task in tasks]
    missing = [index for index, run in enumerate(runs) if run is None]
    done = tick if tick is not None else lambda steps: None
    for task, run in zip(tasks, runs, strict=True):
        if run is not None:
            done(task.options.steps)
    ended = _here(tasks, missing, done) if jobs == 1 else _elsewhere(tasks, missing, jobs, done)
    for index, run in ended:
        runs[index] = run
    return [run for run in runs if run is not None]


def _here(tasks: list[Task], missing: list[int], done: Callable[[int], None]) -> Iterator[tuple[int, Run]]:
    for index in missing:
        yield index, _run(tasks[index], lambda: done(1))


def _elsewhere(
    tasks: list[Task], missing: list[int], jobs: int, done: Callable[[int], None]
) -> Iterator[tuple[int, Run]]:
    # Fresh processes: a fork would copy PyTorch's threads in whatever state they are.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, max(1, len(missing))), mp_context=context) as pool:
        waiting = {pool.submit(_run, tasks[index]): index for index in missing}
        try:
            for future in as_completed(waiting):
                index = waiting[future]
                yield index, future.result()
                done(tasks[index].options.steps)
        finally:
            pool.shutdown(cancel_futures=True)


def _run(task: Task, tick: Callable[[], None] | None = None) -> Run:
    """One run, kept in its file."""
    if task.log is None:
        run = train(task.options, task.seed, tick=tick)
    else:
        shutil.rmtree(task.log, ignore_errors=True)  # of a run that was interrupted
        writer = require("torch.utils.tensorboard", "train").SummaryWriter(str(task.log))
        log: Log = writer.add_scalar
        try:
            run = train(task.options, task.seed, log=log, tick=tick)
        finally:
            writer.close()
    write_json(task.path, run.to_dict())
    return run


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
