"""All shards of a replay as one: asked at once, and those that are lost told apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amper.distributed.engines.engine import Channel, Engine
from amper.distributed.numbering import Numbering
from amper.distributed.shard import Mass, ShardLostError, ShardSpec

_NOTHING = Mass(0.0, 0, 0, 0, True)


class Shards:
    """The shards of ``specs``, made by ``engine``; one that does not answer ``within`` so many seconds is lost.

    ``stored`` : how many transitions a shard was given, for who can tell that without asking it; or None.

    Members: ``mass``, what each shard last said of itself; ``numbering``; ``lost_shards``, ``lost_rows``, how many
    went, and what they held when they last answered.
    """

    def __init__(
        self,
        engine: Engine,
        specs: list[ShardSpec],
        *,
        restart: bool,
        within: float | None,
        stored: Callable[[int], int] | None,
    ) -> None:
        self._engine, self._specs, self._restart, self._within = engine, specs, restart, within
        self._stored = stored
        self.numbering = Numbering(len(specs))
        self.mass = [_NOTHING] * len(specs)
        self.lost_shards = self.lost_rows = 0
        self._added_before = 0  # to shards that went, or that became those of a file
        self._shards: list[Any] = []
        self._channels: list[Channel | None] = [None] * len(specs)
        try:
            for spec in specs:
                self._shards.append(engine.start(spec))
            for shard in range(len(specs)):  # once all have begun to start
                self._channels[shard] = self.channel(shard)
            self.look()  # what is wrong with the arguments is raised now
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        return len(self._shards)

    @property
    def added(self) -> int:
        """Transitions that shards were given, as they last said."""
        return self._added_before + sum(mass.added for mass in self.mass)

    def living(self) -> list[int]:
        """The shards that are there."""
        return [number for number, channel in enumerate(self._channels) if channel is not None]

    def channel(self, shard: int) -> Channel:
        """A new channel."""
        return self._engine.channel(self._shards[shard], self._within)

    def look(self) -> None:
        """Bring ``mass`` up to date."""
        self.ask("look", [()] * len(self._shards))

    def load(self, paths: list[tuple[str]]) -> None:
        """Have each become what its file has; what that was given is not ``added`` here."""
        self.look()
        added = self.added
        self.ask("load", paths)
        self._added_before += added - self.added

    def ask(self, name: str, arguments: list[tuple[Any, ...]]) -> dict[int, Any]:
        """Ask all living shards at once, each with its own arguments; their results.

        Raises ShardLostError : none is left.
        """
        waiting = {}
        for shard, channel in enumerate(self._channels):
            if channel is not None:
                try:
                    waiting[shard] = channel.ask(name, *arguments[shard])
                except ShardLostError:
                    self._lose(shard)
        results = {}
        for shard, answer in waiting.items():
            try:
                results[shard], self.mass[shard] = answer()
            except ShardLostError:
                self._lose(shard)
        if not self.living():
            raise ShardLostError(f"{name} needs a shard, and all {len(self._shards)} are gone")
        return results

    def close(self) -> None:
        """End all that are there."""
        for shard in range(len(self._shards)):
            self._end(shard)

    def _lose(self, shard: int) -> None:
        self._end(shard)
        mass, self.mass[shard] = self.mass[shard], _NOTHING
        added = mass.added if self._stored is None else max(mass.added, self._stored(shard))
        self.lost_shards += 1
        self.lost_rows += min(mass.held + added - mass.added, self._specs[shard].rows)
        self._added_before += added
        if self._restart:
            self.numbering.begin_again(shard)
            self._shards[shard] = self._engine.start(self._specs[shard])
            self._channels[shard] = self.channel(shard)

    def _end(self, shard: int) -> None:
        channel, self._channels[shard] = self._channels[shard], None
        if channel is not None:
            channel.close()
        made, self._shards[shard] = self._shards[shard], None
        if made is not None:
            self._engine.stop(made)
