"""The configurations of a sweep: any parameters, each with a list of values."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping, Sequence
from typing import Any

from amper_spec.checks import checked_integer
from amper_spec.config import AmperConfig

MOST_POINTS = 1 << 20  # of a grid; a random sample of it is drawn from the whole list


def configurations(axes: Mapping[str, Sequence[Any]], *, points: int | None = None, seed: int = 0) -> list[AmperConfig]:
    """Every legal combination of the values, each configuration once.

    Parameters
    ----------
    axes : values by the name of the parameter; what is not named has its default. Combinations that are not legal are
    left out, so that parameters that depend on each other can be swept together.
    points : at most so many, a random sample; the sample of a larger number holds that of a smaller one. seed : of it.

    Raises
    ------
    ValueError, TypeError : a value is in no legal combination (as ``AmperConfig`` says it), or ``points`` is not legal.
    """
    if points is not None:
        checked_integer("points", points, 1, MOST_POINTS)
    size = 1
    for values in axes.values():
        size *= len(values)
    if size > MOST_POINTS:
        raise ValueError(f"a grid must have at most {MOST_POINTS} points, not {size}")
    found = _legal(axes)
    if points is None:
        return found
    random.Random(seed).shuffle(found)
    return found[:points]


def _legal(axes: Mapping[str, Sequence[Any]]) -> list[AmperConfig]:
    """The legal combinations in order; raises the first reason against a value that is in none of them."""
    found: dict[AmperConfig, None] = {}
    used: set[tuple[str, int]] = set()  # an axis, and the place of a value in it
    against: dict[tuple[str, int], ValueError | TypeError] = {}
    for places in itertools.product(*(range(len(values)) for values in axes.values())):
        chosen = list(zip(axes, places, strict=True))
        parts = [*chosen, ("", 0)]  # the last stands for the grid, which may have no axis
        try:
            found[AmperConfig.from_dict({name: axes[name][place] for name, place in chosen})] = None
            used.update(parts)
        except (ValueError, TypeError) as error:
            for one in parts:
                against.setdefault(one, error)
    for one, reason in against.items():
        if one not in used:
            raise reason
    return list(found)
