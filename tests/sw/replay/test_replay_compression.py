"""A buffer with compressed columns does what the same one without does, bit for bit, and takes less memory."""

from __future__ import annotations

import copy
import pickle
import re

import numpy as np
import pytest

from amper import Compression, Frames, NStep, ReplayBuffer, Sequences

IMAGE = ("uint8", (3, 12, 12))
COLUMNS = {
    "obs": {"image": IMAGE, "pose": ("float64", 16)},
    "reward": "float32",
    "next_obs": {"image": IMAGE, "pose": ("float64", 16)},
    "terminated": "bool",
    "truncated": "bool",
}
ROWS = 40


def observation(number: int) -> dict[str, np.ndarray]:
    """Few colours, as games have, and numbers that go on evenly."""
    frames = [np.tile(np.uint8([step % 5, 0, step % 3]), (12, 4)) for step in range(number - 2, number + 1)]
    return {"image": np.stack(frames), "pose": number + np.arange(16) / 16}


def transition(number: int) -> dict[str, object]:
    ends = {"terminated": number % 11 == 10, "truncated": False}
    return {"obs": observation(number), "reward": number, "next_obs": observation(number + 1), **ends}


def pair(codec: str = "lz4", **options) -> tuple[ReplayBuffer, ReplayBuffer]:
    """The same transitions in both, with and without ``add``, over the ring's end."""
    compression = Compression(("obs", "next_obs/image"), codec)
    buffers = ReplayBuffer(ROWS, COLUMNS, **options), ReplayBuffer(ROWS, COLUMNS, **options, compression=compression)
    for buffer in buffers:
        for number in range(30):
            buffer.add(**transition(number))
        many = [transition(number) for number in range(30, 55)]
        stacked = {name: np.stack([each[name] for each in many]) for name in ("reward", "terminated", "truncated")}
        for name in ("obs", "next_obs"):
            stacked[name] = {key: np.stack([each[name][key] for each in many]) for key in many[0][name]}
        buffer.extend(**stacked)
    return buffers


def assert_same(plain: ReplayBuffer, other: ReplayBuffer) -> None:
    first, second = plain.sample(64), other.sample(64)
    for name in first:
        np.testing.assert_equal(second[name], first[name], err_msg=name)
    assert len(set(first["indices"].tolist())) > 10


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"codec": "zstd", "n_step": NStep(3)},
        {"codec": "blosc", "sequences": Sequences(3, burn_in=1, first=("obs/pose",))},
        {"frames": Frames(3, "obs/image", "next_obs/image"), "codec": "zstd"},
    ],
    ids=str,
)
def test_the_same_batches(options, tmp_path):
    if "frames" in options:  # of which next_obs is not stored
        codec = options.pop("codec")
        plain = ReplayBuffer(ROWS, COLUMNS, **options)
        packed = ReplayBuffer(ROWS, COLUMNS, **options, compression=Compression(("obs",), codec))
        for buffer in (plain, packed):
            for number in range(55):
                buffer.add(**transition(number))
    else:
        plain, packed = pair(**options)
    assert_same(plain, packed)
    assert packed.stored_bytes < plain.stored_bytes * (0.8 if packed.frames else 0.5)
    for again in (copy.deepcopy(packed), pickle.loads(pickle.dumps(packed))):
        assert_same(copy.deepcopy(plain), again)
    packed.save(tmp_path / "packed")
    plain.save(tmp_path / "plain")
    assert (tmp_path / "packed").stat().st_size < (tmp_path / "plain").stat().st_size * (0.9 if packed.frames else 0.6)
    packed.load(tmp_path / "packed")
    assert_same(plain, packed)


def test_tensors_and_given_batches():
    plain, packed = pair()
    for options in ({"tensors": True}, {"replace": False}):
        first, second = plain.sample(16, **options), packed.sample(16, **options)
        assert all((a == b).all() for a, b in zip(flat(first), flat(second), strict=True))
    batch = packed.sample(16)
    assert packed.sample(16, out=batch) is batch
    plain.sample(16)
    np.testing.assert_equal(batch, plain.sample(16))


def flat(value: object) -> list[object]:
    return [leaf for each in value.values() for leaf in flat(each)] if isinstance(value, dict) else [value]


def test_another_size(tmp_path):
    plain, packed = pair(n_step=NStep(2))
    packed.save(tmp_path / "file")
    for rows in (25, 70):
        assert_same(copy.deepcopy(plain).resized(rows), copy.deepcopy(packed).resized(rows))
    fresh = ReplayBuffer(25, COLUMNS, n_step=NStep(2), compression=packed.compression)
    fresh.load(tmp_path / "file", adapt=True)
    batch = fresh.sample(50)
    assert (batch["obs"]["pose"][:, 0] == batch["indices"]).all()


def test_what_was_forgotten_takes_no_memory():
    _, packed = pair()
    before = packed.stored_bytes
    packed.clear()
    assert packed.stored_bytes < before
    packed.add(**transition(7))
    assert (packed.sample(3)["obs"]["pose"][:, 0] == 7).all()


def test_files_of_other_compressions_are_refused(tmp_path):
    plain, packed = pair()
    plain.save(tmp_path / "plain")
    packed.save(tmp_path / "packed")
    with pytest.raises(ValueError, match=r"plain must be of a buffer with compression {'columns': .*}, not None$"):
        packed.load(tmp_path / "plain")
    with pytest.raises(ValueError, match=r"packed must be of a buffer with compression None, not {'columns': .*}$"):
        plain.load(tmp_path / "packed")


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: Compression("obs"), TypeError, "columns must be a sequence of names, not 'obs'"),
        (lambda: Compression(()), ValueError, "columns must have at least one name, not none"),
        (lambda: Compression(("obs",), "jpeg"), ValueError, "codec must be one of lz4, zstd, blosc, not 'jpeg'"),
        (
            lambda: ReplayBuffer(4, {"x": "int64", "y": "int64"}, compression=Compression(("z",))),
            ValueError,
            "compression needs stored columns, x, y, and 'z' is none",
        ),
        (
            lambda: ReplayBuffer(4, {"x": "int64"}, compression=Compression(("x",))),
            ValueError,
            "compression must leave at least one of the columns x",
        ),
        (
            lambda: ReplayBuffer(4, COLUMNS, n_step=NStep(2), compression=Compression(("reward",))),
            ValueError,
            "compression must leave 'reward', which says where an episode ends or what it earns",
        ),
        (
            lambda: ReplayBuffer(4, {"x": "int64"}, compression="lz4"),
            TypeError,
            "compression must be a Compression or None, not 'lz4'",
        ),
    ],
)
def test_errors(make, error, text):
    with pytest.raises(error, match=f"^{re.escape(text)}$"):
        make()
