"""Shards as actors of a Ray cluster."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any, NamedTuple

from amper.distributed.engines.engine import UNBOUNDED, Answer, Channel, Waiting
from amper.distributed.engines.sockets import Address, SocketChannel, listening, new_address, serve
from amper.distributed.shard import Shard, ShardLostError, ShardSpec
from amper.support.extras import require

_SECONDS = 1.0  # between two looks at a shard's numbers
_MEANINGS = {
    "total": "sum of the priorities that a shard draws by",
    "held": "transitions that a shard holds",
    "added": "transitions that a shard has had",
    "dropped": "updates of transitions that had been replaced",
}


class MeasuredShard(Shard):
    """A shard whose numbers Ray gives to Prometheus, where the cluster exports metrics; it also listens at a socket.

    The numbers are the gauges ``amper_shard_total``, ``_held``, ``_added`` and ``_dropped``; the tag "seed" tells
    shards of a replay apart.
    """

    def __init__(self, spec: ShardSpec) -> None:
        super().__init__(spec)
        gauge = require("ray.util.metrics", "ray").Gauge
        self._gauges = [
            gauge(f"amper_shard_{name}", description=meaning, tag_keys=("seed",)) for name, meaning in _MEANINGS.items()
        ]
        self._tags = {"seed": str(spec.seed)}
        self._next = time.monotonic()
        self._address: Address | None = None

    def listen(self) -> Address | None:
        """Where it answers those on its machine, too; None where names of sockets are files, which would be left."""
        if self._address is None and sys.platform == "linux":
            self._address = new_address()
            arguments = (self, listening(self._address), self._address.key)
            threading.Thread(target=serve, args=arguments, daemon=True).start()
        return self._address

    def request(self, name: str, *arguments: Any) -> Answer:
        result, mass = super().request(name, *arguments)
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _SECONDS
            for gauge, of_mass in zip(self._gauges, _MEANINGS, strict=True):
                gauge.set(getattr(mass, of_mass), tags=self._tags)
        return result, mass


class RayActors:
    """An actor a shard, on the cluster that ``ray.init`` joined, or one of this machine alone.

    Parameters
    ----------
    options : of each actor, as ``.options(...)`` takes them: ``num_cpus``, ``scheduling_strategy``, ...
    """

    def __init__(self, options: dict[str, Any] | None = None) -> None:
        ray = require("ray", "ray")
        if not ray.is_initialized():
            ray.init(include_dashboard=False)
        self._make = ray.remote(MeasuredShard).options(**options) if options else ray.remote(MeasuredShard)

    def start(self, spec: ShardSpec) -> _Actor:
        actor = self._make.remote(spec)
        return _Actor(actor, actor.listen.remote())

    def channel(self, shard: _Actor, within: float | None) -> Channel:
        """Waits until the actor has started, whatever ``within`` is. Raises what its start did; ShardLostError."""
        return RayChannel(shard.handle, _result(shard.address, None), within)

    def stop(self, shard: _Actor) -> None:
        require("ray", "ray").kill(shard.handle)


class _Actor(NamedTuple):
    handle: Any
    address: Any  # a reference to what ``listen`` gives


class RayChannel:
    """An actor's handle; it can be pickled. On the actor's machine requests go to its socket, else by Ray.

    A call of Ray costs several times the processor time of one through a socket, in processes of its own too.
    """

    def __init__(self, actor: Any, address: Address | None, within: float | None) -> None:
        self._actor, self._address, self._within = actor, address, within
        self._socket: SocketChannel | None = None
        self._is_open = False

    def __getstate__(self) -> tuple[Any, Address | None, float | None]:
        return self._actor, self._address, self._within

    def __setstate__(self, made: tuple[Any, Address | None, float | None]) -> None:
        self.__init__(*made)  # type: ignore[misc]  # perhaps on another machine

    def ask(self, name: str, *arguments: Any) -> Waiting:
        if not self._is_open:
            self._open()
        if self._socket is not None:
            return self._socket.ask(name, *arguments)
        answer = self._actor.request.remote(name, *arguments)
        within = None if name in UNBOUNDED else self._within
        return lambda: _result(answer, within)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()

    def _open(self) -> None:
        """Try the socket."""
        if self._address is not None:
            found = SocketChannel(self._address, self._within)
            try:
                found.ask("look")()
            except ShardLostError:  # on another machine, where its name is nobody's
                found.close()
            else:
                self._socket = found
        self._is_open = True


def _result(answer: Any, within: float | None) -> Any:
    ray = require("ray", "ray")
    try:
        return ray.get(answer, timeout=within)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None  # as it was raised there
    except (ray.exceptions.RayActorError, ray.exceptions.GetTimeoutError) as error:
        raise ShardLostError(f"a shard is gone: {error}") from None
