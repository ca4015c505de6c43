"""All shards of a replay as one: asked at once, and those that are lost told apart."""

from __future__ import annotations

from typing import Any

from amper.distributed.engines.engine import Channel, Engine
from amper.distributed.numbering import Numbering
from amper.distributed.shard import Mass, ShardLostError, ShardSpec

_NOTHING = Mass(0.0, 0, 0, 0, True)


class Shards:
    """The shards of ``specs``, made by ``engine``.

    Members: ``mass``, what each shard last said of itself; ``numbering``; ``lost_shards``, ``lost_rows``, how many
    went, and what they held when they last answered.
    """

    def __init__(self, engine: Engine, specs: list[ShardSpec], *, restart: bool) -> None:
        self._engine, self._specs, self._restart = engine, specs, restart
        self.numbering = Numbering(len(specs))
        self.mass = [_NOTHING] * len(specs)
        self.lost_shards = self.lost_rows = 0
        self._added_before = 0  # to shards that went, or that became those of a file
        self._shards: list[Any] = []
        self._channels: list[Channel | None] = []
        try:
            for spec in specs:
                self._shards.append(engine.start(spec))
                self._channels.append(engine.channel(self._shards[-1]))
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
        """A new channel, for a writer."""
        return self._engine.channel(self._shards[shard])

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
        for shard in self.living():
            self._end(shard)

    def _lose(self, shard: int) -> None:
        self._end(shard)
        self.lost_shards += 1
        self.lost_rows += self.mass[shard].held
        self._added_before += self.mass[shard].added
        self.mass[shard] = _NOTHING
        if self._restart:
            self.numbering.begin_again(shard)
            self._shards[shard] = self._engine.start(self._specs[shard])
            self._channels[shard] = self._engine.channel(self._shards[shard])

    def _end(self, shard: int) -> None:
        channel, self._channels[shard] = self._channels[shard], None
        if channel is not None:
            channel.close()
        self._engine.stop(self._shards[shard])
