"""``RateLimiter`` allows what reverb's rule, written down naively here, allows, and lets the rest wait."""

from __future__ import annotations

import random
import threading

import numpy as np
import pytest

from amper import RateLimiter, ReplayBuffer
from amper.distributed import ShardedReplay


def reverb_allows(what: str, count: int, inserts: int, draws: int, ratio: float, least: int, tolerance: float) -> bool:
    """SampleToInsertRatio: bounds around ratio * least."""
    if what == "insert":
        return inserts + count <= least or ratio * (inserts + count) - draws <= ratio * least + tolerance
    return inserts >= least and ratio * inserts - draws - count >= ratio * least - tolerance


@pytest.mark.parametrize(("ratio", "least", "tolerance"), [(4.0, 1, 16), (0.25, 10, 8), (8, 100, 64)])
def test_what_is_allowed(ratio, least, tolerance):
    rng = random.Random(1)
    limiter = RateLimiter(ratio, least, tolerance)
    inserts = draws = refused = 0
    for _ in range(600):
        what, count = rng.choice(["insert", "draw"]), rng.randint(1, 2)
        allowed = reverb_allows(what, count, inserts, draws, ratio, least, tolerance)
        refused += not allowed
        call = limiter.insert if what == "insert" else limiter.draw
        if allowed:
            call(count, timeout=0)
            inserts, draws = (inserts + count, draws) if what == "insert" else (inserts, draws + count)
        else:
            with pytest.raises(TimeoutError, match=f"waited 0 s to {what} {count}, after {inserts} inserts"):
                call(count, timeout=0)
        assert (limiter.inserted, limiter.drawn) == (inserts, draws)
    assert refused > 50


@pytest.mark.parametrize("sharded", [False, True])
def test_threads_wait_for_each_other(sharded):
    """The difference stays within the tolerance, whichever thread runs ahead."""
    columns = {"x": "float32"}
    buffer = ShardedReplay(2, 1000, columns) if sharded else ReplayBuffer(1000, columns)
    limiter = RateLimiter(8, min_size=20, tolerance=64)
    limited = limiter.limited(buffer, timeout=30)
    limited.extend(x=np.zeros(20, np.float32))
    inserter = limiter.limited(buffer.writer(chunk=4), timeout=30) if sharded else limited
    seen: list[float] = []

    def insert() -> None:
        for start in range(20, 200, 4):
            inserter.extend(x=np.arange(start, start + 4, dtype=np.float32))

    thread = threading.Thread(target=insert)
    thread.start()
    for _ in range(45):
        assert limited.sample(32)["x"].shape == (32,)
        seen.append(limiter._difference())
    thread.join()
    if sharded:
        inserter.wait()
    assert all(-64 <= each <= 64 for each in seen)
    assert (limiter.inserted, limiter.drawn, len(limited)) == (200, 1440, 200)


def test_bad_values():
    for name in ("samples_per_insert", "tolerance"):
        with pytest.raises(ValueError, match=f"{name} must be above 0, not 0"):
            RateLimiter(**{"samples_per_insert": 1, "min_size": 1, "tolerance": 8, name: 0})
    with pytest.raises(ValueError, match="tolerance must be at least 64 for batches of 64, not 8"):
        RateLimiter(1, 1, 8).draw(64)
    with pytest.raises(TypeError):
        RateLimiter(1, 1.5, 8)  # type: ignore[arg-type]
