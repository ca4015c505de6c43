"""Sequences against a naive reference, which keeps whole episodes in lists."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import amper
from amper import NStep, ReplayBuffer, Sampler, Sequences

COMPILED = pytest.mark.parametrize("compiled", [True, False])
COLUMNS = {"x": ("int64", 2), "state": ("float32", 3), "terminated": "bool", "truncated": "bool"}


class Episodes:
    """All transitions, ever, by environment and episode; a sequence is cut out of the list that t is in."""

    def __init__(self, envs: int) -> None:
        self.of_env = [[[]] for _ in range(envs)]
        self.where: list[tuple[int, int, int]] = []  # of each transition: environment, episode, place

    def add(self, env: int, over: bool) -> None:
        episode = self.of_env[env][-1]
        self.where.append((env, len(self.of_env[env]) - 1, len(episode)))
        episode.append(len(self.where) - 1)
        if over:
            self.of_env[env].append([])

    def around(self, t: int, burn_in: int, length: int, oldest: int) -> list[int | None]:
        env, number, place = self.where[t]
        episode = self.of_env[env][number]
        steps = [episode[at] if 0 <= at < len(episode) else None for at in range(place - burn_in, place + length)]
        return [None if step is None or step < oldest else step for step in steps]


def filled(rows: int, sequences: Sequences, count: int, compiled: bool, seed: int) -> tuple[ReplayBuffer, Episodes]:
    """Transitions of environments in any order, singly and several at a time."""
    random = np.random.default_rng(seed)
    buffer = ReplayBuffer(rows, COLUMNS, Sampler(rows, seed=1), sequences=sequences, compiled=compiled)
    episodes = Episodes(sequences.envs)
    number = 0
    while number < count:
        size = int(random.integers(1, 9))
        envs = random.integers(0, sequences.envs, size)
        ends = random.random((size, 2)) < 0.1
        numbers = np.arange(number, number + size)
        values = {
            "x": np.stack([numbers, envs], axis=1),
            "state": np.repeat(numbers[:, None], 3, axis=1).astype(np.float32),
            "terminated": ends[:, 0],
            "truncated": ends[:, 1],
        }
        if size == 1:
            buffer.add(env=int(envs[0]), **{name: value[0] for name, value in values.items()})
        else:
            buffer.extend(env=envs, **values)
        for env, end in zip(envs, ends, strict=True):
            episodes.add(int(env), bool(end.any()))
        number += size
    return buffer, episodes


@COMPILED
@pytest.mark.parametrize(("length", "burn_in", "envs"), [(1, 0, 1), (4, 0, 2), (3, 2, 3), (1, 5, 1), (30, 30, 2)])
@pytest.mark.parametrize("count", [20, 90])
def test_they_are_cut_out_of_episodes(length, burn_in, envs, count, compiled):
    sequences = Sequences(length, burn_in, envs, first=("state",))
    buffer, episodes = filled(40, sequences, count, compiled, seed=length)
    batch = buffer.sample(80)
    added = len(episodes.where)
    assert batch["x"].shape == (80, burn_in + length, 2)
    assert batch["state"].shape == (80, 3)
    for i, t in enumerate(batch["indices"].tolist()):
        wanted = episodes.around(t, burn_in, length, added - 40)
        assert wanted[burn_in] == t
        assert batch["mask"][i].tolist() == [step is not None for step in wanted]
        real = [step for step in wanted if step is not None]
        assert batch["steps"][i][batch["mask"][i]].tolist() == real
        assert batch["x"][i][batch["mask"][i]].tolist() == [[step, episodes.where[step][0]] for step in real]
        assert set(batch["x"][i, :, 0].tolist()) == set(real)  # the others repeat one of them
        assert batch["state"][i].tolist() == [real[0]] * 3


def test_it_is_drawn_by_the_priority_of_its_transition():
    buffer = ReplayBuffer(50, COLUMNS, sequences=Sequences(3))
    for number in range(50):
        buffer.add(x=[number, 0], state=np.zeros(3), terminated=False, truncated=False)
    batch = buffer.sample(30)
    errors = np.where(batch["mask"], batch["steps"] == 17, 99.0)
    priorities = amper.sequence_priorities(errors, batch["mask"])
    buffer.update(np.arange(50), np.full(50, 1e-9))
    buffer.update(batch["indices"], np.maximum(priorities, 1e-9))
    holds_17 = set(batch["indices"][(batch["steps"] == 17).any(axis=1)].tolist())
    assert holds_17
    assert set(buffer.sample(200)["indices"].tolist()) == holds_17


def test_priorities_of_sequences():
    errors, mask = [[1.0, -3.0, 100.0], [2.0, 0.0, 0.0]], [[True, True, False], [True, True, True]]
    np.testing.assert_allclose(amper.sequence_priorities(errors, mask), [0.9 * 3 + 0.1 * 2, 0.9 * 2 + 0.1 * 2 / 3])
    np.testing.assert_allclose(amper.sequence_priorities(errors, mask, eta=0), [2, 2 / 3])
    for bad, message in [
        (([1.0], [True]), r"^errors and mask must have one shape \(b, steps\), not \(1,\) and \(1,\)$"),
        ((errors, [[True] * 3, [False] * 3]), "^mask must have a step in each sequence, and sequence 1 has none$"),
        ((errors, mask, 2), "^eta must be 0 to 1, not 2$"),
    ]:
        with pytest.raises(ValueError, match=message):
            amper.sequence_priorities(*bad)


@COMPILED
def test_copies_and_files(tmp_path, compiled):
    sequences = Sequences(3, 2, envs=2, first=("state",))
    buffer, _ = filled(40, sequences, 90, compiled, seed=3)
    again = ReplayBuffer(40, COLUMNS, Sampler(40, seed=1), sequences=sequences, compiled=compiled)
    buffer.save(tmp_path / "saved")
    again.load(tmp_path / "saved")
    copied, batch = copy.deepcopy(buffer), buffer.sample(30)
    for other in (again, copied):
        for name, value in other.sample(30).items():
            np.testing.assert_array_equal(value, batch[name])
    other = ReplayBuffer(40, COLUMNS, sequences=Sequences(3, 2, envs=2))
    with pytest.raises(ValueError, match="must be of a buffer with sequences"):
        other.load(tmp_path / "saved")
    tensors = buffer.sample(5, tensors=True)
    assert tuple(tensors["mask"].shape) == (5, 5)
    out = buffer.sample(6)
    assert buffer.sample(6, out=out) is out


@COMPILED
def test_a_cleared_buffer_has_no_steps_from_before(compiled):
    buffer, _ = filled(40, Sequences(2, 2), 30, compiled, seed=5)
    buffer.clear()
    buffer.add(x=[7, 0], state=np.zeros(3), terminated=False, truncated=False)
    batch = buffer.sample(3)
    assert batch["mask"].tolist() == [[False, False, True, False]] * 3


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Sequences(0), ValueError, "length must be 1 to 4096, not 0"),
        (lambda: Sequences(1, -1), ValueError, "burn_in must be 0 to 4096, not -1"),
        (lambda: Sequences(1, first="state"), TypeError, "first must be a sequence of names, not 'state'"),
        (
            lambda: ReplayBuffer(4, {"x": "f4"}, sequences=Sequences(1)),
            ValueError,
            "sequences need the column 'terminated', and the columns are x",
        ),
        (
            lambda: ReplayBuffer(4, {"terminated": "f4"}, sequences=Sequences(1, truncated=None)),
            TypeError,
            "sequences need bool of the shape () in the column 'terminated', not float32 of the shape ()",
        ),
        (
            lambda: ReplayBuffer(4, {"terminated": "?", "mask": "?"}, sequences=Sequences(1, truncated=None)),
            ValueError,
            "sequences give 'mask' themselves, and it is a column",
        ),
        (lambda: ReplayBuffer(4, COLUMNS, sequences=3), TypeError, "sequences must be a Sequences or None, not 3"),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error) as raised:
        make()
    assert str(raised.value) == message


def test_n_step_and_sequences_exclude_each_other():
    columns = {**COLUMNS, "reward": "f4", "next_obs": "f4"}
    with pytest.raises(ValueError, match=r"^n_step and sequences exclude each other"):
        ReplayBuffer(4, columns, n_step=NStep(2), sequences=Sequences(2))
