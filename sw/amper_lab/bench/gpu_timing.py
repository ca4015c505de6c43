"""Steps on a device without waiting in between: how fast it takes them, rather than how soon each is done."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amper_lab.bench.gpu import DevicePeer

BLOCK = 100  # steps that are queued before the device is waited for

Clock = Callable[[], int]


def measure_blocks(
    peers: Sequence[DevicePeer], *, batch: int, repeats: int, seed: int, clock: Clock = time.perf_counter_ns
) -> Iterator[dict[str, float]]:
    """One repeat at a time: nanoseconds of a step by the peer's name, of a block of ``BLOCK`` steps in turn.

    A step is a sample and the update of its rows; a block that is not timed goes before each.
    """
    rng = np.random.default_rng([seed, 3])
    for repeat in range(repeats):
        errors = rng.standard_exponential((BLOCK, batch), np.float32)
        shift = repeat % len(peers)
        yield {
            peer.contestant.name: _step_nanoseconds(peer, errors, batch, clock)
            for peer in [*peers[shift:], *peers[:shift]]
        }


def _step_nanoseconds(peer: DevicePeer, errors: NDArray[np.float32], batch: int, clock: Clock) -> float:
    prepared = [peer.contestant.errors(each) for each in errors]
    collecting = gc.isenabled()
    gc.disable()  # as timeit does
    try:
        _block(peer, prepared, batch)
        start = clock()
        _block(peer, prepared, batch)
        return (clock() - start) / BLOCK
    finally:
        if collecting:
            gc.enable()


def _block(peer: DevicePeer, errors: Sequence[Any], batch: int) -> None:
    replay = peer.replay
    for new in errors:
        indices, _ = replay.sample(batch)
        replay.update(indices, new)
    peer.wait()
