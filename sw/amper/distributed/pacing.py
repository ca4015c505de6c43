"""How often transitions of a sharded replay are drawn for each that its writers, wherever they are, store."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from amper.distributed.shards import Shards
from amper.replay.limiter import RateLimiter
from amper_spec.checks import checked_real

_PAUSE = 0.002  # seconds between two looks at shards that are to be given more


def checked_seconds(name: str, value: float | None) -> float | None:
    """A time to wait at most, or None for ever. Raises TypeError, ValueError."""
    if value is None or checked_real(name, value) >= 0:
        return value
    raise ValueError(f"{name} must be at least 0, not {value}")


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
    def draw(self, size: int, shards: Shards, timeout: float | None) -> Iterator[None]:
        """Wait until ``size`` rows may be drawn; they are counted, unless the draw within fails.

        Raises ValueError : more than the tolerance. TimeoutError : not within ``timeout`` seconds.
        """
        if self._limiter is None:
            yield
            return
        self._limiter.check_draws(size)
        self._limiter.inserted = shards.added
        end = math.inf if timeout is None else time.monotonic() + timeout
        while not (self._limiter.may_draw(size) or self._may_draw_now(size, self._limiter, shards)):
            if time.monotonic() >= end:
                so_far = f"{self._limiter.inserted} inserts and {self._limiter.drawn} draws"
                raise TimeoutError(f"waited {timeout} s to draw {size}, after {so_far}")
            time.sleep(_PAUSE)
        self._limiter.drawn += size
        try:
            yield
        except BaseException:
            self._limiter.drawn -= size
            raise

    def _may_draw_now(self, size: int, limiter: RateLimiter, shards: Shards) -> bool:
        """As the shards say, which are asked."""
        shards.ask("exchange", [((), 0, allowed) for allowed in self.allowed(shards)])
        limiter.inserted = shards.added
        return limiter.may_draw(size)
