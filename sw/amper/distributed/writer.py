"""``ShardWriter``: sends transitions to shards in chunks, without waiting for each."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from amper.distributed.engines.engine import Channel, Waiting
from amper.distributed.shard import Mass, ShardLostError
from amper.replay.nested import length, mapped

_SHORTEST, _LONGEST = 0.0005, 0.02  # seconds between two looks at a shard that waits for draws


class ShardWriter:
    """Collects transitions and sends ``chunk`` at a time to its shards in turn; made by ``ShardedReplay.writer``.

    At most ``in_flight`` chunks are on their way: then ``add`` waits for the oldest. Chunks on their way to a shard
    that is lost are lost with it and counted; the writer goes on with the shards that are left. Where a rate limiter
    has all of its shards wait for draws, so does the writer with its next chunk. With the engines
    "processes" and "ray" a writer that has sent nothing yet can be pickled and used in another process.

    Members: ``lost``, transitions that did not arrive; ``waits``, whether it waits for draws; ``timeout``, for how many
    seconds at most, None for ever.
    """

    def __init__(
        self, channels: list[Channel], first: int, chunk: int, in_flight: int, timeout: float | None = None
    ) -> None:
        self._channels = channels[first:] + channels[:first]
        self._chunk, self._in_flight, self.timeout = chunk, in_flight, timeout
        self._collected: list[dict[str, Any]] = []
        self._shut: set[Channel] = set()  # shards that wait for draws, as they last said
        self._sent: deque[tuple[Channel, Waiting, int]] = deque()
        self.lost = 0
        self.waits = True

    def add(self, /, **transition: Any) -> None:
        """As ``ReplayBuffer.add``, sooner or later.

        Raises TypeError, ValueError : of a transition that was sent before. ShardLostError : no shard is left.
        TimeoutError : the limiter has not let it go on in time; nothing was stored, and it can be tried again.
        """
        if len(self._collected) + 1 >= self._chunk:
            self._wait_for_room()
        self._collected.append(transition)
        if len(self._collected) >= self._chunk:
            self._flush()

    def extend(self, /, **transitions: ArrayLike) -> None:
        """As ``ReplayBuffer.extend``: one chunk, after those that ``add`` has collected. Raises as ``add``."""
        self.flush()
        self._wait_for_room()
        self._send(transitions)

    def flush(self) -> None:
        """Send what is collected, without waiting for it. Raises as ``add``."""
        if self._collected:
            self._wait_for_room()
            self._flush()

    def _flush(self) -> None:
        if self._collected:
            collected, self._collected = self._collected, []
            first = collected[0]
            self._send(mapped(lambda *values: np.asarray(values), first, *collected[1:]))

    def wait(self) -> None:
        """Send what is collected, and wait until all has arrived."""
        self.flush()
        while self._sent:
            self._wait_for_oldest()

    def close(self) -> None:
        """``wait``, and let go of the shards."""
        self.wait()
        for channel in self._channels:
            channel.close()

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _send(self, transitions: Mapping[str, Any]) -> None:
        size = length(transitions)
        while self._channels:
            channel = self._channels[0]
            try:
                self._sent.append((channel, channel.ask("extend", transitions), size))
            except ShardLostError:
                self._channels.remove(channel)
                continue  # nothing went out: another shard takes it
            self._channels.append(self._channels.pop(0))
            while len(self._sent) > self._in_flight:
                self._wait_for_oldest()
            return
        self.lost += size
        raise ShardLostError("a writer needs a shard, and all of its shards are gone")

    def _wait_for_room(self) -> None:
        """Until a shard lets writers go on, which then comes first."""
        pause = _SHORTEST
        end = math.inf if self.timeout is None else time.monotonic() + self.timeout
        while self.waits and self._channels and self._shut.issuperset(self._channels):
            if time.monotonic() >= end:
                raise TimeoutError(f"waited {self.timeout} s to insert, and every shard waits for more draws")
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST)
            for channel in list(self._channels):
                try:
                    self._note(channel, channel.ask("look")()[1])
                except ShardLostError:
                    self._channels.remove(channel)
        while self.waits and self._channels and self._channels[0] in self._shut:
            self._channels.append(self._channels.pop(0))

    def _note(self, channel: Channel, mass: Mass) -> None:
        """Whether the shard lets writers go on."""
        if mass.open:
            self._shut.discard(channel)
        else:
            self._shut.add(channel)

    def _wait_for_oldest(self) -> None:
        channel, answer, size = self._sent.popleft()
        try:
            self._note(channel, answer()[1])
        except ShardLostError:
            self.lost += size
            if channel in self._channels:
                self._channels.remove(channel)
