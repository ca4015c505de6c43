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
    """Every combination of the values, each configuration once.

    Parameters
    ----------
    axes : values by the name of the parameter; what is not named has its default.
    points : at most so many, a random sample; the sample of a larger number holds that of a smaller one. seed : of it.

    Raises
    ------
    ValueError, TypeError : a combination is not legal (as ``AmperConfig`` says it), or ``points`` is not.
    """
    if points is not None:
        checked_integer("points", points, 1, MOST_POINTS)
    size = 1
    for values in axes.values():
        size *= len(values)
    if size > MOST_POINTS:
        raise ValueError(f"a grid must have at most {MOST_POINTS} points, not {size}")
    combinations = (dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values()))
    found = list(dict.fromkeys(AmperConfig.from_dict(values) for values in combinations))
    if points is None:
        return found
    random.Random(seed).shuffle(found)
    return found[:points]
