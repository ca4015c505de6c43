"""Frames stored once, against a buffer that stores all of it: the same batches, from far less memory."""

from __future__ import annotations

import copy

import cpprb
import numpy as np
import pytest

from amper import Frames, NStep, ReplayBuffer, Sampler, Sequences

COMPILED = pytest.mark.parametrize("compiled", [True, False])


def columns(stack: int) -> dict[str, object]:
    obs = ("uint8", (stack, 3, 2)) if stack > 1 else ("uint8", (3, 2))
    return {"obs": obs, "reward": "float32", "next_obs": obs, "terminated": "bool", "truncated": "bool"}


class World:
    """Environments that stack their last frames; some breaks are not at the end of an episode."""

    def __init__(self, stack: int, envs: int, seed: int) -> None:
        self.stack, self.random = stack, np.random.default_rng(seed)
        self.seen = [self.start() for _ in range(envs)]

    def frame(self) -> np.ndarray:
        return self.random.integers(0, 256, (3, 2), dtype=np.uint8)

    def start(self) -> np.ndarray:
        first = self.frame()
        return np.stack([first] * self.stack)

    def step(self, env: int) -> dict[str, object]:
        obs = self.seen[env]
        next_obs = np.concatenate([obs[1:], self.frame()[None]])
        if self.random.random() < 0.05:  # frames are skipped: it is no stack that moves on
            next_obs = np.stack([self.frame() for _ in range(self.stack)])
        end = self.random.random() < 0.1
        cut = self.random.random() < 0.05  # nobody says so
        self.seen[env] = self.start() if end or cut else next_obs
        if self.stack == 1:
            obs, next_obs = obs[0], next_obs[0]
        return {
            "obs": obs, "reward": float(self.random.random()), "next_obs": next_obs,
            "terminated": bool(end), "truncated": False,
        }  # fmt: skip


def fill(buffers: list[ReplayBuffer], world: World, count: int) -> None:
    """Singly and several at a time, also of one environment."""
    done = 0
    while done < count:
        size = int(world.random.integers(1, 6))
        envs = world.random.integers(0, len(world.seen), size)
        steps = [world.step(env) for env in envs]
        for buffer in buffers:
            given = (
                {} if buffer.frames is None and buffer.n_step is None and buffer.sequences is None else {"env": envs}
            )
            if size == 1:
                buffer.add(**steps[0], **({"env": int(envs[0])} if given else {}))
            else:
                buffer.extend(**{name: np.array([each[name] for each in steps]) for name in steps[0]}, **given)
        done += size


@COMPILED
@pytest.mark.parametrize("stack", [1, 2, 4])
@pytest.mark.parametrize("envs", [1, 3])
@pytest.mark.parametrize("rows", [1, 5, 40])
@pytest.mark.parametrize("kind", ["one", "n_step", "sequences"])
def test_they_come_out_as_they_went_in(kind, rows, envs, stack, compiled):
    options = {"one": {}, "n_step": {"n_step": NStep(3, envs=envs)}, "sequences": {"sequences": Sequences(3, 2, envs)}}
    made = [
        ReplayBuffer(rows, columns(stack), Sampler(rows, seed=1), compiled=compiled, frames=frames, **options[kind])
        for frames in (None, Frames(stack, envs=envs))
    ]
    world = World(stack, envs, seed=rows + stack)
    for _ in range(6):
        fill(made, world, 23)
        first, second = (buffer.sample(50) for buffer in made)
        assert list(first) == list(second)
        for name, value in first.items():
            np.testing.assert_array_equal(value, second[name], err_msg=name)


