"""Series of runs, a file each: what is there is not run again, so an interrupted series goes on where it stopped."""

from __future__ import annotations

import csv
import multiprocessing
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
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

FILE = "runs.json"  # of `amper train`, in its folder
# Seeds that are trained side by side: with fewer, calls cost more than arithmetic; with more, nothing is gained, and an
# interruption loses more.
GROUP = 10


@dataclass(frozen=True)
class Series:
    """Runs that differ in their seeds only.

    Members
    -------
    options : of all. seeds : 1 to this number. path : of the file that they are kept in. logs : folder for TensorBoard,
    if wanted.
    """

    options: TrainOptions
    seeds: int
    path: Path
    logs: Path | None = None

    def kept(self) -> dict[int, Run]:
        """The runs that the file has, by seed; there may be more of them than ``seeds``.

        Raises
        ------
        OSError : it cannot be read. ValueError : it has no runs, or such with other options.
        """
        if not self.path.exists():
            return {}
        runs = load(self.path)
        changed = difference(runs[0].options, self.options.to_dict())
        if changed:
            raise ValueError(f"{self.path} was run with other options ({changed}): remove it or choose another folder")
        return {run.seed: run for run in runs}


def load(path: Path) -> list[Run]:
    """The runs of a file, at least one. Raises OSError : it cannot be read. ValueError : it has none."""
    values = read_json(path, "runs of amper train")
    try:
        runs = [Run.from_dict({"options": values["options"], **run}) for run in values["runs"]]
        return [runs[0], *runs[1:]]
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(
            f"{path} must be runs of amper train, and is not ({error!r}): remove it to run them again"
        ) from None


def save(path: Path, runs: Iterable[Run]) -> None:
    """Write runs of the same options, at least one, in the order of their seeds, a line each. Raises OSError."""
    ordered = [run.to_dict() for run in sorted(runs, key=lambda run: run.seed)]
    options = [run.pop("options") for run in ordered]
    write_json(path, {"options": options[0], "runs": ordered})


def run_all(plan: Sequence[Series], *, jobs: int = 1, tick: Callable[[int], object] | None = None) -> list[list[Run]]:
    """All runs, in the order of ``plan`` and of their seeds: those kept, and the others.

    The others are trained in groups of `GROUP` seeds, or fewer for all processes to have one: a group of every series
    before the next group of any, each group kept as soon as it has ended.

    Parameters
    ----------
    jobs : processes, 1 to 1024; with 1 the runs are in this one. tick : called with numbers of steps that are done.

    Raises
    ------
    ValueError, ImportError, OSError : see ``Series.kept``, for all before any run starts, and ``train``.
    """
    jobs = checked_integer("jobs", jobs, 1, 1024)
    done = tick if tick is not None else lambda steps: None
    kept = [series.kept() for series in plan]
    wanted = [range(1, series.seeds + 1) for series in plan]
    missing = [[seed for seed in seeds if seed not in runs] for seeds, runs in zip(wanted, kept, strict=True)]
    for series, seeds in zip(plan, missing, strict=True):
        done((series.seeds - len(seeds)) * series.options.steps)
    groups = _groups(missing, jobs)
    for index, runs in _here(plan, groups, done) if jobs == 1 else _elsewhere(plan, groups, jobs, done):
        kept[index].update({run.seed: run for run in runs})
        save(plan[index].path, kept[index].values())
    return [[runs[seed] for seed in seeds] for seeds, runs in zip(wanted, kept, strict=True)]


_Group = tuple[int, list[int]]  # which of the series, and seeds of it


def _groups(missing: Sequence[Sequence[int]], jobs: int) -> list[_Group]:
    """The seeds that each series misses, cut into groups."""
    size = max(1, min(GROUP, -(-sum(map(len, missing)) // jobs)))
    cut = [(at, index) for index, seeds in enumerate(missing) for at in range(0, len(seeds), size)]
    return [(index, list(missing[index][at : at + size])) for at, index in sorted(cut)]


def _here(
    plan: Sequence[Series], groups: list[_Group], done: Callable[[int], object]
) -> Iterator[tuple[int, list[Run]]]:
    for index, seeds in groups:
        yield index, _run(plan[index], seeds, done)


def _elsewhere(
    plan: Sequence[Series], groups: list[_Group], jobs: int, done: Callable[[int], object]
) -> Iterator[tuple[int, list[Run]]]:
    # Fresh processes: a fork would copy PyTorch's threads in whatever state they are.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, max(1, len(groups))), mp_context=context) as pool:
        waiting = {pool.submit(_run, plan[index], seeds): (index, seeds) for index, seeds in groups}
        try:
            for future in as_completed(waiting):
                index, seeds = waiting[future]
                yield index, future.result()
                done(len(seeds) * plan[index].options.steps)
        finally:
            pool.shutdown(cancel_futures=True)


def _run(series: Series, seeds: list[int], tick: Callable[[int], object] | None = None) -> list[Run]:
    """The runs of a group."""
    if series.logs is None:
        return train(series.options, seeds, tick=tick)
    folders = [series.logs / f"seed-{seed}" for seed in seeds]
    with ExitStack() as opened:
        logs: list[Log] = []
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)  # of a run that was interrupted
            writer = require("torch.utils.tensorboard", "train").SummaryWriter(str(folder))
            opened.callback(writer.close)
            logs.append(writer.add_scalar)
        return train(series.options, seeds, logs=logs, tick=tick)


def run_series(options: TrainOptions, seeds: int, folder: Path, *, jobs: int = 1, progress: bool = True) -> list[Run]:
    """Run the seeds 1 to ``seeds`` that the folder does not have yet, and write what they give.

    Parameters
    ----------
    jobs : processes. progress : show a bar, in steps, on standard error.

    Raises
    ------
    TypeError, ValueError : a bad option; a file of other options in the folder. ImportError : a missing package; the
    message names the extra. OSError : the folder. All before the first run starts.
    """
    seeds = checked_integer("seeds", seeds, 1, 10_000)
    for module in ("torch", "matplotlib", "scipy.stats", "tqdm", "torch.utils.tensorboard"):
        require(module, "train")
    make_env(options.env).close()
    with make_sampler(options, 0):  # that it can be had is found out before the first run
        pass
    plan = [Series(options, seeds, folder / FILE, folder / "tensorboard")]
    folder.mkdir(parents=True, exist_ok=True)
    total = seeds * options.steps
    with require("tqdm", "train").tqdm(total=total, unit="step", unit_scale=True, disable=not progress) as bar:
        (runs,) = run_all(plan, jobs=jobs, tick=bar.update)
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
