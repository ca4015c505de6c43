"""Plots of the benchmarks, as SVG files that are the same bytes for the same data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from amper_lab.bench.software import Plan, Results
from amper_lab.bench.timing import OPERATIONS
from amper_report.figures import COLOURS, MARKERS, figure_file


def draw_times(plan: Plan, results: Results, path: Path) -> None:
    """Microseconds a call over n, both logarithmic: a column of panels an operation, a line a payload."""
    with figure_file(path, 11, 4.2 * len(plan.payloads) + 0.6) as figure:
        panels = figure.subplots(len(plan.payloads), len(OPERATIONS), sharex=True, squeeze=False)
        names = list(dict.fromkeys(line["contestant"] for line in results.times))
        ours = [name for name in names if name.startswith("amper")]
        styles = {name: _style(name, ours, [each for each in names if each not in ours]) for name in names}
        for line_of_panels, payload in zip(panels, plan.payloads, strict=True):
            for panel, operation in zip(line_of_panels, OPERATIONS, strict=True):
                _draw_panel(panel, results, payload, operation, styles)
                panel.set_title(f"{operation}, {'with' if payload else 'without'} transitions", fontsize=10)
        for panel in panels[-1]:
            panel.set_xlabel("rows n")
        for line_of_panels in panels:
            line_of_panels[0].set_ylabel("µs a call")
        handles: dict[str, Any] = {}
        for panel in panels.flat:
            handles.update(dict(zip(*reversed(panel.get_legend_handles_labels()), strict=True)))
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4)


def _style(name: str, ours: list[str], peers: list[str]) -> dict[str, Any]:
    mine = name in ours
    at = (ours if mine else peers).index(name)
    colour = COLOURS[at % len(COLOURS)]
    return {"color": colour, "marker": MARKERS[at % len(MARKERS)], "linestyle": "-" if mine else ":", "ms": 5}


def _draw_panel(panel: Any, results: Results, payload: bool, operation: str, styles: dict[str, Any]) -> None:
    for name, style in styles.items():
        found = [
            line
            for line in results.times
            if (line["contestant"], line["operation"], line["payload"]) == (name, operation, payload)
        ]
        if found:
            rows = [line["rows"] for line in found]
            low, middle, high = (
                [line["wall_us"][key] for line in found] for key in ("first_quartile", "median", "third_quartile")
            )
            panel.plot(rows, middle, label=name, linewidth=1.3, **style)
            panel.fill_between(rows, low, high, color=style["color"], alpha=0.15, linewidth=0)
    panel.set_xscale("log")
    panel.set_yscale("log")
    panel.grid(alpha=0.3)
