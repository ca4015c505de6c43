"""The results of ``amper bench distance`` as Markdown and as plots."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from amper import AMPER_VARIANTS, VARIANTS
from amper_lab.studies.distance import BINS, Distance, Study
from amper_report.environment import described
from amper_report.figures import COLOURS, MARKERS, figure_file
from amper_report.tables import table

_TITLES = (
    *("priorities", "mode", "target", "\\|CSP\\|/n", "scale", "to the largest", "PER's"),
    *("TV, 100 bins", "±", "noise", "KL", "TV, rows", "±", "noise", "KL, rows"),
)
RATIO_PANELS = ("uniform", "exponential")  # of the picture of ratios, where they are there


def markdown(study: Study, results: Sequence[Distance], facts: dict[str, Any]) -> str:
    """The tables, with what they were made of."""
    parts = [
        "# Distance to PER",
        f"m = {study.groups}, {study.batches} candidate sets a line, seed {study.seed}; KL in nats. Modes with amper-\n"
        f"are the software sampler's, the others bit-exact with Q = {study.priority_width}.\n"
        "distribution.md says what the columns are.",
        described(facts),
    ]
    variants = [each for each in results if each.mode in VARIANTS or each.mode == "uniform"]
    if variants:
        title = "## Which variant?\n\nShare of the draws that goes to the rows of the largest priority; PER's first:"
        per = {each.distribution: each.per_top for each in variants}
        parts += [title, _pivot(variants, lambda each: _digits(each.top), {"PER": per})]
        parts += ["Total variation from PER over 100 bins:", _pivot(variants, lambda each: _digits(each.tv))]
    for target in dict.fromkeys(each.target for each in results if each.target is not None):
        chosen = [each for each in results if each.target == target]
        title = f"## The sampler's modes, |CSP|/n = {target:g}\n\nTotal variation over 100 bins, and the mean scale:"
        parts += [title, _pivot(chosen, lambda each: f"{_digits(each.tv)} ({each.scale:.2g})")]
    return "\n\n".join([*parts, "## All lines", table(_TITLES, map(_line, results))]) + "\n"


def _pivot(
    results: Sequence[Distance], cell: Callable[[Distance], str], first: dict[str, dict[str, float]] | None = None
) -> str:
    """A line a distribution, a column a mode; ``first`` are columns before them."""
    modes = list(dict.fromkeys(each.mode for each in results))
    cells = {(each.distribution, each.mode): cell(each) for each in results}
    rows = [
        [name, *(_digits(column[name]) for column in (first or {}).values()), *(cells[name, mode] for mode in modes)]
        for name in dict.fromkeys(each.distribution for each in results)
    ]
    return table(["priorities", *(first or {}), *(_title(mode) for mode in modes)], rows)


def _title(mode: str) -> str:
    return "uniform draws" if mode == "uniform" else mode


def _line(each: Distance) -> list[str]:
    return [
        each.distribution,
        each.mode,
        *("" if value is None else f"{value:.4g}" for value in (each.target, each.share, each.scale)),
        *(_digits(value) for value in (each.top, each.per_top)),
        *_distances(each.tv, each.error, each.noise, each.kl),
        *_distances(each.row_tv, each.row_error, each.row_noise, each.row_kl),
    ]


def _distances(tv: float, error: float, noise: float, kl: float) -> list[str]:
    return [_digits(tv), _digits(error) if error else "exact", _digits(noise) if noise else "", _digits(kl)]


def _digits(value: float) -> str:
    return f"{value:.4f}" if value == 0 or abs(value) >= 0.0001 else f"{value:.0e}"


def draw_distances(results: Sequence[Distance], path: Path) -> None:
    """TV over 100 bins against |CSP|/n: a panel a distribution, a line a mode; uniform draws as a level."""
    distributions = list(dict.fromkeys(each.distribution for each in results))
    columns = min(5, len(distributions))
    lines = -(-len(distributions) // columns)
    targets = sorted({each.target for each in results if each.target is not None})
    with figure_file(path, 2.6 * columns + 0.6, 2.7 * lines + 0.8) as figure:
        grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
        for panel, distribution in zip(grid.flat, distributions, strict=False):
            _draw_panel(panel, [each for each in results if each.distribution == distribution])
            panel.set_title(distribution, fontsize=10)
            panel.set_xscale("log")
            panel.set_yscale("log")
            panel.set_xticks(targets, [f"{target:g}" for target in targets])
            panel.minorticks_off()
            panel.grid(alpha=0.3)
        for panel in list(grid.flat)[len(distributions) :]:
            panel.set_axis_off()
        for panel in grid[-1]:
            panel.set_xlabel("target of |CSP|/n")
        figure.legend(*grid.flat[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
        figure.supylabel("total variation from PER, 100 bins", fontsize=10)


def _draw_panel(panel: Any, results: Sequence[Distance]) -> None:
    modes = list(dict.fromkeys(each.mode for each in results if each.target is not None))
    for at, mode in enumerate(modes):
        found = [each for each in results if each.mode == mode]
        panel.errorbar(
            [each.target for each in found],
            [each.tv for each in found],
            [each.error for each in found],
            label=mode,
            color=COLOURS[at],
            marker=MARKERS[at],
            ms=4,
            linewidth=1.2,
        )
    for each in results:
        if each.mode == "uniform":
            panel.axhline(each.tv, color="0.4", linestyle="--", linewidth=1, label="uniform draws")


def draw_ratios(results: Sequence[Distance], path: Path) -> None:
    """Each bin's probability over PER's, of the variants with candidate sets: 1 is PER."""
    chosen = [each for each in results if each.mode in AMPER_VARIANTS]
    panels = [name for name in RATIO_PANELS if any(each.distribution == name for each in chosen)]
    if not panels:
        return
    with figure_file(path, 7.5, 3.2 * len(panels)) as figure:
        grid = figure.subplots(len(panels), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
        for panel, name in zip(grid, panels, strict=True):
            panel.axhline(1, color="0.6", linewidth=1)
            for each in chosen:
                if each.distribution == name:
                    colour = COLOURS[AMPER_VARIANTS.index(each.mode)]
                    middle = (np.arange(BINS) + 0.5) / BINS
                    panel.plot(middle, each.bins, color=colour, label=f"{each.mode}, TV {each.tv:.3f}", linewidth=1.4)
            panel.set_title(f"{name} priorities")
            panel.set_ylabel("probability / PER's")
            panel.set_ylim(0.3, 1.7)
            panel.grid(alpha=0.3)
            panel.legend(loc="lower right", ncols=2)
        grid[-1].set_xlabel("rows by ascending priority, in 100 bins")
