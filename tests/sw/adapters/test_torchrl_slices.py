"""Sequences against TorchRL's slice samplers: the same windows of the same episodes, and how probable each is.

Both give windows of one episode. Ours are around a transition that is drawn, here each with the same probability.
``SliceSampler`` draws an episode first, each with the same probability however long it is, then one of its starts;
``PrioritizedSliceSampler`` draws a start by priority, as ours do. docs/software/sequences.md has this.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats
from tensordict import TensorDict
from torchrl.data import LazyTensorStorage, SliceSampler, TensorDictReplayBuffer
from torchrl.data.replay_buffers.samplers import PrioritizedSliceSampler, prioritized

from amper import ReplayBuffer, Sampler, Sequences

FALSE_ALARM = 1e-4
ROWS = 29
DRAWS = 2000
LENGTHS = (7, 4, 1, 6, 2, 3, 5, 8, 9)  # of episodes, which end terminated and truncated by turns
COUNTS = pytest.mark.parametrize("count", [27, 40])  # the ring not full, and 11 steps overwritten; both in an episode
ENDS = [("next", "terminated"), ("next", "truncated")]
Window = tuple[int, int]  # the number of its first transition, and its length


def transitions(count: int) -> dict[str, NDArray[Any]]:
    """The first ``count`` transitions: their numbers, episodes, steps and ends."""
    episode = np.repeat(np.arange(len(LENGTHS)), LENGTHS)
    step = np.concatenate([np.arange(length) for length in LENGTHS])
    last = step == np.array(LENGTHS)[episode] - 1
    columns = {"number": np.arange(episode.size), "episode": episode, "step": step}
    columns |= {"terminated": last & (episode % 2 == 0), "truncated": last & (episode % 2 == 1)}
    return {name: column[:count] for name, column in columns.items()}


def interleaved(count: int) -> dict[str, NDArray[Any]]:
    """The same of two environments in turn: the episodes of an even number in 0, the others in 1."""
    columns = transitions(sum(LENGTHS))
    queues = [np.flatnonzero(columns["episode"] % 2 == env) for env in (0, 1)]
    order = np.stack([queue[: count // 2] for queue in queues], axis=1).ravel()
    taken = {name: column[order] for name, column in columns.items()}
    return {**taken, "number": np.arange(order.size), "env": np.arange(order.size) % 2}


def there(columns: dict[str, NDArray[Any]]) -> list[list[int]]:
    """The numbers of the transitions of each episode that a ring of ROWS still has."""
    kept = columns["number"] >= columns["number"].size - ROWS
    return [columns["number"][kept & (columns["episode"] == e)].tolist() for e in np.unique(columns["episode"][kept])]


def ours(columns: dict[str, NDArray[Any]], sequences: Sequences, **options: Any) -> ReplayBuffer:
    kinds = {name: column.dtype for name, column in columns.items() if name != "env"}
    buffer = ReplayBuffer(ROWS, kinds, Sampler(ROWS, seed=1, **options), sequences=sequences)
    for at in range(0, columns["number"].size, 4):
        buffer.extend(**{name: column[at : at + 4] for name, column in columns.items()})
    return buffer


def theirs(columns: dict[str, NDArray[Any]], sampler: SliceSampler, slices: int) -> TensorDictReplayBuffer:
    length = sampler.slice_len
    buffer = TensorDictReplayBuffer(storage=LazyTensorStorage(ROWS), sampler=sampler, batch_size=slices * length)
    buffer.set_rng(torch.Generator().manual_seed(1))
    values = {name: torch.as_tensor(columns[name]) for name in ("number", "episode", "step")}
    ends = {name: torch.as_tensor(columns[name])[:, None] for name in ("terminated", "truncated")}
    whole = TensorDict({**values, "next": ends}, [columns["number"].size])
    for at in range(0, columns["number"].size, 4):
        buffer.extend(whole[at : at + 4])
    return buffer


def our_windows(buffer: ReplayBuffer, draws: int) -> Counter[Window]:
    batch = buffer.sample(draws)
    return windows(number[mask] for number, mask in zip(batch["number"], batch["mask"], strict=True))


def their_windows(buffer: TensorDictReplayBuffer) -> Counter[Window]:
    """The slices of a batch, which has them one behind the other and says ``truncated`` at the end of each."""
    batch = buffer.sample()
    after = batch["next", "truncated"].numpy().ravel().nonzero()[0] + 1
    assert after[-1] == len(batch)
    return windows(np.split(batch["number"].numpy(), after[:-1]))


def windows(found: Iterable[NDArray[np.int64]]) -> Counter[Window]:
    """How often each came; every one of them must be of steps that follow each other."""
    counts: Counter[Window] = Counter()
    for numbers in found:
        assert (np.diff(numbers) == 1).all()
        counts[int(numbers[0]), numbers.size] += 1
    return counts


def around(episode: list[int], sequences: Sequences) -> list[Window]:
    """The window of each transition t of an episode, cut at its two ends."""
    cut = []
    for at in range(len(episode)):
        first, after = max(0, at - sequences.burn_in), min(len(episode), at + sequences.length)
        cut.append((episode[first], after - first))
    return cut


def assert_drawn(counts: Counter[Window], weights: dict[Window, float]) -> None:
    """All windows that have a weight, and no others, in proportion to it."""
    assert set(counts) == set(weights)
    expected = np.array([weights[window] for window in weights])
    seen = np.array([counts[window] for window in weights])
    assert stats.chisquare(seen, seen.sum() * expected / expected.sum()).pvalue > FALSE_ALARM


def weighted(weights: Iterable[tuple[Window, float]]) -> dict[Window, float]:
    """The sum of each window's weights: near an episode's ends several transitions can have the same window."""
    total: dict[Window, float] = {}
    for window, weight in weights:
        total[window] = total.get(window, 0) + weight
    return total


def full(episode: list[int], sequences: Sequences) -> list[Window]:
    return [window for window in around(episode, sequences) if window[1] == sequences.steps]


def full_or_whole(episode: list[int], sequences: Sequences) -> list[Window]:
    return full(episode, sequences) or [(episode[0], len(episode))]


def of_long_episodes(episode: list[int], sequences: Sequences) -> list[Window]:
    return around(episode, sequences) if len(episode) >= sequences.steps else []


@COUNTS
@pytest.mark.parametrize(
    ("sequences", "options", "wanted", "empty"),
    [
        (Sequences(3), {}, full, 0),
        (Sequences(1), {}, full, 0),
        (Sequences(4), {"strict_length": False}, full_or_whole, 0),
        (Sequences(4), {"strict_length": False, "span": (False, True)}, around, 1),
        (Sequences(2, burn_in=2), {"span": (2, 2)}, of_long_episodes, 0),
        (Sequences(3, burn_in=1), {"span": (1, 1)}, of_long_episodes, 0),
    ],
)
def test_windows(
    sequences: Sequences,
    options: dict[str, Any],
    wanted: Callable[[list[int], Sequences], list[Window]],
    empty: int,
    count: int,
) -> None:
    """Ours are all windows around a transition; with ``options`` TorchRL's are the ``wanted`` ones of them.

    ``empty`` of an episode's starts give a slice of no steps (TorchRL 0.14), which is not seen.
    """
    columns = transitions(count)
    episodes = there(columns)
    assert_drawn(
        our_windows(ours(columns, sequences), DRAWS),
        weighted((window, 1) for episode in episodes for window in around(episode, sequences)),
    )
    sampler = SliceSampler(slice_len=sequences.steps, end_keys=ENDS, **options)
    found = [wanted(episode, sequences) for episode in episodes]
    assert_drawn(
        their_windows(theirs(columns, sampler, DRAWS)),
        weighted((window, 1 / (len(starts) + empty)) for starts in found for window in starts),
    )


@COUNTS
def test_windows_of_interleaved_environments(count: int) -> None:
    """``fragmented`` puts episodes together by their steps' numbers, our links by the environments'."""
    columns, sequences = interleaved(count), Sequences(3, envs=2)
    episodes = {int(columns["episode"][numbers[0]]): numbers for numbers in there(columns)}
    step_of = {number: (e, step) for e, numbers in episodes.items() for step, number in enumerate(numbers)}

    def starts(found: Iterable[NDArray[np.int64]]) -> Counter[Window]:
        """By episode and place in it, of the windows of three steps."""
        counts: Counter[Window] = Counter()
        for numbers in found:
            episode, at = step_of[int(numbers[0])]
            assert numbers.tolist() == episodes[episode][at : at + 3]
            counts[episode, at] += numbers.size == 3
        return +counts

    batch = ours(columns, sequences).sample(DRAWS)
    sampler = SliceSampler(slice_len=3, fragmented=True, traj_key="episode", step_key="step", truncated_key=None)
    slices = theirs(columns, sampler, DRAWS).sample()["number"].numpy().reshape(-1, 3)
    places = [[(e, at) for at in range(len(numbers) - 2)] for e, numbers in episodes.items()]
    assert_drawn(
        starts(number[mask] for number, mask in zip(batch["number"], batch["mask"], strict=True)),
        weighted((place, 1) for of_one in places for place in of_one),
    )
    assert_drawn(starts(slices), weighted((place, 1 / len(of_one)) for of_one in places for place in of_one))


class Tree:
    """What TorchRL's sum and min trees in C++ do, for where they do not load (torch of another version)."""

    def __init__(self, rows: int, *, neutral: float, reduced: Any) -> None:
        self.values, self.reduced = np.full(rows, neutral), reduced

    def __getitem__(self, rows: Any) -> Any:
        return self.values[rows]

    def __setitem__(self, rows: Any, values: Any) -> None:
        self.values[rows] = values

    def query(self, first: int, after: int) -> Any:
        return self.reduced(self.values[first:after])

    def scan_lower_bound(self, mass: Any) -> NDArray[np.int64]:
        return np.searchsorted(np.cumsum(self.values), np.asarray(mass))


