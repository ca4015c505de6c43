"""The contestants of this library: ``amper.ReplayBuffer``, or ``amper.Sampler`` alone, in every mode."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import itemgetter
from typing import Any, get_args

import numpy as np

from amper import ReplayBuffer, Sampler
from amper.sampler.options import Mode
from amper_lab.bench.contestant import ALPHA, BETA, COLUMNS, EPS, SEVERAL, Contestant, Workload

MODES: tuple[Mode, ...] = get_args(Mode)
CHUNK = 65_536  # transitions stored at a time
ADAPTING_BATCHES = 500  # after which lambda' has settled


def our_name(mode: str) -> str:
    """What a mode is called in the tables."""
    return mode if mode.startswith("amper") else f"amper {mode}"


def build_ours(mode: Mode, workload: Workload) -> Contestant:
    """The mode, filled, its scale adapted.

    Raises
    ------
    ImportError : the compiled core is not installed.
    """
    sampler = Sampler(workload.rows, mode=mode, alpha=ALPHA, eps=EPS, seed=workload.seed, compiled=True)
    if not workload.payload:
        sampler.extend(count=workload.rows)
        sampler.update_errors(np.arange(workload.rows), workload.errors)
        _adapt(sampler, workload.batch)
        return Contestant(
            name=our_name(mode),
            sample=partial(sampler.sample, workload.batch, BETA),
            indices=itemgetter(0),
            update=sampler.update_errors,
            add=sampler.add,
            extend=partial(sampler.extend, count=SEVERAL),
            memory_per_row=sampler.memory_per_row,
        )
    buffer = ReplayBuffer(workload.rows, COLUMNS, sampler)
    transitions = workload.transitions(workload.rows)
    for start in range(0, workload.rows, CHUNK):
        buffer.extend(**{name: column[start : start + CHUNK] for name, column in transitions.items()})
    buffer.update_errors(np.arange(workload.rows), workload.errors)
    _adapt(sampler, workload.batch)
    return Contestant(
        name=our_name(mode),
        sample=partial(buffer.sample, workload.batch, BETA),
        indices=itemgetter("indices"),
        update=buffer.update_errors,
        add=_add_of(buffer, **workload.transition()),
        extend=partial(buffer.extend, **workload.transitions(SEVERAL)),
        memory_per_row=buffer.memory_per_row,
    )


def _add_of(buffer: ReplayBuffer, obs: Any, action: Any, reward: Any, next_obs: Any, done: Any) -> Callable[[], object]:
    """``add`` as its callers write it: ``partial`` would make a dictionary of the arguments first."""
    return lambda: buffer.add(obs=obs, action=action, reward=reward, next_obs=next_obs, done=done)


def _adapt(sampler: Sampler, batch: int) -> None:
    for _ in range(ADAPTING_BATCHES):
        sampler.sample(batch)
