"""``amper reproduce``: the experiments of docs/measurements/reproduce.md."""

from __future__ import annotations

import argparse
from pathlib import Path

from amper_cli.arguments import folder, names, source
from amper_cli.errors import reporting

DESCRIPTION = """\
Run the experiments of docs/measurements/reproduce.md and print their tables.

  cliffwalk   Blind Cliffwalk (Schaul et al. 2016): updates that every sampler needs;
              3 sizes, 50 seeds, about 2 minutes of one core
  control     DQN on CartPole-v1, Acrobot-v1, LunarLander-v3 and a frozen lake with every
              sampler; 5 seeds, about half an hour of one core; --jobs shares it out
  report      only the tables and, with --pictures, the pictures of the results there are
  all         both experiments and the tables (default)

What the folder has already is not run again: an interrupted command goes on when it is
given again. Needs PyTorch, Gymnasium and more: pip install 'amper[train]'
"""

EXAMPLES = """\
example:
  amper reproduce control --envs CartPole-v1 --samplers per,amper-k --seeds 3 --jobs 2
  amper reproduce report -o docs/measurements/results/reproduce --page docs/measurements/reproduce.md \\
    --pictures docs/pictures
"""

SUBJECTS = ("all", "cliffwalk", "control", "report")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    parser.add_argument("what", nargs="?", choices=SUBJECTS, default="all", help="the experiment (default all)")
    parser.add_argument(
        "-o", "--output", type=folder, default=Path("build/reproduce"), metavar="DIR",
        help="folder for the results (default %(default)s)",
    )  # fmt: skip
    parser.add_argument("--seeds", type=int, metavar="N", help="seeds 1 to N (default 50 of cliffwalk, 5 of control)")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes for control (default 1)")
    parser.add_argument("--envs", type=names, metavar="E,E", help="environments of control (default all four)")
    parser.add_argument("--samplers", type=names, metavar="S,S", help="samplers of control (default all seven)")
    parser.add_argument("--rows", type=int, metavar="N", help="replay size of control (default the task's)")
    parser.add_argument(
        "--page", type=source, metavar="FILE.md", help="put the tables into this page, between its marks"
    )
    parser.add_argument("--pictures", type=folder, metavar="DIR", help="draw the pictures into this folder")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=run)


@reporting("reproduce", "train", resumes=True)
def run(options: argparse.Namespace) -> int:
    """Run what is missing and print the tables.

    Returns
    -------
    0; 2 after an error message on standard error: a bad option, a missing package, results of other options; 130
    after an interruption.
    """
    if options.what in ("all", "cliffwalk"):
        _cliffwalk(options)
    if options.what in ("all", "control"):
        _control(options)
    _report(options)
    return 0


def _cliffwalk(options: argparse.Namespace) -> None:
    from amper.support.extras import require
    from amper_lab.train import cliffwalk
    from amper_lab.train.report import CLIFFWALK_FILE

    tqdm = require("tqdm", "train").tqdm
    require("scipy.stats", "train")
    seeds = cliffwalk.SEEDS if options.seeds is None else options.seeds
    with tqdm(total=len(cliffwalk.plan()) * seeds, desc="cliffwalk", unit="walk", disable=options.quiet) as bar:
        cliffwalk.measure(options.output / CLIFFWALK_FILE, seeds=seeds, tick=bar.update)


def _control(options: argparse.Namespace) -> None:
    from amper.support.extras import require
    from amper_lab.train import control
    from amper_lab.train.environments import make_env
    from amper_lab.train.runs import run_all

    chosen = {name: getattr(options, name) for name in ("envs", "samplers", "seeds")}
    given = {name: value for name, value in chosen.items() if value is not None}
    plan = control.plan(options.output, rows=options.rows, **given)
    for module in ("torch", "scipy.stats"):
        require(module, "train")
    for env in {series.options.env for series in plan}:
        make_env(env).close()  # what it needs is missed now, not after an hour
    total = sum(series.seeds * series.options.steps for series in plan)
    tqdm = require("tqdm", "train").tqdm
    with tqdm(total=total, desc="control", unit="step", unit_scale=True, disable=options.quiet) as bar:
        run_all(plan, jobs=options.jobs, tick=bar.update)


def _report(options: argparse.Namespace) -> None:
    from amper_lab.train import report

    made = report.tables(options.output)
    if not made:
        raise ValueError(f"output must hold results for a report, and {options.output} holds none")
    if options.page is not None:
        parts = {**made, "curves": report.curves(options.output)}
        page = report.put_into_page(options.page.read_text(encoding="utf-8"), parts)
        options.page.write_text(page, encoding="utf-8")
    if options.pictures is not None:
        report.pictures(options.output, options.pictures)
    print("\n\n".join(f"{name}\n\n{table}" for name, table in made.items()))
