"""Shards as actors of a Ray cluster."""

from __future__ import annotations

import time
from typing import Any

from amper.distributed.engines.engine import Answer, Channel, Waiting
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
    """A shard whose numbers Ray gives to Prometheus, where the cluster exports metrics.

    They are the gauges ``amper_shard_total``, ``_held``, ``_added`` and ``_dropped``; the tag "seed" tells shards of a
    replay apart.
    """

    def __init__(self, spec: ShardSpec) -> None:
        super().__init__(spec)
        gauge = require("ray.util.metrics", "ray").Gauge
        self._gauges = [
            gauge(f"amper_shard_{name}", description=meaning, tag_keys=("seed",)) for name, meaning in _MEANINGS.items()
        ]
        self._tags = {"seed": str(spec.seed)}
        self._next = time.monotonic()

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
