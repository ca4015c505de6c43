"""What a sweep found, as a CSV file and as the tables of a page in Markdown."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from amper_report.tables import table
from amper_spec.declare import word
from amper_synth.asic.point import Point
from amper_synth.predict.features import group_areas
from amper_synth.predict.fit import HeldOut
from amper_synth.predict.predictor import VALUES, Errors, Predictor


def fronts(points: Sequence[Point]) -> dict[int, list[Point]]:
    """By n: the points that no other of the same n beats in area or batch time without losing in the other.

    By growing area. Of points that are equal in both, the first.
    """
    found: dict[int, list[Point]] = {}
    for rows in sorted({point.config.rows for point in points}):
        front: list[Point] = []
        for point in sorted((each for each in points if each.config.rows == rows), key=_area_and_time):
            if not front or point.batch_ns < front[-1].batch_ns:
                front.append(point)
        found[rows] = front
    return found


def _area_and_time(point: Point) -> tuple[float, float]:
    return point.area_um2, point.batch_ns


def varied(points: Sequence[Point]) -> list[str]:
    """The parameters that are not the same in all points, but for those that cost nothing; n always, and first."""
    tables = [point.config.to_dict() for point in points]
    changing = [name for name in tables[0] if any(table[name] != tables[0][name] for table in tables)]
    return ["rows", *(name for name in changing if name not in ("rows", *VALUES))]


def constant(points: Sequence[Point]) -> str:
    """The parameters that are the same in all points, with their values."""
    tables = [point.config.to_dict() for point in points]
    same = {name: value for name, value in tables[0].items() if all(table[name] == value for table in tables)}
    return ", ".join(f"{name} = {word(value)}" for name, value in same.items() if name not in ("rows", "seed"))


def line(point: Point) -> dict[str, Any]:
    """A point's measurements, by column."""
    area, timing = point.result["area"], point.result["timing"]
    longest = timing["paths"][0] if timing["paths"] else {"source": "", "target": ""}
    groups = {f"{name} um2": round(value, 1) for name, value in group_areas(point.by_component).items()}
    return {
        "area um2": round(point.area_um2, 1),
        "GE": round(area["gate_equivalents"]),
        "row um2": round(area["row_um2"], 2),
        "MHz": round(point.fmax_mhz, 2),
        "ns": round(point.period_ns, 4),
        "batch cycles": point.result["batch_cycles"],
        "batch ns": round(point.batch_ns, 2),
        **groups,
        "longest path": f"{longest['source']} -> {longest['target']}",
        "seconds": "" if point.seconds is None else round(point.seconds, 1),
    }


def write_csv(points: Sequence[Point], held_out: Sequence[HeldOut], path: Path) -> None:
    """One line a point: configuration, measurements, on the front of its n or not, and what was predicted of it.

    The last two columns are of a predictor that was fitted without the point; empty where there was none.
    """
    on_front = {point.key for front in fronts(points).values() for point in front}
    predicted = {each.point.key: each for each in held_out}
    lines = []
    for point in points:
        found = predicted.get(point.key)
        values = {name: word(value) for name, value in point.config.to_dict().items()}
        lines.append(
            {"key": point.key, **values, **line(point), "pareto": word(point.key in on_front)}
            | {"predicted area um2": round(found.area_um2, 1) if found else ""}
            | {"predicted MHz": round(found.fmax_mhz, 2) if found else ""}
        )
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


MEASURED = ("area um2", "row um2", "MHz", "batch cycles", "batch ns")  # the columns of the tables


def markdown(points: Sequence[Point], predictor: Predictor | None) -> str:
    """The fronts, the predictor's error, and what it was all measured with."""
    names = varied(points)
    titles = [*names, *MEASURED]
    lines = []
    for front in fronts(points).values():
        for point in front:
            values = {name: word(value) for name, value in point.config.to_dict().items()}
            lines.append([*(values[name] for name in names), *(cell(point, name) for name in MEASURED)])
    parts = [table(titles, lines), *([errors_markdown(predictor)] if predictor else [])]
    return "\n\n".join([*parts, f"{conditions(points)}; {constant(points)}."])


def cell(point: Point, name: str) -> str:
    """A measurement as the tables show it."""
    cells = {
        "area um2": f"{point.area_um2:,.0f}",
        "row um2": f"{point.result['area']['row_um2']:.1f}",
        "MHz": f"{point.fmax_mhz:.0f}",
        "batch cycles": f"{point.result['batch_cycles']}",
        "batch ns": f"{point.batch_ns:.1f}",
    }
    return cells[name]


def errors_markdown(predictor: Predictor) -> str:
    """The table of the predictor's errors."""
    tried = "error on points left out of the fit, percent"
    return table([tried, "points", "area, median", "worst", "Fmax, median", "worst"], error_rows(predictor))


def error_rows(predictor: Predictor) -> list[list[str]]:
    """Its lines: one point after another left out, and all of the largest n at once."""
    tests: list[tuple[str, Errors | None]] = [
        ("each point in turn, with its twins", predictor.held_out),
        (f"all points of the largest n, {max(predictor.seen['rows'])}", predictor.largest),
    ]
    return [
        [name, str(each.points)]
        + [f"{value:.1f}" for value in (each.area_median, each.area_worst, each.fmax_median, each.fmax_worst)]
        for name, each in tests
        if each
    ]


def conditions(points: Sequence[Point]) -> str:
    """Library, versions, and what a point costs."""
    result = points[-1].result
    tools = ", ".join(
        f"{name} {number.split(' (')[0].removeprefix('Yosys ')}" for name, number in result["versions"].items()
    )
    seconds = [point.seconds for point in points if point.seconds is not None]
    return (
        f"{len(points)} points, {result['library']['names'][0]}; {tools}; "
        f"{sum(seconds) / 60:.0f} minutes of one core for {len(seconds)} of them, median {median(seconds):.0f} s"
    )
