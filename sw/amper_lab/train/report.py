"""The tables and pictures of docs/measurements/reproduce.md, from the results in a folder."""

from __future__ import annotations

import math
import textwrap
from pathlib import Path

from amper_lab.train import cliffwalk, plots
from amper_lab.train.control import CLAIM_SEEDS, MARGIN, RANGES, SAMPLERS, SETTINGS, sampler_of
from amper_lab.train.loop import Run
from amper_lab.train.runs import load
from amper_lab.train.statistics import (
    Interval,
    Tasks,
    difference_of_means,
    interquartile_mean,
    median_interval,
    probability_of_improvement,
)
from amper_report.tables import table
from amper_spec.checks import checked_choice

CLIFFWALK_FILE = "cliffwalk.json"
# What a page has between <!-- NAME --> and <!-- end of NAME -->.
PARTS = ("cliffwalk", "control", "claims", "settings", "curves")


def tables(folder: Path) -> dict[str, str]:
    """Markdown of every table that there are results for, by name.

    Raises OSError, ValueError : a file that is no result.
    """
    made = {}
    path = folder / CLIFFWALK_FILE
    if path.exists():
        made["cliffwalk"] = cliffwalk_table(cliffwalk.load(path))
    runs = control_runs(folder)
    if runs:
        made["control"] = control_table(runs)
        made["claims"] = claims(runs)
        made["settings"] = settings_table(runs)
    return made


def curves(folder: Path) -> str:
    """Markdown that shows the pictures of runs, for a page in a folder beside the folder "pictures"."""
    runs = control_runs(folder)
    shown = []
    for env, rows in dict.fromkeys(key[:2] for key in runs):
        shown.append(f"![Learning curves on {env}](../pictures/{_curve(env, rows)})")
        if _has_profile(runs, env, rows):
            shown.append(f"![Performance profiles on {env}](../pictures/{_profile(env, rows)})")
    return "\n\n".join(shown)


def control_runs(folder: Path) -> dict[tuple[str, int, str], list[Run]]:
    """The runs by environment, replay size and sampler, in the order of the table; seeds in ascending order."""
    runs: dict[tuple[str, int, str], list[Run]] = {}
    for path in (folder / "runs").glob("*.json"):
        kept = load(path)
        options = kept[0].options
        runs[str(options["env"]), int(options["rows"]), sampler_of(options)] = kept
    envs, samplers = list(SETTINGS), list(SAMPLERS)
    order = sorted(runs, key=lambda key: (envs.index(key[0]), key[1], samplers.index(key[2])))
    return {key: runs[key] for key in order}


def control_table(runs: dict[tuple[str, int, str], list[Run]]) -> str:
    """Score of every environment, replay size and sampler: interquartile mean over the seeds, also against PER's."""
    titles = (
        "environment", "replay size", "sampler", "seeds", "interquartile mean", "95 % interval", "less PER's",
        "better than PER", "least and largest seed",
    )  # fmt: skip
    scores = {key: [run.score() for run in kept] for key, kept in runs.items()}
    lines: list[list[object]] = []
    for (env, rows, sampler), found in scores.items():
        per = scores.get((env, rows, "per"))
        form = _form(env)
        line = _compared(sampler, [found], None if per is None else [per], (form, ".2f"))
        lines.append([env, f"{rows:,}", *line, f"{min(found):{form}}, {max(found):{form}}"])
    return table(titles, lines + _over_all(scores))


def claims(runs: dict[tuple[str, int, str], list[Run]]) -> str:
    """For every task, which samplers learn like PER within the margin, which do not, and of which nothing is known."""
    scores = {key: [run.score() for run in kept] for key, kept in runs.items()}
    lines = []
    for env, rows in dict.fromkeys(key[:2] for key in scores):
        low, high = RANGES[env]
        margin = MARGIN * (high - low)
        per = scores.get((env, rows, "per"), [])
        found: dict[str, list[str]] = {}
        for (of_env, of_rows, sampler), values in scores.items():
            if (of_env, of_rows) != (env, rows) or sampler == "per":
                continue
            seeds = min(len(values), len(per))
            if seeds < CLAIM_SEEDS:
                found.setdefault(FEW, []).append(f"{sampler} {seeds}")
            else:
                interval = difference_of_means([values], [per])
                found.setdefault(verdict(interval, margin), []).append(f"{sampler} {_ends(interval, _form(env))}")
        told = "; ".join(f"{word}: {', '.join(found[word])}" for word in (*VERDICTS, FEW) if word in found)
        lines.append(f"- {env}, margin {margin:g}: {told}.")
    return "\n".join(textwrap.fill(line, 120, subsequent_indent="  ", break_on_hyphens=False) for line in lines)


