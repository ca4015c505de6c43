"""Recorded episodes, as Minari's data sets have them, into a replay buffer; docs/software/replay-buffer.md."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from amper.replay.buffer import ReplayBuffer
from amper.replay.episodes.writer import NAMES
from amper.replay.nested import mapped


class Episode(Protocol):
    """What Minari's ``EpisodeData`` has: of T steps, T + 1 observations, nested as their space, and T of the rest."""

    @property
    def observations(self) -> Any: ...
    @property
    def actions(self) -> Any: ...
    @property
    def rewards(self) -> NDArray[Any]: ...
    @property
    def terminations(self) -> NDArray[Any]: ...
    @property
    def truncations(self) -> NDArray[Any]: ...


def add_episodes(buffer: ReplayBuffer, episodes: Iterable[Episode]) -> int:
    """Store all steps of ``episodes`` (a Minari data set is one), in order; how many they were.

    Those of obs, action, reward, next_obs, terminated and truncated that the buffer has columns for. An episode whose
    record ends without either is stored as truncated, so that n-step transitions end there.

    Raises TypeError, ValueError : as ``ReplayBuffer.extend``; the episodes before are stored.
    """
    count = 0
    for episode in episodes:
        steps = len(episode.rewards)
        if steps == 0:
            continue
        truncated = np.array(episode.truncations, bool)
        truncated[-1] |= not episode.terminations[-1]
        values = dict(
            zip(
                NAMES,
                (
                    mapped(lambda column: np.asarray(column)[:-1], episode.observations),
                    mapped(np.asarray, episode.actions),
                    np.asarray(episode.rewards),
                    mapped(lambda column: np.asarray(column)[1:], episode.observations),
                    np.asarray(episode.terminations, bool),
                    truncated,
                ),
                strict=True,
            )
        )
        buffer.extend(**{name: value for name, value in values.items() if name in buffer.names})
        count += steps
    return count
