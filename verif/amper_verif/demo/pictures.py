"""Pictures of the demo's page, as SVG text to put into HTML."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from amper import AmperConfig
from amper_report.figures import COLOURS, figure_text
from amper_verif.demo.replay import BINS, Replay, shares

BLUE, ORANGE, GREEN = COLOURS[:3]
GREY = "#555555"
BOOTSTRAPS = 400

_figure = partial(figure_text, font_size=11)


def draw_shares(exact: Replay, others: dict[str, Replay]) -> str:
    """Who is drawn: shares by priority, and what is drawn divided by what PER draws.

    Parameters
    ----------
    exact : what the demo simulates. others : the same with the variants of AMPER, for the lower panel.
    """
    middle = (np.arange(BINS) + 0.5) / BINS
    name = exact.config.variant
    with _figure(9, 7.5) as (figure, svg):
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        upper.bar(middle, exact.rows.mean(axis=0), width=0.9 / BINS, color="0.85", label="rows (uniform replay)")
        upper.step(*_staircase(exact.per.mean(axis=0)), color=GREY, where="post", label="PER, p / sum(p), expected")
        upper.plot(
            middle, shares(exact.trace_draws), "s", color=ORANGE, ms=6, mfc="none", label="PER, the agent's own draws"
        )
        upper.plot(middle, shares(exact.draws), "o", color=BLUE, ms=5, label=f"draws of variant {name}")
        upper.set_yscale("log")
        upper.set_ylim(top=1)  # room for the legend
        upper.set_ylabel("share of all draws, or of all rows (log)")
        amount = f"{len(exact.valid)} batches, {exact.draws.sum():,} draws"
        upper.set_title(f"Who is drawn: {amount}, rows by their priority at that moment")
        upper.grid(alpha=0.3)
        upper.legend(loc="upper right", ncols=2)

        lower.axhline(1, color=GREY, linewidth=1)
        for (label, run), colour in zip({name: exact, **others}.items(), (BLUE, *COLOURS[1:]), strict=False):
            ratio, low, high = _ratio(run)
            lower.plot(middle, ratio, "o-", color=colour, ms=4, linewidth=1.2, label=label)
            lower.fill_between(middle, low, high, color=colour, alpha=0.2, linewidth=0)
        lower.set_ylabel("draws / PER's")
        lower.set_xlabel(f"priority / largest priority at that moment, {BINS} bins")
        lower.set_xlim(0, 1)
        lower.set_ylim(bottom=0)
        lower.set_xticks(np.linspace(0, 1, 11))
        lower.grid(alpha=0.3)
        lower.legend(loc="lower left", ncols=5, title="shaded: 95 % of resampled batches")
    return svg[0]


def _staircase(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.linspace(0, 1, BINS + 1), np.append(values, values[-1])


def _ratio(replay: Replay) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """(BINS,) share of draws over PER's, and where 95 % of it lie when batches are resampled.

    Whole batches: the draws of one come from one candidate set and are not independent.
    """
    batches = len(replay.valid)
    weights = np.random.default_rng(1).multinomial(batches, np.full(batches, 1 / batches), size=BOOTSTRAPS)
    drawn = weights @ replay.draws
    # A bin without a row in any batch has no ratio; matplotlib leaves NaN out.
    per = np.where(replay.per.mean(axis=0) > 0, replay.per.mean(axis=0), np.nan)
    resampled = drawn / drawn.sum(axis=1, keepdims=True) / per
    low, high = np.percentile(resampled, (2.5, 97.5), axis=0)
    return shares(replay.draws) / per, low, high


def csp_over_time(replay: Replay) -> str:
    """|CSP|/n batch by batch, with what the distribution of the priorities lets one expect."""
    batch = np.arange(1, len(replay.valid) + 1)
    normal, share = ~replay.fallback, 100 * replay.csp_share
    expected = 100 * replay.expected_csp_share
    with _figure(9, 4) as (figure, svg):
        axes = figure.subplots()
        axes.plot(batch[normal], share[normal], ".", color=BLUE, ms=5, label="|CSP|/n of a batch")
        axes.plot(batch, expected, color=ORANGE, label="2 λ' · mean priority / largest priority")
        axes.axhline(
            100 * replay.config.radius_scale, color=GREY, ls="--", label="λ': what uniform priorities would give"
        )
        if replay.fallback.any():
            label = "CSP empty: drawn from all valid rows"
            axes.plot(batch[replay.fallback], share[replay.fallback], "v", color=GREEN, clip_on=False, label=label)
        axes.set_yscale("log")
        ticks = (1, 2, 5, 10, 20, 50, 100)
        axes.set_ylim(min(1, 0.8 * share.min()), 100)
        axes.set_yticks(ticks, [f"{tick} %" for tick in ticks])
        axes.minorticks_off()
        axes.set_xlim(0, len(batch) + 1)
        axes.set_xlabel("batch, in the order of the trace")
        axes.set_ylabel("|CSP| / valid rows (log)")
        axes.set_title(f"Size of the candidate set of {replay.config.variant}")
        axes.grid(alpha=0.3)
        axes.legend(loc="upper right")
    return svg[0]


def waveform(report: dict[str, Any], config: AmperConfig) -> str:
    """The handshakes of the bench ``waveform`` as a timing diagram, one column a clock cycle."""
    cycles: list[dict[str, Any]] = report["cycles"]
    with _figure(0.29 * len(cycles) + 2, 4.9) as (figure, svg):
        axes = figure.subplots()
        names = _lanes(axes, cycles)
        _phases(axes, cycles, config, height=len(names))
        first = _when(cycles, "request")[0]
        axes.set_xlim(0, len(cycles))
        axes.set_ylim(-0.2, len(names) + 1.35)
        axes.set_yticks([len(names) - index - 0.5 for index in range(len(names))], names)
        ticks = range(first % 5, len(cycles), 5)
        axes.set_xticks([tick + 0.5 for tick in ticks], [str(tick - first) for tick in ticks])
        axes.tick_params(left=False)
        axes.set_xlabel("clock cycles since the request was taken")
        for side in ("left", "right", "top"):
            axes.spines[side].set_visible(False)
    return svg[0]


def _when(cycles: list[dict[str, Any]], key: str) -> list[int]:
    return [index for index, cycle in enumerate(cycles) if cycle[key] is not None]


def _lanes(axes: Axes, cycles: list[dict[str, Any]]) -> list[str]:
    """Draw the signals from top to bottom; returns their names."""

    def texts(key: str, field: str | None = None) -> list[str | None]:
        values = [cycle[key] for cycle in cycles]
        return [None if value is None else str(value if field is None else value[field]) for value in values]

    buses: dict[str, tuple[list[str | None], str]] = {
        "write: row": (texts("write", "row"), GREY),
        "request: batch": (texts("request"), GREEN),
        "busy": ([None] * len(cycles), GREY),
        "draw: plane": (texts("plane"), ORANGE),
        "draw: rank in it": (texts("select"), BLUE),
        "result: row": (texts("result", "row"), BLUE),
        "result: priority": (texts("result", "priority"), BLUE),
        "result: last": ([None] * len(cycles), GREY),
    }
    bits = {
        "busy": [cycle["busy"] for cycle in cycles],
        "result: last": [int(bool(cycle["result"] and cycle["result"]["last"])) for cycle in cycles],
    }
    for index, (name, (labels, colour)) in enumerate(buses.items()):
        low = len(buses) - index - 0.85
        if name in bits:
            levels = [low + 0.7 * bit for bit in bits[name]]
            axes.step(range(len(levels) + 1), [*levels, levels[-1]], where="post", color=colour, linewidth=1.2)
        else:
            _bus(axes, low, labels, colour)
    return list(buses)


def _bus(axes: Axes, low: float, labels: list[str | None], colour: str) -> None:
    """Boxes where there is a value, a line in the middle where there is none."""
    for at, label in enumerate(labels):
        if label is None:
            axes.plot((at, at + 1), (low + 0.35, low + 0.35), color="0.75", linewidth=1)
            continue
        outline = (
            (at, at + 0.12, at + 0.88, at + 1, at + 0.88, at + 0.12),
            [low + 0.35, *[low + 0.7] * 2, low + 0.35, low, low],
        )
        axes.fill(*outline, facecolor=colour, alpha=0.18, edgecolor="none")
        axes.fill(*outline, fill=False, edgecolor=colour, linewidth=1)
        axes.text(at + 0.5, low + 0.33, label, ha="center", va="center", fontsize=8 if len(label) < 3 else 6.5)


def _phases(axes: Axes, cycles: list[dict[str, Any]], config: AmperConfig, *, height: int) -> None:
    """Where the b + c cycles go, above the signals."""
    request, planes, results = (_when(cycles, key) for key in ("request", "plane", "result"))
    borders = [request[0] + 1, planes[0], planes[-1] + 1, results[-1] + 1]
    names = ("word x T, choose plane", f"b = {config.batch} draws", "rank, select, read, queue")
    constant = 0
    for name, begin, end in zip(names, borders, borders[1:], strict=False):
        counted = " = " in name
        constant += 0 if counted else end - begin
        colour = BLUE if counted else GREY
        axes.axvspan(begin, end, color=colour, alpha=0.09 if counted else 0.03, linewidth=0)
        for border in (begin, end):
            axes.axvline(border, color="0.6", linewidth=0.7, linestyle=":")
        axes.annotate(
            "",
            (end, height + 0.2),
            (begin, height + 0.2),
            arrowprops={"arrowstyle": "<->", "color": colour, "shrinkA": 0, "shrinkB": 0},
        )
        label = name if counted else f"{name}\n({end - begin} cycles)"
        axes.text((begin + end) / 2, height + 0.3, label, ha="center", va="bottom", fontsize=8.5, color=colour)
    axes.set_title(
        f"One batch: b + c = {config.batch} + {constant} = {borders[-1] - borders[0]} cycles",
        fontsize=11,
    )