def test_files_copies_clear_and_the_slots(tmp_path):
    buffer = ReplayBuffer(40, columns(4), frames=Frames(4, envs=2))
    world = World(4, 2, seed=1)
    fill([buffer], world, 100)
    again = ReplayBuffer(40, columns(4), frames=Frames(4, envs=2))
    buffer.save(tmp_path / "saved")
    again.load(tmp_path / "saved")
    copied = copy.deepcopy(buffer)
    three = [buffer, again, copied]
    for _ in range(3):
        batches = [each.sample(60) for each in three]
        for name, value in batches[0].items():
            np.testing.assert_array_equal(value, batches[1][name])
            np.testing.assert_array_equal(value, batches[2][name])
        fill(three, world, 33)
    slots = len(buffer._frames.arrays()["frames_slots"])
    buffer.clear()
    fill([buffer], world, 33)
    assert len(buffer._frames.arrays()["frames_slots"]) == slots  # used again
    with pytest.raises(ValueError, match=r"^a buffer with frames keeps its size, and this one has Frames"):
        buffer.resized(50)
    with pytest.raises(ValueError, match="must be of a buffer with frames"):
        ReplayBuffer(40, columns(4)).load(tmp_path / "saved")


def test_the_memory_of_a_game():
    """An episode of 1000 steps of 84 x 84 x 4 pixels takes one frame a transition, not eight."""
    obs = ("uint8", (4, 84, 84))
    buffer = ReplayBuffer(2000, {"obs": obs, "next_obs": obs}, frames=Frames(4))
    seen = np.zeros((4, 84, 84), np.uint8)
    for step in range(2000):
        if step % 1000 == 0:
            seen = np.zeros_like(seen)
        after = np.concatenate([seen[1:], np.full((1, 84, 84), step % 256, np.uint8)])
        buffer.add(obs=seen, next_obs=after)
        seen = after
    a_row = buffer.columns["obs"].nbytes / 2000 + buffer.memory_per_row
    assert a_row < 1.05 * 84 * 84


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Frames(0), ValueError, "stack must be 1 to 256, not 0"),
        (lambda: ReplayBuffer(4, columns(4), frames=4), TypeError, "frames must be a Frames or None, not 4"),
        (
            lambda: ReplayBuffer(4, {"obs": "f4"}, frames=Frames(1)),
            ValueError,
            "frames need the column 'next_obs', and the columns are obs",
        ),
        (
            lambda: ReplayBuffer(4, columns(3), frames=Frames(4)),
            ValueError,
            "frames need one type and shape, with 4 frames first, not ('u1', (3, 3, 2)) and ('u1', (3, 3, 2))",
        ),
        (
            lambda: ReplayBuffer(4, {"obs": "f4", "next_obs": "f8"}, frames=Frames(1)),
            ValueError,
            "frames need one type and shape, not float32 and float64",
        ),
        (
            lambda: ReplayBuffer(4, columns(4), n_step=NStep(2, envs=2), frames=Frames(4)),
            ValueError,
            "frames must be of 2 environments, as NStep",
        ),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error) as raised:
        make()
    assert str(raised.value).startswith(message)


def test_the_same_as_cpprbs_compressed_stacks():
    """cpprb stacks along the last axis, and has to be told of each end."""
    ours = ReplayBuffer(200, columns(4), frames=Frames(4))
    seen = {"shape": (3, 2, 4), "dtype": np.uint8}
    theirs = cpprb.ReplayBuffer(200, {"obs": seen, "reward": {}}, next_of="obs", stack_compress="obs")
    random = np.random.default_rng(4)
    for steps in (1, 30, 3, 70, 46):
        obs = np.repeat(random.integers(0, 256, (1, 3, 2), np.uint8), 4, axis=0)
        for step in range(steps):
            next_obs = np.concatenate([obs[1:], random.integers(0, 256, (1, 3, 2), np.uint8)])
            ours.add(obs=obs, reward=step, next_obs=next_obs, terminated=step == steps - 1, truncated=False)
            theirs.add(obs=np.moveaxis(obs, 0, -1), reward=step, next_obs=np.moveaxis(next_obs, 0, -1))
            obs = next_obs
        theirs.on_episode_end()
    every, drawn = theirs.get_all_transitions(), ours.sample(2000)
    assert set(drawn["indices"].tolist()) == set(range(150))
    for name in ("obs", "next_obs"):
        assert np.array_equal(drawn[name], np.moveaxis(every[name], -1, 1)[drawn["indices"]]), name
    assert np.array_equal(drawn["reward"], every["reward"][drawn["indices"], 0])
