"""What ``ReplayBuffer`` promises: rows in turn, any type and shape, batches of one moment, compiled or not."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from amper import NoValidRowError, NStep, ReplayBuffer, Sampler
from amper.replay.rows import NumpyRows
from amper.sampler import choice as sampler_core

ROOT = Path(__file__).parents[3]
# Odd sizes, so that the columns of a row are not aligned; every size that is copied in its own way.
COLUMNS = {
    "image": ("uint8", (3, 5, 7)),
    "obs": ("float32", 4),
    "action": "int64",
    "reward": "float32",
    "flag": "bool",
    "wide": "float64",
    "half": "float16",
    "pair": ("int32", (2,)),
    "eight": ("float32", (2, 4)),
    "phase": "complex128",
    "name": "U3",
    "when": "datetime64[s]",
}
KINDS = pytest.mark.parametrize("kind", [{"compiled": True}, {"compiled": False}, {"folder": True}], ids=str)


def made(rows: int, kind: dict, folder: Path, columns=COLUMNS, sampler="per", **options) -> ReplayBuffer:
    if "folder" in kind:
        kind = {"folder": folder / "mapped"}
    return ReplayBuffer(rows, columns, sampler, **kind, **options)


def some(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    """``count`` transitions of COLUMNS, of the columns' very types."""
    values = {}
    for name, spec in COLUMNS.items():
        dtype, shape = spec if isinstance(spec, tuple) else (spec, ())
        shape = shape if isinstance(shape, tuple) else (shape,)
        whole = rng.integers(0, 2 if dtype == "bool" else 100, (count, *shape))
        values[name] = whole.astype(dtype)
    return values


@KINDS
def test_random_operations(kind, tmp_path):
    """Against rows kept as a list: what is drawn is what was added last to that row, in every column."""
    rng = np.random.default_rng(1)
    rows = 11
    buffer = made(rows, kind, tmp_path)
    kept: list[dict | None] = [None] * rows
    added = 0
    for _ in range(300):
        count = int(rng.integers(1, rows + 1))
        values = some(rng, count)
        if rng.random() < 0.7:
            one = {name: value[0] for name, value in values.items()}
            got = [buffer.add(**one)]
        else:
            got = buffer.extend(**values).tolist()
        assert got == [added + i for i in range(len(got))]
        for i, number in enumerate(got):
            kept[number % rows] = {name: value[i] for name, value in values.items()}
        added += len(got)
        assert len(buffer) == min(added, rows)
        batch = buffer.sample(int(rng.integers(1, 100)))
        assert list(batch) == [*COLUMNS, "indices", "weights"]
        for name in COLUMNS:
            assert batch[name].dtype == values[name].dtype
            expected = np.stack([kept[number % rows][name] for number in batch["indices"]])
            np.testing.assert_array_equal(batch[name], expected)


def test_compiled_or_not_the_same():
    """Over random operations, batches of all sizes and updates; also which values are taken, and as what."""
    buffers = [
        ReplayBuffer(50, COLUMNS, Sampler(50, mode="amper-fr", seed=3), compiled=which) for which in (True, False)
    ]
    assert [type(buffer._rows) is NumpyRows for buffer in buffers] == [False, True]
    rng = np.random.default_rng(2)
    for _ in range(200):
        values = some(rng, int(rng.integers(1, 50)))
        size, errors = int(rng.integers(1, 200)), rng.normal(size=200)
        batches = []
        for buffer in buffers:
            buffer.extend(**values)
            batches.append(buffer.sample(size))
            buffer.update_errors(batches[-1]["indices"], errors[:size])
        for name, value in batches[0].items():
            np.testing.assert_array_equal(value, batches[1][name])


