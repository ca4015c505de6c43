"""The other libraries, each by the fastest way that its documentation offers for the same work."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from itertools import count
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amper_lab.bench.contestant import (
    ALPHA,
    BETA,
    COLUMNS,
    EPS,
    OBSERVATION,
    SEVERAL,
    Contestant,
    MissingError,
    Workload,
)

TORCHRL_ENVIRONMENT = (
    "TorchRL 0.14 needs PyTorch 2.14, with which its wheels were built: python3 -m venv build/bench && "
    "build/bench/bin/pip install torch==2.14.0 torchrl==0.14.1 '.[bench]' && build/bench/bin/amper bench software"
)


def _imported(module: str, package: str = "'amper[bench]'") -> Any:
    """The module; MissingError with the reason, and the package that has it, if it cannot be loaded."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what a peer warns of while it is loaded is not ours to mend
            return import_module(module)
    except (ImportError, OSError) as error:
        raise MissingError(f"{error}. Install it by: pip install {package}") from error


def build_cpprb(workload: Workload) -> Contestant:
    """cpprb's PrioritizedReplayBuffer."""
    cpprb = _imported("cpprb")
    if workload.payload:
        columns, transition = COLUMNS, workload.transition()
        content = workload.transitions(workload.rows)
    else:
        columns, transition = {"reward": np.float32}, {"reward": 0.5}
        content = {"reward": np.zeros(workload.rows, np.float32)}
    described = {
        name: {"dtype": spec[0], "shape": spec[1]} if isinstance(spec, tuple) else {"dtype": spec}
        for name, spec in columns.items()
    }
    buffer = cpprb.PrioritizedReplayBuffer(workload.rows, described, alpha=ALPHA, eps=EPS)
    buffer.add(**content)
    buffer.update_priorities(np.arange(workload.rows), workload.errors)
    return Contestant(
        name="cpprb",
        sample=partial(buffer.sample, workload.batch, BETA),
        indices=itemgetter("indexes"),
        update=buffer.update_priorities,
        add=partial(buffer.add, **transition),
        extend=partial(buffer.add, **{name: column[:SEVERAL] for name, column in content.items()}),
        note="draws one row from each of b equal parts of the sum, and gives out the same arrays again; "
        "where the others have no transitions, it stores and gathers one float32 a row",
    )


def build_tianshou(workload: Workload) -> Contestant:
    """Tianshou's PrioritizedReplayBuffer."""
    data = _imported("tianshou.data")
    single_torch_thread()
    buffer = data.PrioritizedReplayBuffer(workload.rows, alpha=ALPHA, beta=BETA)
    buffer.update(data.ReplayBuffer.from_data(**_tianshou_columns(workload.transitions(workload.rows))))
    buffer.update_weight(np.arange(workload.rows), workload.errors)
    if not workload.payload:

        def sample() -> tuple[Any, Any]:
            indices = buffer.sample_indices(workload.batch)
            return indices, buffer.get_weight(indices)

        note = "its weights are not normalised without transitions; it cannot add a row without one"
        return Contestant("tianshou", sample, itemgetter(0), buffer.update_weight, None, note=note)
    transition = {name: np.asarray(value) for name, value in workload.transition().items()}
    columns = _tianshou_columns(transition)
    del columns["done"]
    return Contestant(
        name="tianshou",
        sample=partial(buffer.sample, workload.batch),
        indices=itemgetter(1),
        update=buffer.update_weight,
        add=partial(buffer.add, data.Batch(**columns)),
        note="gathers terminated and truncated besides done, and keeps count of episodes",
    )