LIKE, OTHER, OPEN = VERDICTS = ("like PER", "not like PER", "not decided")
FEW = f"nothing is claimed of fewer than {CLAIM_SEEDS} seeds"


def verdict(interval: Interval, margin: float) -> str:
    """Of a difference to PER: within the margin, outside of it, or neither."""
    if -margin <= interval.low and interval.high <= margin:
        return LIKE
    return OTHER if interval.low > margin or interval.high < -margin else OPEN


def _form(env: str) -> str:
    """How scores of a task are shown: to less than a hundredth of its range."""
    low, high = RANGES[env]
    return ".1f" if high - low > 10 else ".3f"


def _compared(sampler: str, found: Tasks, per: Tasks | None, forms: tuple[str, str]) -> list[str | int]:
    """Sampler, seeds, interquartile mean, its interval, and what it is beside PER's."""
    interval = interquartile_mean(found)
    line: list[str | int] = [sampler, sum(map(len, found)), f"{interval.value:{forms[0]}}", _ends(interval, forms[0])]
    if per is None or sampler == "per":
        return [*line, "", ""]
    better = probability_of_improvement(found, per)
    return [*line, _with_ends(difference_of_means(found, per), forms[0]), _with_ends(better, forms[1])]


def _over_all(scores: dict[tuple[str, int, str], list[float]]) -> list[list[object]]:
    """A line a sampler over its tasks with enough seeds, where 0 is unlearned and 1 learned; none of a single task.

    It is compared with PER over the same tasks.
    """
    scores = {key: found for key, found in scores.items() if len(found) >= CLAIM_SEEDS}
    tasks = list(dict.fromkeys(key[:2] for key in scores))
    scaled = {}
    for (env, rows, sampler), found in scores.items():
        low, high = RANGES[env]
        scaled[env, rows, sampler] = [(score - low) / (high - low) for score in found]
    lines: list[list[object]] = []
    for sampler in SAMPLERS:
        own = [task for task in tasks if (*task, sampler) in scaled]
        if len(own) < 2:
            continue
        groups = [scaled[*task, sampler] for task in own]
        per = [scaled[*task, "per"] for task in own] if all((*task, "per") in scaled for task in own) else None
        ends = f"{min(map(min, groups)):.2f}, {max(map(max, groups)):.2f}"
        lines.append([f"{len(own)} tasks, 0 to 1", "", *_compared(sampler, groups, per, (".2f", ".2f")), ends])
    return lines


def settings_table(runs: dict[tuple[str, int, str], list[Run]]) -> str:
    """What the runs of an environment have in common, and what they cost."""
    names = (
        "steps", "updates", "batch", "lr", "discount", "double", "hidden", "warmup", "update_every", "target_period",
        "explore_last", "explore_part", "alpha", "beta", "evaluations", "episodes",
    )  # fmt: skip
    envs = {env: [run for key, kept in runs.items() if key[0] == env for run in kept] for env in SETTINGS}
    shown = {env: kept for env, kept in envs.items() if kept}
    first = [{**kept[0].options, "updates": kept[0].points[-1].updates} for kept in shown.values()]
    lines = [[name, *(options[name] for options in first)] for name in names]
    seconds = [sum(run.seconds for run in kept) / len(kept) for kept in shown.values()]
    lines.append(["processor seconds a run, mean", *(f"{value:.0f}" for value in seconds)])
    return table(["", *shown], lines)