# (column type, value, what is stored)
TAKEN = [
    ("float32", 0.1, np.float32(0.1)),
    ("float32", np.float64(0.1), np.float32(0.1)),
    ("float32", 3, np.float32(3)),
    ("float32", True, np.float32(1)),
    ("float32", float("inf"), np.float32("inf")),
    ("float32", np.array(0.1), np.float32(0.1)),
    ("float64", 1e300, np.float64(1e300)),
    ("float64", np.float32(0.1), np.float64(np.float32(0.1))),
    ("float64", 2**53, np.float64(2**53)),
    ("float16", 0.1, np.float16(0.1)),
    ("int64", -(2**63), np.int64(-(2**63))),
    ("int64", np.int32(7), np.int64(7)),
    ("int32", -(2**31), np.int32(-(2**31))),
    ("int16", 2**15 - 1, np.int16(2**15 - 1)),
    ("int8", -128, np.int8(-128)),
    ("int8", np.uint8(127), np.int8(127)),
    ("uint8", 255, np.uint8(255)),
    ("uint64", 2**64 - 1, np.uint64(2**64 - 1)),
    ("bool", True, np.True_),
    ("bool", np.False_, np.False_),
    ("complex64", 2.5, np.complex64(2.5)),
    (">f4", 0.1, np.float32(0.1)),
    ("S4", b"ab", np.bytes_(b"ab")),
]


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize(("dtype", "value", "stored"), TAKEN)
def test_values_that_are_taken(compiled, dtype, value, stored):
    """By ``add`` and ``extend`` alike."""
    buffer = ReplayBuffer(4, {"x": dtype}, compiled=compiled)
    buffer.add(x=value)
    buffer.extend(x=np.array([value]))
    column = buffer.columns["x"]
    assert column[0] == column[1] == stored
    assert column.dtype == stored.dtype or dtype == "S4"


@pytest.mark.parametrize("compiled", [True, False])
def test_arrays_that_are_not_contiguous_or_of_another_type(compiled):
    buffer = ReplayBuffer(9, {"x": ("float32", (2, 3))}, compiled=compiled)
    values = np.arange(24.0).reshape(2, 3, 4)
    one = values[..., 1]
    for value in (one, one.astype("float32"), values.astype("int16")[..., 1], one.tolist()):
        row = buffer.add(x=value)
        np.testing.assert_array_equal(buffer.columns["x"][row], one)
    buffer.extend(x=np.moveaxis(values, 2, 0))
    np.testing.assert_array_equal(buffer.columns["x"][4:8], np.moveaxis(values, 2, 0))


def test_a_column_may_have_any_name():
    names = ["self", "batch", "transition", "rows", "größe", "a b"]
    buffer = ReplayBuffer(3, dict.fromkeys(names, "int64"))
    buffer.add(**dict.fromkeys(names, 1))
    buffer.extend(**{name: [2] for name in names})
    assert all(set(buffer.sample(50)[name].tolist()) == {1, 2} for name in names)


def test_many_columns():
    """More than the compiled rows keep on the stack."""
    columns = {f"c{i}": ("int32", 1 + i % 3) for i in range(40)}
    buffer = ReplayBuffer(5, columns)
    for row in range(7):
        buffer.add(**{name: np.full(1 + i % 3, 100 * row + i, np.int32) for i, name in enumerate(columns)})
    batch = buffer.sample(30)
    number = np.array([5, 6, 2, 3, 4])[batch["indices"] % 5]
    for i, name in enumerate(columns):
        assert (batch[name] == (100 * number + i)[:, None]).all()


@pytest.mark.parametrize("tensors", [False, True])
@pytest.mark.parametrize("n_step", [None, NStep(2)], ids=["one", "steps"])
@pytest.mark.parametrize("compiled", [True, False])
def test_a_batch_stays_as_it_was_drawn(compiled, n_step, tensors):
    """Of several that are kept, as for gradients, none is overwritten by the next."""
    columns = {"next_obs": "int64", "reward": "float32", "terminated": "bool", "truncated": "bool"}
    buffer = ReplayBuffer(1000, columns, n_step=n_step, compiled=compiled)
    ends = np.ones(1000, bool)
    buffer.extend(next_obs=np.arange(1000), reward=np.arange(1000), terminated=ends, truncated=ends)
    kept = [buffer.sample(8, tensors=tensors) for _ in range(4)]
    for batch in kept:
        assert batch["next_obs"].tolist() == batch["indices"].tolist() == batch["reward"].tolist()
    assert len({tuple(batch["indices"].tolist()) for batch in kept}) == 4
    for name in kept[0]:
        assert len({np.asarray(batch[name]).ctypes.data for batch in kept}) == 4


