"""What an engine is, and the one whose shards live in this process."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

from amper.distributed.shard import Mass, Shard, ShardLostError, ShardSpec

Answer = tuple[Any, Mass]
Waiting = Callable[[], Answer]  # call it to wait for the answer; it raises ShardLostError
UNBOUNDED = frozenset({"save", "load"})  # requests that may take as long as disks do


class Channel(Protocol):
    """A way to one shard, for one user at a time; a writer's can be pickled where the engine has other processes."""

    def ask(self, name: str, *arguments: Any) -> Waiting:
        """Send a request. Raises ShardLostError, here or when the answer is waited for."""

    def close(self) -> None:
        """Let go of what the channel has open."""


class Engine(Protocol):
    """Makes shards, and channels to them."""

    def start(self, spec: ShardSpec) -> Any:
        """A new shard; what ``channel`` and ``stop`` know it by."""

    def channel(self, shard: Any, within: float | None) -> Channel:
        """``within``: after so many seconds without an answer its user takes the shard as lost; None: never."""

    def stop(self, shard: Any) -> None:
        """End a shard, if it has not ended by itself, whatever it is doing."""


class Threads:
    """Shards in this process. A request is done by a thread: those of several shards side by side.

    Such a shard cannot be lost by itself, so that answers are waited for without a bound.
    """

    def start(self, spec: ShardSpec) -> tuple[Shard, ThreadPoolExecutor]:
        return Shard(spec), ThreadPoolExecutor(1)

    def channel(self, shard: tuple[Shard, ThreadPoolExecutor], within: float | None) -> Channel:
        return _ThreadChannel(*shard)

    def stop(self, shard: tuple[Shard, ThreadPoolExecutor]) -> None:
        shard[1].shutdown()


class _ThreadChannel:
    def __init__(self, shard: Shard, pool: ThreadPoolExecutor) -> None:
        self._shard, self._pool = shard, pool

    def ask(self, name: str, *arguments: Any) -> Waiting:
        try:
            answer: Future[Answer] = self._pool.submit(self._shard.request, name, *arguments)
        except RuntimeError as error:  # the replay was closed
            raise ShardLostError(f"a shard is gone: {error}") from None
        return answer.result

    def close(self) -> None:
        pass
