"""Shards as actors of a Ray cluster."""

from __future__ import annotations

from typing import Any

from amper.distributed.engines.engine import Answer, Channel, Waiting
from amper.distributed.shard import Shard, ShardLostError, ShardSpec
from amper.support.extras import require


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
        self._make = ray.remote(Shard).options(**options) if options else ray.remote(Shard)

    def start(self, spec: ShardSpec) -> Any:
        return self._make.remote(spec)

    def channel(self, shard: Any) -> Channel:
        return RayChannel(shard)

    def stop(self, shard: Any) -> None:
        require("ray", "ray").kill(shard)


class RayChannel:
    """An actor's handle; it can be pickled."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor

    def ask(self, name: str, *arguments: Any) -> Waiting:
        answer = self._actor.request.remote(name, *arguments)
        return lambda: _result(answer)

    def close(self) -> None:
        pass


def _result(answer: Any) -> Answer:
    ray = require("ray", "ray")
    try:
        found: Answer = ray.get(answer)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None  # as it was raised there
    except ray.exceptions.RayActorError as error:
        raise ShardLostError(f"a shard is gone: {error}") from None
    return found