@pytest.mark.parametrize("tensors", [False, True])
@pytest.mark.parametrize("n_step", [None, NStep(2)], ids=["one", "steps"])
@pytest.mark.parametrize("compiled", [True, False])
def test_arrays_are_used_again_if_asked_for(compiled, n_step, tensors):
    columns = {"next_obs": ("int32", 3), "reward": "float32", "terminated": "bool", "truncated": "bool"}
    one, other = (ReplayBuffer(50, columns, Sampler(50, seed=1), n_step=n_step, compiled=compiled) for _ in range(2))
    for buffer in (one, other):
        buffer.extend(
            next_obs=np.arange(150).reshape(50, 3),
            reward=np.arange(50),
            terminated=np.arange(50) % 7 == 6,
            truncated=np.zeros(50, bool),
        )
    first = one.sample(9, tensors=tensors)
    arrays = dict(first)
    other.sample(9)
    for _ in range(3):
        again, expected = one.sample(9, tensors=tensors, out=first), other.sample(9, tensors=tensors)
        assert again is first
        assert list(again) == list(expected)
        for name, array in again.items():
            assert array is arrays[name]
            np.testing.assert_array_equal(array, expected[name])


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize(
    "options",
    [
        {"mode": "per"},
        {"mode": "uniform"},
        {"mode": "amper-fr"},
        {"mode": "amper-k", "weights": "inclusion"},
        {"mode": "per", "beta": lambda batches: batches / 40},
        {"mode": "per", "compiled": False},
        {"mode": "amper-fr", "bit_exact": True},
    ],
    ids=["per", "uniform", "amper-fr", "inclusion", "schedule", "fallback", "bit-exact"],
)
def test_drawn_in_one_call_or_in_steps(options, compiled):
    """The compiled rows draw and gather in one call, if all is as it mostly is; that changes nothing."""
    rows = 300
    one, steps = (ReplayBuffer(rows, COLUMNS, Sampler(rows, seed=3, **options), compiled=compiled) for _ in range(2))
    rng = np.random.default_rng(3)
    for turn in range(20):
        values, errors = some(rng, 60), rng.normal(size=8)
        beta = (None, 0.7, 1)[turn % 3]
        for buffer in (one, steps):
            buffer.extend(**values)
        for _ in range(2):
            batch, same = one.sample(8, beta), steps.sample(8, beta)
            assert list(batch) == list(same) == [*COLUMNS, "indices", "weights"]
            for name, value in same.items():
                np.testing.assert_array_equal(batch[name], value)
        for buffer in (one, steps):
            buffer.update_errors(batch["indices"], errors)
    assert one.sampler.state()["batches"] == 40


@pytest.mark.parametrize("compiled", [True, False])
def test_a_draw_that_failed_holds_up_nobody(compiled):
    """Whatever is wrong, the lock is given back, and a batch to be overwritten is as it was."""
    buffer = ReplayBuffer(5, {"x": "int64"}, compiled=compiled)
    buffer.add(x=7)
    first = buffer.sample(3)
    for batch, beta in ((0, 0.4), (3.0, 0.4), (3, -1.0), (3, "1"), (np.ones(2, np.int64), 0.4)):
        with pytest.raises((TypeError, ValueError), match=r"^(batch|beta) must "):
            buffer.sample(batch, beta)
    buffer.remove([0])
    for out in (None, first):
        with pytest.raises(NoValidRowError, match=r"^sample needs at least one row with a priority"):
            buffer.sample(3, out=out)
    assert first["x"].tolist() == [7, 7, 7]
    buffer.add(x=8)
    assert buffer.sample(3, out=first)["x"].tolist() == [8, 8, 8]


