"""A sampler's state as numbers, strings and arrays, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from amper.cores.base import DONE, NOT_PLAIN
from amper.cores.exact import ExactCore
from amper_spec.checks import checked_integer, checked_real

if TYPE_CHECKING:
    from amper.cores.base import Core
    from amper.sampler.options import SamplerOptions

VERSION = 1
_ARRAYS = {"priorities": np.float32, "extra": np.uint32, "cover": np.float64}
_INTEGERS = {"cursor": 1 << 28, "used": 1 << 28, "key": 1 << 128, "counter": 1 << 128, "batches": 1 << 64}  # below
_REALS = ("maximum", "scale", "share")


def export(core: Core, options: SamplerOptions) -> dict[str, Any]:
    """The state of ``core``; nothing in it changes with the sampler."""
    arrays = {name: getattr(core, name)() for name in _ARRAYS}
    numbers = {name: getattr(core, name) for name in (*_INTEGERS, *_REALS, "shift")}
    return {"version": VERSION, "options": options.to_dict(), **arrays, **numbers}


def restored(core: Core, options: SamplerOptions, state: dict[str, Any]) -> Core:
    """The new ``core`` with the state that ``export`` gave.

    Raises
    ------
    TypeError, ValueError : not a state, of another version, of other options, or damaged.
    """
    _check(options, state)
    priorities, extra = state["priorities"], state["extra"]
    held = np.flatnonzero(priorities > 0)
    if isinstance(core, ExactCore):
        _check_codes(extra, priorities, options)
        core.load(priorities, extra)
    else:
        _done(NOT_PLAIN if extra.size else DONE, "extra")
        _done(core.write(held.astype(np.int64), np.ascontiguousarray(priorities[held]), 0), "priorities")
    if state["used"] < (held[-1] + 1 if held.size else 0):
        raise ValueError(f"used must lie behind the last row that holds a priority, {held[-1]}, not be {state['used']}")
    for name in (*_INTEGERS, *_REALS):
        setattr(core, name, state[name])
    if options.mode == "per" and held.size:
        core.set_shift(state["shift"])
    _done(core.set_cover(np.ascontiguousarray(state["cover"])), "cover")
    return core


def _done(status: int, name: str) -> None:
    if status != DONE:
        raise ValueError(f"state[{name!r}] must be what a sampler's state() gave, and is not")


def _check(options: SamplerOptions, state: dict[str, Any]) -> None:
    if not isinstance(state, dict):
        raise TypeError(f"state must be a dictionary that state() gave, not {type(state).__name__}")
    if state.get("version") != VERSION:
        raise ValueError(f"state must be of version {VERSION}, not {state.get('version')}")
    missing = {"options", "shift", *_ARRAYS, *_INTEGERS, *_REALS} - set(state)
    if missing:
        raise ValueError(f"state must have {', '.join(sorted(missing))}, and has not")
    _check_options(options, state["options"])
    for name, dtype in _ARRAYS.items():
        array = state[name]
        if not isinstance(array, np.ndarray) or array.dtype != dtype or array.ndim != 1:
            raise TypeError(f"state[{name!r}] must be an array of {np.dtype(dtype)} of one dimension, not {array!r}")
    for name, bound in _INTEGERS.items():
        checked_integer(f"state[{name!r}]", state[name], 0, bound - 1 if bound > 1 << 28 else options.rows)
    checked_integer("state['cursor']", state["cursor"], 0, options.rows - 1)
    checked_integer("state['shift']", state["shift"], -200, 200)
    for name in _REALS:
        if checked_real(f"state[{name!r}]", state[name]) < 0:
            raise ValueError(f"state[{name!r}] must be at least 0, not {state[name]}")
    priorities = state["priorities"]
    if priorities.shape != (options.rows,):
        raise ValueError(f"state['priorities'] must have the shape ({options.rows},), not {priorities.shape}")
    legal = np.isfinite(priorities) & (priorities >= 0)
    if not legal.all():
        raise ValueError(f"state['priorities'] must be finite and at least 0, not {priorities[~legal][0]}")


def _check_options(options: SamplerOptions, stored: object) -> None:
    if not isinstance(stored, dict):
        raise TypeError(f"state['options'] must be a dictionary, not {stored!r}")
    # Earlier revisions had no others of the first two, and left the third open.
    stored = {"draws": "independent", "organisation": "parallel", "initial_priority": options.initial_priority} | stored
    for name, value in options.to_dict().items():
        if stored.get(name) != value:
            raise ValueError(f"state must be of a sampler with {name} {value}, not {stored.get(name)}")


def _check_codes(codes: Any, priorities: Any, options: SamplerOptions) -> None:
    largest = (1 << options.priority_width) - 1
    if codes.shape != priorities.shape or int(codes.max(initial=0)) > largest:
        raise ValueError(f"state['extra'] must be {options.rows} codes of at most {largest}, and is not")
