"""How often transitions are drawn for each that is stored, kept within bounds; docs/software/replay-buffer.md."""

from __future__ import annotations

import threading
from typing import Any

from amper.replay.nested import length
from amper_spec.checks import checked_integer, checked_real


class RateLimiter:
    """Lets inserts and draws wait for each other, so that each transition is drawn ``samples_per_insert`` times.

    With i transitions inserted and s drawn, let d = samples_per_insert (i - min_size) - s. An insert waits while it
    would make d greater than ``tolerance``, a draw while it would make d less than -``tolerance``; up to ``min_size``
    inserts nothing is drawn, and no insert waits. (reverb's SampleToInsertRatio keeps d within the same bounds.)

    Parameters
    ----------
    samples_per_insert : above 0. min_size : inserts before the first draw, at least 1.
    tolerance : how far d may go; at least the largest batch and ``samples_per_insert`` times the largest insert, or
        one of them would wait for ever. Then ValueError is raised.

    Members: ``inserted``, ``drawn``, so far. Threads of one process share it; what writers of all processes insert is
    counted by ``ShardedReplay(limiter=...)``.
    """

    def __init__(self, samples_per_insert: float, min_size: int, tolerance: float) -> None:
        self.samples_per_insert = checked_real("samples_per_insert", samples_per_insert)
        self.tolerance = checked_real("tolerance", tolerance)
        for name, value in (("samples_per_insert", samples_per_insert), ("tolerance", tolerance)):
            if not value > 0:
                raise ValueError(f"{name} must be above 0, not {value}")
        self.min_size = checked_integer("min_size", min_size, 1, 1 << 40)
        self.inserted = self.drawn = 0
        self._changed = threading.Condition()

    def insert(self, count: int = 1, timeout: float | None = None) -> None:
        """Wait until ``count`` transitions may be stored, and count them. Raises TimeoutError : not in time."""
        first = self.inserted + count <= self.min_size  # which need not wait
        self._check("inserts", count, 0 if first else self.samples_per_insert * count)
        with self._changed:
            self._wait(lambda: self._may_insert(count), timeout, f"to insert {count}")
            self.inserted += count
            self._changed.notify_all()

    def draw(self, count: int, timeout: float | None = None) -> None:
        """Wait until ``count`` transitions may be drawn, and count them. Raises TimeoutError : not in time."""
        self.check_draws(count)
        with self._changed:
            self._wait(lambda: self.may_draw(count), timeout, f"to draw {count}")
            self.drawn += count
            self._changed.notify_all()

    def limited(self, buffer: Any, timeout: float | None = None) -> RateLimited:
        """``buffer`` (``ReplayBuffer``, ``ShardedReplay`` or its writer), whose inserts and draws wait.

        At most ``timeout`` seconds each; None: for ever.
        """
        return RateLimited(self, buffer, timeout)

    def check_draws(self, count: int) -> None:
        """Raises TypeError, ValueError : a batch that would wait for ever."""
        self._check("batches", count, count)

    def most_inserts(self) -> float:
        """How many transitions may have been inserted, with what was drawn so far."""
        return self.min_size + (self.drawn + self.tolerance) / self.samples_per_insert

    def _difference(self) -> float:
        return self.samples_per_insert * (self.inserted - self.min_size) - self.drawn

    def _may_insert(self, count: int) -> bool:
        there = self.inserted + count <= self.min_size
        return there or self._difference() + self.samples_per_insert * count <= self.tolerance

    def may_draw(self, count: int) -> bool:
        """Whether so many transitions may be drawn now."""
        return self.inserted >= self.min_size and self._difference() - count >= -self.tolerance

    def _wait(self, may: Any, timeout: float | None, what: str) -> None:
        if not self._changed.wait_for(may, timeout):
            raise TimeoutError(f"waited {timeout} s {what}, after {self.inserted} inserts and {self.drawn} draws")

    def _check(self, what: str, count: int, change: float) -> None:
        checked_integer(what, count, 1, 1 << 40)
        if change > self.tolerance:
            raise ValueError(f"tolerance must be at least {change:g} for {what} of {count}, not {self.tolerance:g}")

    def __repr__(self) -> str:
        return f"RateLimiter({self.samples_per_insert:g}, min_size={self.min_size}, tolerance={self.tolerance:g})"


class RateLimited:
    """``buffer``, but ``add``, ``extend``, ``sample`` and ``sample_many`` wait for the limiter; made by ``limited``."""

    def __init__(self, limiter: RateLimiter, buffer: Any, timeout: float | None) -> None:
        self.limiter, self.buffer, self._timeout = limiter, buffer, timeout

    def add(self, /, **transition: Any) -> Any:
        self.limiter.insert(1, self._timeout)
        return self.buffer.add(**transition)

    def extend(self, /, **transitions: Any) -> Any:
        self.limiter.insert(length(transitions), self._timeout)
        return self.buffer.extend(**transitions)

    def sample(self, batch: int, *args: Any, **keywords: Any) -> Any:
        self.limiter.draw(batch, self._timeout)
        return self.buffer.sample(batch, *args, **keywords)

    def sample_many(self, batches: int, batch: int, *args: Any) -> Any:
        self.limiter.draw(batches * batch, self._timeout)
        return self.buffer.sample_many(batches, batch, *args)

    def __len__(self) -> int:
        return len(self.buffer)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.buffer, name)
