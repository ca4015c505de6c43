"""How often transitions of a sharded replay are drawn for each that its writers, wherever they are, store."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from amper.distributed.shards import Shards
from amper.replay.limiter import RateLimiter

_PAUSE = 0.002  # seconds between two looks at shards that are to be given more


class Pacing:
    """Shards tell writers to wait, and the learner waits for inserts, as ``limiter`` says; None: nobody waits.

    Each shard is told with every draw until how many transitions its writers may go on: what may be inserted, by all
    draws so far, is shared among the shards equally, again and again. A writer learns it from the answers to its
    chunks, so that those in flight go beyond the limiter's bound.
    """

    def __init__(self, limiter: RateLimiter | None) -> None:
        if limiter is not None and not isinstance(limiter, RateLimiter):
            raise TypeError(f"limiter must be a RateLimiter or None, not {limiter!r}")
        self._limiter = limiter
        if limiter is not None:
            limiter.inserted = limiter.drawn = 0  # what it counted elsewhere, these shards have not

    def at_first(self, shards: int) -> float:
        """What each shard is allowed before anything is drawn."""
        return math.inf if self._limiter is None else self._limiter.most_inserts() / shards

    def allowed(self, shards: Shards) -> list[float]:
        """What each shard is allowed now."""
        if self._limiter is None:
            return [math.inf] * len(shards)
        room = (self._limiter.most_inserts() - shards.added) / max(1, len(shards.living()))
        return [mass.added + room for mass in shards.mass]

    @contextmanager
    def draw(self, size: int, shards: Shards) -> Iterator[None]:
        """Wait until ``size`` rows may be drawn; they are counted, unless the draw within fails.

        Raises ValueError : more than the tolerance.
        """
        if self._limiter is None:
            yield
            return
        self._limiter.check_draws(size)
        self._limiter.inserted = shards.added
        while not self._limiter.may_draw(size):
            time.sleep(_PAUSE)
            shards.ask("exchange", [((), 0, allowed) for allowed in self.allowed(shards)])
            self._limiter.inserted = shards.added
        self._limiter.drawn += size
        try:
            yield
        except BaseException:
            self._limiter.drawn -= size
            raise
