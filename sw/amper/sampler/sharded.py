"""``ShardedDevice``: several devices as one; docs/software/device.md has the contract."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from amper.backends.backend import Factory
from amper.backends.shards import ShardedBackend
from amper.sampler.device import Device
from amper.sampler.options import ALPHA, EPS
from amper_spec.checks import checked_integer
from amper_spec.config import AmperConfig


class ShardedDevice(Device):
    """A ``Device`` of variant exact whose rows are held by several, side by side: the calls and states of one.

    Parameters
    ----------
    config : of all rows. shards : how many. backend : of each shard, as of ``Device``; or a list, one for each.
    order : "rows", with organisation tree in one bank or in as many as shards: index by index the draws of one device;
        "shares": each shard draws its share by itself, at a request each, with the same chances
        (docs/reference/algorithm.md, section 9).
    beta, alpha, eps, initial_priority : as of ``Device``.

    Raises
    ------
    As ``Device``; ValueError : shards or an order that do not go with the configuration.
    """

    def __init__(
        self,
        config: AmperConfig,
        shards: int,
        backend: str | Factory | Sequence[str | Factory] = "golden",
        *,
        order: str = "rows",
        beta: float | Callable[[int], float] = 0.4,
        alpha: float = ALPHA,
        eps: float = EPS,
        initial_priority: str | float = "max",
    ) -> None:
        count = checked_integer("shards", shards, 1, 1 << 20)
        each = [backend] * count if isinstance(backend, str) or callable(backend) else list(backend)
        if len(each) != count:
            raise ValueError(f"backend must be one, or one for each of {count} shards, not {len(each)}")
        self._shards = {"shards": count, "backend": backend, "order": order}
        super().__init__(
            config,
            lambda whole: ShardedBackend(whole, each, order),
            beta=beta,
            alpha=alpha,
            eps=eps,
            initial_priority=initial_priority,
        )

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), **self._shards}

    def __setstate__(self, pickled: dict[str, Any]) -> None:
        state = pickled.pop("state")
        ShardedDevice.__init__(self, **pickled)
        self.restore(state)
