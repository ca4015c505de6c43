"""Fit the predictor to the points of a sweep, and measure its error on points that it was not fitted to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import log2
from statistics import median
from typing import Any

import numpy as np

from amper import AmperConfig
from amper.support.extras import require
from amper_synth.asic.point import Point
from amper_synth.predict.features import GROUPS, Columns, area_columns, clock_columns, features, group_areas, path_ends
from amper_synth.predict.predictor import Errors, Predictor

FEWEST = 10  # different points


class TooFewPointsError(ValueError):
    """Not enough different points to fit to and to measure an error with."""


@dataclass(frozen=True)
class HeldOut:
    """A point beside what a predictor says of it that was fitted to others."""

    point: Point
    area_um2: float
    fmax_mhz: float

    @property
    def area_error(self) -> float:
        """Percent of the measured area, never negative."""
        return 100 * abs(self.area_um2 / self.point.area_um2 - 1)

    @property
    def fmax_error(self) -> float:
        """Percent of the measured clock, never negative."""
        return 100 * abs(self.fmax_mhz / self.point.fmax_mhz - 1)


def fit(points: Sequence[Point]) -> tuple[Predictor, list[HeldOut]]:
    """The predictor of all points, and each point predicted from all others that are not its twins.

    Raises
    ------
    TooFewPointsError : fewer than ``FEWEST`` different points. ImportError : no SciPy.
    """
    twins = _twins(points)
    if len(twins) < FEWEST:
        raise TooFewPointsError(f"a predictor needs at least {FEWEST} different points, not {len(twins)}")
    held_out = [each for group in twins for each in _predicted(points, group)]
    largest = max(point.config.rows for point in points)
    end = [point for point in points if point.config.rows == largest]
    # Only where enough are left: how far it can be trusted beyond the largest n.
    beyond = _predicted(points, end) if len(_twins(points)) - len(_twins(end)) >= FEWEST else []
    return replace(_fitted(points), held_out=_errors(held_out), largest=_errors(beyond) if beyond else None), held_out


def _twins(points: Sequence[Point]) -> list[list[Point]]:
    """The points in groups with the same columns."""
    groups: dict[str, list[Point]] = {}
    for point in points:
        groups.setdefault(repr(features(point.config)), []).append(point)
    return list(groups.values())


def _predicted(points: Sequence[Point], left_out: Sequence[Point]) -> list[HeldOut]:
    keys = {point.key for point in left_out}
    predictor = _fitted([point for point in points if point.key not in keys])
    predictions = [(point, predictor.predict(point.config)) for point in left_out]
    return [HeldOut(point, found.area_um2, found.fmax_mhz) for point, found in predictions]


def _errors(found: Sequence[HeldOut]) -> Errors:
    area, fmax = [each.area_error for each in found], [each.fmax_error for each in found]
    return Errors(len(found), median(area), max(area), median(fmax), max(fmax))


def _fitted(points: Sequence[Point]) -> Predictor:
    """Without its errors."""
    areas = [group_areas(point.by_component) for point in points]
    totals = [point.area_um2 for point in points]
    area = {name: _least_squares(points, _column_of(name), [each[name] for each in areas], totals) for name in GROUPS}
    ends = [path_ends(point.result["timing"]) for point in points]
    clock = {name: _clock(points, name, ends) for name in sorted({name for each in ends for name in each})}
    last = points[-1].result
    return Predictor(
        area=area,
        clock=clock,
        seen=_seen(points),
        held_out=Errors(0, 0.0, 0.0, 0.0, 0.0),
        largest=None,
        library=list(last["library"]["names"]),
        versions=dict(last["versions"]),
    )


def _clock(points: Sequence[Point], component: str, ends: Sequence[dict[str, float]]) -> dict[str, float]:
    """Of the logarithm of its longest path, in ps so that it is above 0 as the coefficients are.

    Where a component is not among the paths that were written out, it has none longer than the shortest of them.
    """
    delays = [each.get(component, min(each.values())) for each in ends]
    return _least_squares(points, clock_columns, [log2(1000 * delay) for delay in delays], [1.0] * len(points))


def _column_of(group: str) -> Callable[[AmperConfig], Columns]:
    return lambda config: area_columns(config)[group]


def _least_squares(
    points: Sequence[Point],
    columns: Callable[[AmperConfig], Columns],
    values: Sequence[float],
    scales: Sequence[float],
) -> dict[str, float]:
    """Coefficients, none negative, for the least squares of (sum of columns - value) / scale; zeros are left out."""
    nnls = require("scipy.optimize", "explore").nnls
    table = [columns(point.config) for point in points]
    matrix = np.array([[float(value) for value in line.values()] for line in table])
    matrix /= np.array(scales)[:, None]
    largest = np.abs(matrix).max(axis=0)
    largest[largest == 0] = 1.0  # a column that no point has
    found, _ = nnls(matrix / largest, np.array(values) / np.array(scales))
    names = list(table[0])
    return {name: float(value) for name, value in zip(names, found / largest, strict=True) if value > 0}


def _seen(points: Sequence[Point]) -> dict[str, list[Any]]:
    tables = [point.config.to_dict() for point in points]
    # Numbers in order; words and lists of words, which JSON gives back as lists, by their text.
    return {
        name: sorted({repr(table[name]): table[name] for table in tables}.values(), key=_order) for name in tables[0]
    }


def _order(value: Any) -> tuple[float, str]:
    return (float(value), "") if isinstance(value, (int, float)) else (0.0, str(value))
