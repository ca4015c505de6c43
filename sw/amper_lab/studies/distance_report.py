"""The results of ``amper bench distance`` as Markdown and as a plot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from amper_lab.studies.distance import Distance
from amper_report.environment import described
from amper_report.figures import COLOURS, MARKERS, figure_file
from amper_report.tables import filled, table

_TITLES = (
    "priorities",
    "mode",
    "target",
    "\\|CSP\\|/n",
    "scale",
    "TV, 100 bins",
    "±",
    "noise",
    "KL",
    "TV, rows",
    "±",
    "noise",
    "KL, rows",
    "TV of pi",
)


def markdown(options: dict[str, Any], results: Sequence[Distance], facts: dict[str, Any]) -> str:
    """The table, with what it was made of."""
    rows = [
        [
            each.distribution,
            each.mode,
            *(_optional(value) for value in (each.target, each.share, each.scale)),
            *_distances(each.tv, each.error, each.noise, each.kl),
            *_distances(each.row_tv, each.row_error, each.row_noise, each.row_kl),
            _optional(each.inclusion_tv),
        ]
        for each in results
    ]
    return filled(
        f"# Distance to PER\n\nm = {options['groups']}, {options['batches']} candidate sets an AMPER line, seed "
        f"{options['seed']}; KL in nats. docs/reference/distribution.md says what the columns are.\n\n"
        f"{described(facts)}\n\n"
        f"{table(_TITLES, rows)}\n"
    )


def draw_distances(results: Sequence[Distance], path: Path) -> None:
    """TV over 100 bins against |CSP|/n: a panel a distribution, a line a mode; uniform draws as a level."""
    distributions = list(dict.fromkeys(each.distribution for each in results))
    columns = min(3, len(distributions))
    lines = -(-len(distributions) // columns)
    with figure_file(path, 3.6 * columns, 3.2 * lines + 0.6) as figure:
        grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
        for panel, distribution in zip(grid.flat, distributions, strict=False):
            _draw_panel(panel, [each for each in results if each.distribution == distribution])
            panel.set_title(distribution, fontsize=10)
        for panel in grid[-1]:
            panel.set_xlabel("|CSP|/n that the scale adapts to")
        handles, labels = grid.flat[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=5)
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
    panel.set_xscale("log")
    panel.set_yscale("log")
    targets = sorted({each.target for each in results if each.target is not None})
    panel.set_xticks(targets, [f"{target:g}" for target in targets])
    panel.minorticks_off()
    panel.grid(alpha=0.3)


def _distances(tv: float, error: float, noise: float, kl: float) -> list[str]:
    return [_digits(tv), _digits(error) if error else "exact", _digits(noise) if noise else "", _digits(kl)]


def _digits(value: float) -> str:
    return f"{value:.4f}" if value == 0 or abs(value) >= 0.0001 else f"{value:.0e}"


def _optional(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