def cliffwalk_table(cells: list[cliffwalk.Cell]) -> str:
    """Median updates of every setting and size, its interval, and its ratio to PER's."""
    sizes = sorted({cell.states for cell in cells})
    lines = []
    per = {cell.states: _median(cell).value for cell in cells if cell.setting == cliffwalk.PER}
    by_key = {(cell.setting, cell.states): cell for cell in cells}
    for setting in dict.fromkeys(cell.setting for cell in cells):
        shown = []
        for size in sizes:
            cell = by_key.get((setting, size))
            shown.append("" if cell is None else _needed(cell, per.get(size)))
        lines.append([setting.sampler, setting.scale_name, *shown])
    return table(["sampler", "scale", *(f"{(2 << size) - 2:,} transitions" for size in sizes)], lines)


def pictures(folder: Path, output: Path) -> list[Path]:
    """Draw learning curves and the cliffwalk's medians; returns the files.

    Raises OSError, ValueError : a file that is no result, or cannot be written.
    """
    output.mkdir(parents=True, exist_ok=True)
    made = []
    path = folder / CLIFFWALK_FILE
    if path.exists():
        medians: dict[str, dict[int, float]] = {}
        for cell in cliffwalk.load(path):
            median = _median(cell).value
            if cell.setting in cliffwalk.SHOWN and math.isfinite(median):
                medians.setdefault(cell.setting.sampler, {})[cell.transitions] = median
        made.append(output / "cliffwalk.svg")
        plots.cliffwalk(medians, made[-1])
    runs = control_runs(folder)
    for env, rows in dict.fromkeys(key[:2] for key in runs):
        chosen = {key[2]: kept for key, kept in runs.items() if key[:2] == (env, rows)}
        made.append(output / _curve(env, rows))
        plots.learning(chosen, f"{env}, replay size {rows:,}", made[-1])
        if _has_profile(runs, env, rows):
            made.append(output / _profile(env, rows))
            scores = {name: [run.score() for run in kept] for name, kept in chosen.items()}
            plots.profiles(scores, RANGES[env], f"{env}, replay size {rows:,}", made[-1])
    return made


def put_into_page(page: str, made: dict[str, str]) -> str:
    """The page with these of its ``PARTS`` replaced.

    Raises ValueError : the page lacks the marks of one.
    """
    for name, text in made.items():
        checked_choice("part", name, PARTS)
        start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        if page.count(start) != 1 or page.count(end) != 1:
            raise ValueError(f"the page must have {start} and {end} once each")
        before, rest = page.split(start)
        page = f"{before}{start}\n{text}\n{end}{rest.split(end)[1]}"
    return page


def _curve(env: str, rows: int) -> str:
    """Name of the picture."""
    return f"learning-{env}-{rows}.svg"


def _profile(env: str, rows: int) -> str:
    """Name of the picture."""
    return f"profiles-{env}-{rows}.svg"


def _has_profile(runs: dict[tuple[str, int, str], list[Run]], env: str, rows: int) -> bool:
    """Whether there are enough seeds for intervals."""
    return min(len(kept) for key, kept in runs.items() if key[:2] == (env, rows)) >= 4


def _median(cell: cliffwalk.Cell) -> Interval:
    return median_interval([math.inf if each is None else each for each in cell.updates])


def _needed(cell: cliffwalk.Cell, per: float | None) -> str:
    """ "1,250 [1,100, 1,300], 1.09x" """
    median = _median(cell)
    if math.isinf(median.value):
        failed = sum(each is None for each in cell.updates)
        return f"never: {failed} of {len(cell.updates)} seeds above {cliffwalk.LIMIT * cell.transitions:,}"
    ratio = "" if per is None or cell.setting == cliffwalk.PER else f", {median.value / per:.2f}x"
    return f"{median.value:,.0f} {_ends(median, ',.0f')}{ratio}"


def _with_ends(interval: Interval, form: str) -> str:
    """ "0.62 [0.45, 0.78]" """
    return f"{interval.value:{form}} {_ends(interval, form)}"


def _ends(interval: Interval, form: str) -> str:
    return "[" + ", ".join(_end(value, form) for value in (interval.low, interval.high)) + "]"


def _end(value: float, form: str) -> str:
    return "-" if math.isinf(value) else format(value, form)
