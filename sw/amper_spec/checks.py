"""Checks of arguments, with messages that name the parameter, the rule and the value."""

from __future__ import annotations

import math
from numbers import Integral, Real


def checked_integer(name: str, value: object, low: int, high: int) -> int:
    """``value`` as an int; TypeError unless it is an integer (not a bool), ValueError unless ``low`` to ``high``."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an integer, not {value!r}")
    number = int(value)
    if not low <= number <= high:
        raise ValueError(f"{name} must be {low} to {high}, not {number}")
    return number


def checked_real(name: str, value: object) -> float:
    """``value`` as a finite float; TypeError unless it is a number (not a bool), ValueError unless finite."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, not {value!r}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, not {number}")
    return number


def checked_choice(name: str, value: object, choices: tuple[str, ...]) -> str:
    """``value``, one of ``choices``; TypeError unless it is a string, ValueError unless one of them."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, not {value!r}")
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, not {value!r}")
    return value
