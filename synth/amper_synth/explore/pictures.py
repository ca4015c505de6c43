"""Plots of a sweep's page, as SVG text to put into HTML."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amper_report.figures import COLOURS, MARKERS, figure_text
from amper_synth.asic.point import Point
from amper_synth.explore.report import fronts
from amper_synth.predict.fit import HeldOut


def _styles(points: Sequence[Point]) -> dict[int, dict[str, Any]]:
    """Colour and marker by n."""
    sizes = sorted({point.config.rows for point in points})
    return {
        rows: {"color": COLOURS[index % len(COLOURS)], "marker": MARKERS[index % len(MARKERS)]}
        for index, rows in enumerate(sizes)
    }


def pareto(points: Sequence[Point]) -> str:
    """Area against batch time, both logarithmic: a colour an n, a line along its front."""
    styles = _styles(points)
    with figure_text(9, 5.5) as (figure, svg):
        panel = figure.subplots()
        for rows, front in fronts(points).items():
            all_points = [point for point in points if point.config.rows == rows]
            areas, times = [each.area_um2 for each in all_points], [each.batch_ns for each in all_points]
            panel.scatter(areas, times, s=28, alpha=0.45, linewidths=0, **styles[rows])
            corners = [each.area_um2 for each in front], [each.batch_ns for each in front]
            panel.plot(*corners, drawstyle="steps-post", linewidth=1.3, ms=7, label=f"n = {rows}", **styles[rows])
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.set_xlabel("area, µm² (log)")
        panel.set_ylabel("batch alone, ns (log)")
        panel.set_title("Area against batch latency; the lines join what no other point of the same n beats")
        panel.grid(alpha=0.3, which="both")
        panel.legend()
    return svg[0]


def predicted(held_out: Sequence[HeldOut]) -> str:
    """Predicted against measured, area and clock, each point by a predictor that was fitted without it."""
    styles = _styles([each.point for each in held_out])
    panels = [
        ("area, µm²", [(each.point.config.rows, each.point.area_um2, each.area_um2) for each in held_out]),
        ("Fmax, MHz", [(each.point.config.rows, each.point.fmax_mhz, each.fmax_mhz) for each in held_out]),
    ]
    with figure_text(9, 4.6) as (figure, svg):
        for panel, (title, triples) in zip(figure.subplots(1, 2), panels, strict=True):
            values = [value for triple in triples for value in triple[1:]]
            ends = [0.95 * min(values), 1.05 * max(values)]
            panel.plot(ends, ends, color="#555555", linewidth=1)
            panel.fill_between(
                ends, [0.9 * end for end in ends], [1.1 * end for end in ends], color="0.9", label="within 10 %"
            )
            for rows, style in styles.items():
                chosen = [(x, y) for size, x, y in triples if size == rows]
                panel.scatter([x for x, _ in chosen], [y for _, y in chosen], s=24, label=f"n = {rows}", **style)
            panel.set_xscale("log")
            panel.set_yscale("log")
            panel.set_xlabel(f"measured {title}")
            panel.set_ylabel(f"predicted {title}")
            panel.grid(alpha=0.3, which="both")
            panel.legend()
    return svg[0]


def areas(points: Sequence[Point], groups: Sequence[dict[str, float]]) -> str:
    """What the area is made of, a bar a point, by growing area."""
    order = sorted(range(len(points)), key=lambda index: points[index].area_um2)
    with figure_text(9, 3.6) as (figure, svg):
        panel = figure.subplots()
        base = [0.0] * len(order)
        for colour, name in zip(COLOURS, groups[0], strict=False):
            shares = [groups[index][name] / points[index].area_um2 for index in order]
            panel.bar(range(len(order)), shares, bottom=base, width=0.9, color=colour, label=name)
            base = [low + share for low, share in zip(base, shares, strict=True)]
        panel.set_xticks(range(len(order)), [str(points[index].config.rows) for index in order], rotation=90)
        panel.set_xlabel("n of every point, by growing area")
        panel.set_ylabel("share of the area")
        panel.set_ylim(0, 1)
        figure.legend(loc="outside right upper")
    return svg[0]