@pytest.fixture
def eager_threads():
    """Threads take turns every few microseconds, so that what can go wrong between them does."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("eager_threads")
@pytest.mark.parametrize("compiled", [True, False])
def test_threads(compiled):
    """One writer and three that sample: every row is whole, and of the moment of its index and of its batch."""
    rows, batch = 500, 100
    buffer = ReplayBuffer(rows, {"number": "int64", "image": ("int32", 300)}, compiled=compiled)
    buffer.extend(number=np.arange(rows), image=np.repeat(np.arange(rows), 300).reshape(rows, 300))
    drawn: list[int] = []
    wrong: list[str] = []

    def write() -> None:
        number = rows
        while len(drawn) < 1000:
            numbers = np.arange(number, number + 59)
            buffer.extend(number=numbers, image=np.repeat(numbers, 300).reshape(59, 300))
            buffer.add(number=number + 59, image=np.full(300, number + 59, np.int32))
            number += 60

    def sample() -> None:
        while len(drawn) < 1000:
            got = buffer.sample(batch)
            number = got["number"]
            if (got["image"] != number[:, None]).any():
                wrong.append("a torn row")
            if (number != got["indices"]).any() or number.max() - number.min() >= rows:
                wrong.append("rows of different moments")
            buffer.update(got["indices"], np.ones(batch))
            drawn.append(batch)

    threads = [threading.Thread(target=task) for task in (write, sample, sample, sample)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(drawn) >= 1000
    assert wrong == []


def test_new_rows_get_the_priority_that_the_sampler_says_or_their_own():
    buffer = ReplayBuffer(6, {"x": "int64"}, Sampler(6, initial_priority="max-ever"))
    buffer.extend(x=np.arange(3))
    buffer.update([0, 1], [4.0, 0.5])
    buffer.update([0], [2.0])
    buffer.add(x=3)
    buffer.extend(x=[4])
    buffer.update_errors([2], [3.0])
    expected = (3.0 + 1e-6) ** 0.6
    np.testing.assert_allclose(buffer.sampler.priorities(), [2.0, 0.5, expected, 4.0, 4.0, 0.0], rtol=1e-6)
    buffer.add(x=5, priority=0.25)
    buffer.extend(x=[6, 7], priority=[8, 0.5])
    np.testing.assert_allclose(buffer.sampler.priorities(), [8.0, 0.5, expected, 4.0, 4.0, 0.25], rtol=1e-6)


def test_a_removed_row_is_not_drawn_until_it_is_replaced():
    buffer = ReplayBuffer(3, {"x": "int64"})
    buffer.extend(x=[0, 1, 2])
    buffer.remove([1])
    assert len(buffer) == 2
    assert set(buffer.sample(200)["x"].tolist()) == {0, 2}
    buffer.extend(x=[3, 4])
    assert set(buffer.sample(200)["x"].tolist()) == {3, 4, 2}


def test_a_mapped_buffer_is_in_its_file(tmp_path):
    """All of it, from the start, so that no disk is found full later; a new buffer leaves an old one's rows alone."""
    columns = {"x": "int64", "y": ("uint8", 3)}
    first = ReplayBuffer(1000, columns, folder=tmp_path / "a/b")
    file = tmp_path / "a/b/rows.bin"
    assert file.stat().st_size == 1000 * 11
    assert file.stat().st_blocks * 512 >= 1000 * 11
    first.extend(x=np.arange(1000), y=np.zeros((1000, 3), np.uint8))
    second = ReplayBuffer(1000, columns, folder=str(tmp_path / "a/b"))
    assert (second.columns["x"] == 0).all()
    second.extend(x=-np.arange(1000), y=np.ones((1000, 3), np.uint8))
    assert (first.sample(50)["x"] >= 0).all()
    assert np.fromfile(file, np.uint8).reshape(1000, 11)[:, 8:].all()


def test_columns_are_to_read():
    buffer = ReplayBuffer(3, {"x": "int64"})
    with pytest.raises(ValueError, match="read-only"):
        buffer.columns["x"][0] = 1


@pytest.mark.parametrize("mode", ["per", "amper-fr", "amper-k", "uniform"])
def test_memory(mode):
    """At most 24 bytes a row besides the columns, which have no padding."""
    buffer = ReplayBuffer(100_000, {"flag": "bool", "x": "float64"}, mode)
    buffer.extend(flag=np.zeros(100_000, bool), x=np.zeros(100_000))
    assert buffer._storage.nbytes == 100_000 * 9
    assert 2 < buffer.memory_per_row <= 24


def test_without_the_compiled_rows(monkeypatch):
    monkeypatch.setattr("amper.cores.compiled._core", None)
    monkeypatch.setattr(sampler_core, "_warned", True)
    buffer = ReplayBuffer(3, {"x": "int64"})
    assert type(buffer._rows) is NumpyRows
    assert buffer.add(x=1) == 0