def _tianshou_columns(transitions: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {
        "obs": transitions["obs"],
        "act": transitions["action"],
        "rew": transitions["reward"],
        "terminated": transitions["done"],
        "truncated": np.zeros_like(transitions["done"]),
        "done": transitions["done"],
        "obs_next": transitions["next_obs"],
    }


def _torchrl() -> tuple[Any, Any, Any]:
    """Modules torch, tensordict and torchrl.data; MissingError where TorchRL's trees are missing."""
    torch = _imported("torch")
    data = _imported("torchrl.data")
    tensordict = _imported("tensordict")
    try:
        import_module("torchrl._torchrl")
    except ImportError as error:
        loaded = f"torchrl {import_module('torchrl').__version__} with torch {torch.__version__}"
        raise MissingError(
            f"the compiled extension of {loaded} does not load, without which there are no priorities. "
            f"{TORCHRL_ENVIRONMENT}"
        ) from error
    torch.set_num_threads(1)
    return torch, tensordict, data


def single_torch_thread() -> None:
    """Batches are far too small for a second thread; without one, CPU time and wall time mean the same."""
    _imported("torch").set_num_threads(1)


def build_torchrl_sampler(workload: Workload) -> Contestant:
    """TorchRL's PrioritizedSampler without a buffer."""
    torch, _, data = _torchrl()
    sampler = data.replay_buffers.PrioritizedSampler(workload.rows, ALPHA, BETA, eps=EPS)
    storage = data.LazyTensorStorage(workload.rows)
    storage.set(range(workload.rows), torch.zeros(workload.rows))
    rows = torch.arange(workload.rows)
    sampler.extend(rows)
    sampler.update_priority(rows, torch.from_numpy(workload.errors))

    def add() -> None:
        sampler.add(7)
        sampler.mark_update(7)

    return Contestant(
        name="torchrl-sampler",
        sample=partial(sampler.sample, storage, workload.batch),
        indices=itemgetter(0),
        update=sampler.update_priority,
        add=add,
        errors=torch.from_numpy,
    )


def build_torchrl_buffer(workload: Workload, *, prioritized_class: bool = False) -> Contestant:
    """TorchRL's TensorDictReplayBuffer with a PrioritizedSampler, or TensorDictPrioritizedReplayBuffer."""
    torch, tensordict, data = _torchrl()
    storage = data.LazyTensorStorage(workload.rows)
    if prioritized_class:
        buffer = data.TensorDictPrioritizedReplayBuffer(
            alpha=ALPHA, beta=BETA, eps=EPS, storage=storage, batch_size=workload.batch
        )
    else:
        sampler = data.replay_buffers.PrioritizedSampler(workload.rows, ALPHA, BETA, eps=EPS)
        buffer = data.TensorDictReplayBuffer(storage=storage, sampler=sampler, batch_size=workload.batch)
    columns = workload.transitions(workload.rows)
    tensors = {name: torch.from_numpy(column) for name, column in columns.items()}
    buffer.extend(tensordict.TensorDict(tensors, batch_size=[workload.rows]))
    buffer.update_priority(torch.arange(workload.rows), torch.from_numpy(workload.errors))
    one = {name: torch.as_tensor(value) for name, value in workload.transition().items()}
    return Contestant(
        name="torchrl-prioritized-buffer" if prioritized_class else "torchrl-buffer",
        sample=buffer.sample,
        indices=itemgetter("index"),
        update=buffer.update_priority,
        add=partial(buffer.add, tensordict.TensorDict(one, batch_size=[])),
        extend=partial(
            buffer.extend,
            tensordict.TensorDict({name: each[:SEVERAL] for name, each in tensors.items()}, batch_size=[SEVERAL]),
        ),
        errors=torch.from_numpy,
        note="the transition to add is a TensorDict already",
    )


def build_sumtree(workload: Workload) -> Contestant:
    """The Rust package sumtree: a sum tree alone."""
    tree = _imported("sumtree").SumTree(workload.rows)
    for priority in ((workload.errors + EPS) ** ALPHA).tolist():
        tree.add(priority)

    def update(indices: list[int], priorities: list[float]) -> None:
        for row, priority in zip(indices, priorities, strict=True):
            tree.update(row, priority)

    return Contestant(
        name="sumtree",
        sample=partial(tree.sample, workload.batch),
        indices=itemgetter(0),
        update=update,
        add=partial(tree.add, 1.0),
        errors=lambda errors: ((errors + EPS) ** ALPHA).tolist(),
        note="gives priorities, not weights; takes priorities that are exponentiated already, one a call",
    )


def build_rlox(workload: Workload) -> Contestant:
    """rlox's PrioritizedReplayBuffer, in Rust."""
    rlox = _imported("rlox", "rlox")
    buffer = rlox.PrioritizedReplayBuffer(workload.rows, OBSERVATION, 1, alpha=ALPHA, beta=BETA)
    columns = workload.transitions(workload.rows)
    actions = columns["action"].astype(np.float32)[:, None]
    rest = (columns[name].tolist() for name in ("reward", "done"))
    for obs, action, reward, done, after in zip(columns["obs"], actions, *rest, columns["next_obs"], strict=True):
        buffer.push(obs, action, reward, done, False, after)
    buffer.update_priorities(np.arange(workload.rows, dtype=np.uint64), workload.errors.astype(np.float64) + EPS)
    one = workload.transition()
    seeds = count()  # the same seed draws the same rows
    return Contestant(
        name="rlox",
        sample=lambda: buffer.sample(workload.batch, next(seeds)),
        indices=itemgetter("indices"),
        update=lambda indices, errors: buffer.update_priorities(indices, errors + EPS),
        add=partial(
            buffer.push, one["obs"], actions[0], one["reward"], one["done"], False, one["next_obs"], priority=1.0
        ),
        errors=lambda errors: errors.astype(np.float64),
        note="a new transition gets a priority that the caller gives; its action is one float32",
    )


def build_flashbax(workload: Workload) -> Contestant:
    """Flashbax's prioritised flat buffer: pure functions, compiled by JAX, which hand the buffer on in place."""
    jax = _imported("jax", "flashbax")
    flashbax = _imported("flashbax", "flashbax")
    single, several = (
        flashbax.make_prioritised_flat_buffer(
            workload.rows, 1, workload.batch, add_sequences=sequences, priority_exponent=ALPHA
        )
        for sequences in (False, True)
    )
    columns = {name: column for name, column in workload.transitions(workload.rows).items() if name != "next_obs"}
    one = {name: column[0] for name, column in columns.items()}
    eight = {name: column[:SEVERAL] for name, column in columns.items()}

    def drawn(state: Any, key: Any) -> tuple[Any, Any, Any]:
        key, now = jax.random.split(key)
        batch = single.sample(state, now)
        weights = (workload.rows * batch.probabilities) ** -BETA
        return key, batch, weights / weights.max()

    in_place = partial(jax.jit, donate_argnums=0)
    sample, add, extend = jax.jit(drawn), in_place(single.add), in_place(several.add)
    update = in_place(lambda state, rows, errors: single.set_priorities(state, rows, abs(errors) + EPS))
    held = {"state": extend(single.init(one), columns), "key": jax.random.key(workload.seed)}
    held["state"] = update(held["state"], jax.numpy.arange(workload.rows), workload.errors)

    def changed(change: Callable[..., Any], *arguments: Any) -> None:
        held["state"] = jax.block_until_ready(change(held["state"], *arguments))

    def batch() -> tuple[Any, Any]:
        held["key"], found, weights = jax.block_until_ready(sample(held["state"], held["key"]))
        return found, weights

    return Contestant(
        name="flashbax",
        sample=batch,
        indices=lambda found: found[0].indices,
        update=partial(changed, update),
        add=partial(changed, add, one),
        extend=partial(changed, extend, eight),
        note="its next_obs is the next row's obs; each call is waited for; in a compiled loop none is",
    )


@dataclass(frozen=True)
class Peer:
    """How to build a peer, and for which workloads: with transitions, without."""

    build: Callable[[Workload], Contestant]
    payloads: tuple[bool, ...] = (True, False)


PEERS = {
    "cpprb": Peer(build_cpprb),
    "tianshou": Peer(build_tianshou),
    "torchrl-buffer": Peer(build_torchrl_buffer, (True,)),
    "torchrl-prioritized-buffer": Peer(partial(build_torchrl_buffer, prioritized_class=True), (True,)),
    "torchrl-sampler": Peer(build_torchrl_sampler, (False,)),
    "sumtree": Peer(build_sumtree, (False,)),
    "rlox": Peer(build_rlox, (True,)),
    "flashbax": Peer(build_flashbax, (True,)),
}
"""By the names that the command takes."""