@pytest.fixture
def trees(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind, neutral, reduced in [("Sum", 0.0, np.sum), ("Min", np.inf, np.min)]:
        for width in ("32", "64"):
            if getattr(prioritized, name := f"{kind}SegmentTreeFp{width}") is None:
                monkeypatch.setattr(prioritized, name, partial(Tree, neutral=neutral, reduced=reduced))


@COUNTS
@pytest.mark.parametrize(("strict", "wanted"), [(True, full), (False, full_or_whole)])
@pytest.mark.usefixtures("trees")
def test_windows_by_priority(count: int, strict: bool, wanted: Callable[[list[int], Sequences], list[Window]]) -> None:
    """Both draw a start with the probability of its priority: theirs of the starts of ``wanted``, ours of all."""
    columns, sequences = transitions(count), Sequences(3)
    episodes = there(columns)
    numbers = np.concatenate(episodes)
    errors = np.random.default_rng(3).permuted(np.linspace(0.1, 2, numbers.size))
    p = dict(zip(numbers.tolist(), (errors + 1e-6) ** 0.7, strict=True))

    buffer = ours(columns, sequences, alpha=0.7)
    buffer.update_errors(numbers, errors)
    sampler = PrioritizedSliceSampler(ROWS, 0.7, 0.5, 1e-6, slice_len=3, end_keys=ENDS, strict_length=strict)
    other = theirs(columns, sampler, 2 * DRAWS)
    other.update_priority(torch.as_tensor(numbers % ROWS), torch.as_tensor(errors))

    mine = our_windows(buffer, 2 * DRAWS)
    weights = {
        kind: weighted((window, p[window[0]]) for episode in episodes for window in kind(episode, sequences))
        for kind in (around, wanted)
    }
    assert_drawn(mine, weights[around])
    assert_drawn(their_windows(other), weights[wanted])
    assert_drawn(Counter({window: mine[window] for window in weights[wanted]}), weights[wanted])
