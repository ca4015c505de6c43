"""How often transitions of a sharded replay are drawn for each that its writers, wherever they are, store."""

from __future__ import annotations

import math
import time

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

    def at_first(self, shards: int) -> float:
        """What each shard is allowed before anything is drawn."""
        return math.inf if self._limiter is None else self._limiter.most_inserts() / shards

    def allowed(self, shards: Shards) -> list[float]:
        """What each shard is allowed now."""
        if self._limiter is None:
            return [math.inf] * len(shards)
        room = (self._limiter.most_inserts() - shards.added) / max(1, len(shards.living()))
        return [mass.added + room for mass in shards.mass]

    def wait_for_inserts(self, size: int, shards: Shards) -> None:
        """Until ``size`` rows may be drawn; then they are counted. Raises ValueError : more than the tolerance."""
        if self._limiter is None:
            return
        self._limiter.check_draws(size)
        self._limiter.inserted = shards.added
        while not self._limiter.may_draw(size):
            time.sleep(_PAUSE)
            shards.ask("exchange", [((), 0, allowed) for allowed in self.allowed(shards)])
            self._limiter.inserted = shards.added
        self._limiter.drawn += size
