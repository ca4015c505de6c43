"""The Blind Cliffwalk (Schaul et al. 2016, section 3.1 and appendix B.1), and how many updates a sampler needs for it.

States 0 to n - 1 stand in a row. In each, one of two actions leads on, the last to a reward of 1, the other ends the
episode with 0. The memory holds what all 2^n sequences of actions meet: 2^(n + 1) - 2 transitions, a single one of
which is rewarded.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from amper import Sampler
from amper.sampler.options import CSP_SHARE
from amper_lab.train.files import difference, read_json, write_json
from amper_lab.train.loop import PACKAGES
from amper_report.environment import versions
from amper_spec.checks import checked_integer

STATES = (8, 10, 12)
SEEDS = 50
STEP_SIZE = 0.25
ALPHA = 0.6
EPS = 1e-6
MSE = 1e-3
CHECK_EVERY = 50  # updates from one look at the error to the next
LIMIT = 50  # updates for each transition of the memory, after which it is given up


@dataclass(frozen=True)
class Setting:
    """A sampler and how it is set: four options of ``Sampler``."""

    mode: str
    scale: float | None = None
    csp_share: float | None = None
    bit_exact: bool = False

    @property
    def sampler(self) -> str:
        """Name of a row of the table; exact is what the hardware draws by default."""
        return "exact" if self.mode == "per" and self.bit_exact else self.mode

    @property
    def scale_name(self) -> str:
        """The same row's scale."""
        if not self.mode.startswith("amper-"):
            return ""
        share = CSP_SHARE if self.csp_share is None else self.csp_share
        return f"adapts to {share:g}" if self.scale is None else f"{self.scale:g}"


AMPER_MODES = ("amper-fr-dithered", "amper-fr", "amper-fr-prefix", "amper-k")
PER = Setting("per")
SETTINGS = (
    Setting("uniform"),
    PER,
    Setting("per", bit_exact=True),
    *(Setting(mode, scale=0.5) for mode in AMPER_MODES),
    *(Setting(mode) for mode in AMPER_MODES),
    *(Setting(mode, csp_share=0.05) for mode in AMPER_MODES),
)
# Those of the picture.
SHOWN = SETTINGS[:7]


def memory(states: int) -> tuple[list[int], list[int]]:
    """State and action (1: the one that leads on) of every transition of all sequences of actions, in order."""
    state, action = [], []
    for sequence in range(1 << states):
        for place in range(states):
            state.append(place)
            action.append(sequence >> place & 1)
            if not action[-1]:
                break
    return state, action


def updates_needed(states: int, setting: Setting, seed: int) -> int | None:
    """Updates, one transition each, until the mean squared error of Q is below ``MSE``; None: not within the limit.

    Parameters
    ----------
    states : n, 1 to 16. seed : of the order of the memory, of Q at the start and of the sampler.

    Raises
    ------
    TypeError, ValueError : an argument of the wrong kind; out of its range.
    """
    states = checked_integer("states", states, 1, 16)
    rng = np.random.default_rng(seed)
    ordered_state, ordered_action = memory(states)
    order = rng.permutation(len(ordered_state)).tolist()
    state = [ordered_state[each] for each in order]
    action = [ordered_action[each] for each in order]
    discount = 1 - 1 / states
    exact = np.zeros((states, 2))
    exact[:, 1] = discount ** np.arange(states - 1, -1, -1)
    q = rng.normal(0, 0.1, (states, 2)).tolist()
    sampler = Sampler(
        len(state),
        mode=setting.mode,  # type: ignore[arg-type]  # the sampler checks it
        scale=setting.scale,
        csp_share=setting.csp_share,
        bit_exact=setting.bit_exact,
        alpha=ALPHA,
        eps=EPS,
        seed=seed,
    )
    sampler.extend(count=len(state))
    for done in range(1, LIMIT * len(state) + 1):
        row, _ = sampler.sample(1)
        place, which = state[row[0]], action[row[0]]
        goal = 0.0
        if which:
            goal = discount * max(q[place + 1]) if place + 1 < states else 1.0
        error = goal - q[place][which]
        q[place][which] += STEP_SIZE * error
        sampler.update_errors(row, np.array([error]))
        if done % CHECK_EVERY == 0 and np.mean((np.array(q) - exact) ** 2) < MSE:
            return done
    return None


@dataclass(frozen=True)
class Cell:
    """One setting at one size: the updates needed, for each seed from 1; None: more than the limit."""

    states: int
    setting: Setting
    updates: list[int | None]

    @property
    def transitions(self) -> int:
        """In the memory."""
        return (2 << self.states) - 2

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"states": self.states, **asdict(self.setting), "updates": self.updates}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Cell:
        """Of `to_dict`."""
        setting = Setting(**{field.name: values[field.name] for field in fields(Setting)})
        return cls(values["states"], setting, values["updates"])


def plan(states: tuple[int, ...] = STATES, settings: tuple[Setting, ...] = SETTINGS) -> list[tuple[int, Setting]]:
    """All cells of the table."""
    return [(size, setting) for size in states for setting in settings]


def measure(
    path: Path,
    *,
    seeds: int = SEEDS,
    cells: list[tuple[int, Setting]] | None = None,
    tick: Callable[[], None] | None = None,
) -> list[Cell]:
    """Measure the cells that the file ``path`` does not have yet, and add each to it as soon as it is there.

    Parameters
    ----------
    tick : called after every seed of every cell.

    Raises
    ------
    ValueError : the file holds something else, or cells measured otherwise. OSError : it cannot be read or written.
    """
    options = {
        "seeds": checked_integer("seeds", seeds, 1, 10_000),
        "step_size": STEP_SIZE,
        "alpha": ALPHA,
        "eps": EPS,
        "mse": MSE,
        "check_every": CHECK_EVERY,
        "limit": LIMIT,
    }
    kept = load(path, options) if path.exists() else []
    start = time.process_time()
    for states, setting in cells if cells is not None else plan():
        found = any((each.states, each.setting) == (states, setting) for each in kept)
        updates = [] if found else list(_seeds(states, setting, seeds))
        if tick is not None:
            for _ in range(seeds):
                tick()
        if not found:
            kept.append(Cell(states, setting, updates))
            seconds = round(time.process_time() - start, 1)
            values = {"options": options, "versions": versions(PACKAGES), "seconds": seconds}
            write_json(path, {**values, "cells": [each.to_dict() for each in kept]})
    return kept


def _seeds(states: int, setting: Setting, seeds: int) -> Iterator[int | None]:
    for seed in range(1, seeds + 1):
        yield updates_needed(states, setting, seed)


def load(path: Path, options: dict[str, Any] | None = None) -> list[Cell]:
    """The cells of a file; ValueError if they are no cells, or were not measured with ``options``."""
    values = read_json(path, "the results of amper reproduce cliffwalk")
    try:
        cells = [Cell.from_dict(each) for each in values["cells"]]
        changed = "" if options is None else difference(values["options"], options)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} must be the results of amper reproduce cliffwalk, and lacks {error}") from None
    if changed:
        raise ValueError(f"{path} was measured with other options ({changed}): remove it or choose another folder")
    return cells
