"""Pictures: learning curves with their bands, and the updates that the Blind Cliffwalk takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from amper_lab.train.loop import Run
from amper_lab.train.statistics import Interval, mean_interval, performance_profile
from amper_report.figures import figure_file

# Colours that the colour-blind can tell apart; one a sampler, in every picture.
COLOURS = {
    "uniform": "#999999",
    "per": "#000000",
    "exact": "#CC79A7",
    "amper-fr-dithered": "#0072B2",
    "amper-fr": "#56B4E9",
    "amper-fr-prefix": "#D55E00",
    "amper-k": "#009E73",
}
_figure = partial(figure_file, font_size=11)


def learning(runs: Mapping[str, Sequence[Run]], title: str, path: Path) -> None:
    """Mean return over the seeds, with its 95 % interval as a band; a panel for each sampler, with PER's mean in all.

    Parameters
    ----------
    runs : of each sampler, all with the same steps. path : of the SVG file.
    """
    with _panels(path, len(runs)) as (figure, panels):
        for panel, (name, kept) in zip(panels, runs.items(), strict=True):
            if name != "per" and "per" in runs:
                _curve(panel, runs["per"], COLOURS["per"], "--", "per")
            _curve(panel, kept, COLOURS[name], "-", f"{name}, {len(kept)} {'seed' if len(kept) == 1 else 'seeds'}")
            _band(panel, kept, COLOURS[name])
            panel.grid(alpha=0.3)
            panel.legend(fontsize="small", loc="best")
        # The bands, but those of few seeds reach beyond any return that there can be: then the seeds' range.
        means = [point.mean for kept in runs.values() for run in kept for point in run.points]
        bands = [each for kept in runs.values() for each in _intervals(kept)]
        low = max(min(means), min(each.low for each in bands))
        high = min(max(means), max(each.high for each in bands))
        margin = 0.05 * (high - low) or 1.0
        panels[0].set_ylim(low - margin, high + margin)
        figure.suptitle(title)
        figure.supxlabel("environment steps")
        figure.supylabel("return, mean and 95 % interval")


def profiles(
    scores: Mapping[str, Sequence[float]], ends: tuple[float, float], title: str, path: Path, *, points: int = 51
) -> None:
    """The part of the runs above a score, over the score, with 95 % bands; PER and each other sampler in a panel."""
    names = [name for name in scores if name != "per"] or list(scores)
    levels = [ends[0] + (ends[1] - ends[0]) * at / (points - 1) for at in range(points)]
    found = {name: performance_profile([values], levels) for name, values in scores.items()}
    with _panels(path, len(names)) as (figure, panels):
        for panel, name in zip(panels, names, strict=True):
            for shown in dict.fromkeys(("per", name) if "per" in found else (name,)):
                colour, bands = COLOURS[shown], found[shown]
                panel.step(levels, [each.value for each in bands], color=colour, label=shown, linewidth=1.2)
                lows, highs = [each.low for each in bands], [each.high for each in bands]
                panel.fill_between(levels, lows, highs, color=colour, alpha=0.2, linewidth=0)
            panel.grid(alpha=0.3)
            panel.legend(fontsize="small", loc="best")
        figure.suptitle(title)
        figure.supxlabel("score")
        figure.supylabel("part of the runs above it")


@contextmanager
def _panels(path: Path, count: int) -> Iterator[tuple[Any, list[Any]]]:
    """A figure and ``count`` panels of it with the same axes, in rows of three."""
    columns = min(3, count)
    rows = -(-count // columns)
    with _figure(path, max(6.0, 3.3 * columns), 1.0 + 2.7 * rows) as figure:
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for at in range(count, rows * columns):
            grid.flat[at].remove()
            grid.flat[at - columns].tick_params(labelbottom=True)  # of the panel above it, which is now the lowest
        grid[0, 0].locator_params(axis="x", nbins=5)  # of all: more labels would touch the next panel's
        yield figure, list(grid.flat[:count])


def _curve(panel: Any, kept: Sequence[Run], colour: str, style: str, label: str) -> None:
    steps = [point.step for point in kept[0].points]
    values = [each.value for each in _intervals(kept)]
    panel.plot(steps, values, style, color=colour, label=label, linewidth=1.2)


def _band(panel: Any, kept: Sequence[Run], colour: str) -> None:
    if len(kept) > 1:
        intervals = _intervals(kept)
        low, high = [each.low for each in intervals], [each.high for each in intervals]
        panel.fill_between([point.step for point in kept[0].points], low, high, color=colour, alpha=0.2, linewidth=0)


def _intervals(kept: Sequence[Run]) -> list[Interval]:
    """Of the mean return at each evaluation."""
    return [mean_interval([run.points[at].mean for run in kept]) for at in range(len(kept[0].points))]


def cliffwalk(medians: Mapping[str, Mapping[int, float]], path: Path) -> None:
    """Median updates over the transitions in the memory, for each sampler; both axes are logarithmic."""
    with _figure(path, 6.5, 4.5) as figure:
        panel = figure.subplots()
        for name, points in medians.items():
            sizes = sorted(points)
            panel.plot(sizes, [points[size] for size in sizes], "o-", color=COLOURS[name], label=name, linewidth=1.5)
        ticks = sorted({size for points in medians.values() for size in points})
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.set_xticks(ticks, [f"{size}" for size in ticks])
        panel.set_xticks([], minor=True)
        panel.set_xlabel("transitions in the memory")
        panel.set_ylabel("updates to MSE < 0.001, median")
        panel.grid(alpha=0.3)
        panel.legend(fontsize="small")
