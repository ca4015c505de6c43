"""``add_episodes`` stores what stepping through the episodes would have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from amper import NStep, ReplayBuffer, add_episodes

SEEN = {"image": ("uint8", (2, 2)), "sensors": ("float32", 3)}
COLUMNS = {"obs": SEEN, "action": "int64", "reward": "float32", "next_obs": SEEN, "terminated": "bool"}


@dataclass(frozen=True)
class EpisodeData:
    """The fields of ``minari.EpisodeData``."""

    observations: Any
    actions: Any
    rewards: np.ndarray
    terminations: np.ndarray
    truncations: np.ndarray


def episodes(ends: tuple[str, ...] = ("terminated", "truncated", "cut")) -> list[EpisodeData]:
    rng = np.random.default_rng(1)
    found = []
    for steps, end in zip((4, 1, 7), ends, strict=True):
        last = np.arange(steps) == steps - 1
        seen = {"image": rng.integers(0, 255, (steps + 1, 2, 2)), "sensors": rng.random((steps + 1, 3), np.float32)}
        seen["image"] = seen["image"].astype(np.uint8)
        over = last & (end == "terminated"), last & (end == "truncated")
        found.append(EpisodeData(seen, rng.integers(0, 4, steps), rng.random(steps, np.float32), *over))
    return found


def test_steps_are_stored_one_by_one():
    given = episodes()
    ours = ReplayBuffer(50, COLUMNS | {"truncated": "bool"})
    naive = ReplayBuffer(50, COLUMNS | {"truncated": "bool"})
    assert add_episodes(ours, given) == 12
    for episode, cut in zip(given, (False, False, True), strict=True):
        for step in range(len(episode.rewards)):
            before, after = (
                {name: column[at] for name, column in episode.observations.items()} for at in (step, step + 1)
            )
            naive.add(
                obs=before,
                action=episode.actions[step],
                reward=episode.rewards[step],
                next_obs=after,
                terminated=episode.terminations[step],
                truncated=episode.truncations[step] or (cut and step == 6),
            )
    assert len(ours) == len(naive) == 12
    for name, column in naive.columns.items():
        assert np.array_equal(ours.columns[name], column), name


def test_returns_end_with_their_episode():
    buffer = ReplayBuffer(50, COLUMNS | {"truncated": "bool"}, n_step=NStep(5, gamma=1.0))
    given = episodes()
    add_episodes(buffer, given)
    batch = buffer.sample(500)
    for index, reward in zip(batch["indices"], batch["reward"], strict=True):
        episode = given[0 if index < 4 else 1 if index < 5 else 2]
        first = index - (0 if index < 4 else 4 if index < 5 else 5)
        assert reward == pytest.approx(episode.rewards[first : first + 5].sum(), rel=1e-5)


def test_only_columns_that_there_are():
    buffer = ReplayBuffer(50, {"action": "int64", "reward": "float32"})
    empty = EpisodeData({"image": np.zeros((1, 2, 2))}, np.zeros(0, int), np.zeros(0), np.zeros(0), np.zeros(0))
    assert add_episodes(buffer, [empty, *episodes()]) == 12
    assert buffer.columns["action"][:4].tolist() == episodes()[0].actions.tolist()
    with pytest.raises(TypeError, match=r".*"):
        add_episodes(ReplayBuffer(50, {"other": "int64"}), episodes())
