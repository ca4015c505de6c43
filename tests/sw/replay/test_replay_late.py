"""An index stays that of its transition: what comes for one that was replaced is dropped and counted."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from amper import AmperConfig, Device, ReplayBuffer, Sampler

KINDS = pytest.mark.parametrize("kind", ["compiled", "numpy", "numpy-core", "amper-fr", "bit-exact", "device"])


def made(kind: str, rows: int) -> ReplayBuffer:
    samplers = {
        "numpy-core": lambda: Sampler(rows, compiled=False),
        "amper-fr": lambda: Sampler(rows, mode="amper-fr"),
        "bit-exact": lambda: Sampler(rows, mode="amper-fr", bit_exact=True),
        "device": lambda: Device(AmperConfig(rows=rows, variant="fr")),
    }
    sampler = samplers[kind]() if kind in samplers else "per"
    return ReplayBuffer(rows, {"x": "int64"}, sampler, compiled=kind != "numpy")


@KINDS
def test_a_late_update_spares_the_successor(kind):
    """Sample, replace some, update: as a learner does that is slower than its actors."""
    buffer = made(kind, 10)
    buffer.extend(x=np.arange(10), priority=np.full(10, 0.5))
    batch = buffer.sample(40)
    buffer.extend(x=np.arange(10, 14), priority=np.full(4, 2.0))
    before = buffer.sampler.priorities()
    buffer.update(batch["indices"], np.full(40, 4.0))
    after = buffer.sampler.priorities()
    late = batch["indices"] < 4
    assert 0 < late.sum() < 40
    assert buffer.dropped == late.sum()
    np.testing.assert_array_equal(after[:4], before[:4])
    drawn = np.unique(batch["indices"][~late])
    assert (after[drawn] > 3.5).all()


@KINDS
def test_random_operations(kind):
    """Against a dictionary of transitions by number, over many turns of the ring."""
    rows = 7
    buffer = made(kind, rows)
    rng = np.random.default_rng(1)
    priority_of: dict[int, float] = {}
    added = dropped = 0
    old: list[np.ndarray] = []
    for _ in range(400):
        count = int(rng.integers(1, 4))
        if rng.random() < 0.5:
            given = rng.choice([0.25, 0.5, 1.0], count)
            got = buffer.extend(x=added + np.arange(count), priority=given)
        else:
            given = np.ones(1)
            got = np.array([buffer.add(x=added, priority=1.0)])
        assert got.tolist() == list(range(added, added + given.size))
        priority_of.update(zip(got.tolist(), given.tolist(), strict=True))
        added += given.size
        priority_of = {number: p for number, p in priority_of.items() if number >= added - rows}
        batch = buffer.sample(5)
        np.testing.assert_array_equal(batch["x"], batch["indices"])
        old.append(batch["indices"])
        indices = old[rng.integers(max(0, len(old) - 4), len(old))]
        values = rng.choice([0.25, 0.5, 1.0], 5).astype(rng.choice(["float32", "float64"]))
        buffer.update(indices, values)
        for number, value in zip(indices.tolist(), values.tolist(), strict=True):
            dropped += number not in priority_of
            if number in priority_of:
                priority_of[number] = value
        expected = np.zeros(rows)
        for number, value in priority_of.items():
            expected[number % rows] = value
        np.testing.assert_allclose(buffer.sampler.priorities(), expected, rtol=2.0**-8)
    assert buffer.dropped == dropped > 0


@KINDS
def test_a_late_removal_spares_the_successor(kind):
    buffer = made(kind, 3)
    buffer.extend(x=np.arange(3))
    buffer.extend(x=np.arange(3, 5))
    buffer.remove([0, 1, 3])
    assert (len(buffer), buffer.dropped) == (2, 2)
    assert set(buffer.sample(30)["indices"].tolist()) == {2, 4}


@pytest.mark.parametrize("compiled", [True, False])
def test_all_forms_of_errors(compiled):
    """Lists, tensors and other types are dropped alike; a wrong value among late ones changes nothing."""
    buffer = ReplayBuffer(4, {"x": "int64"}, Sampler(4, alpha=1.0, eps=0.0), compiled=compiled)
    buffer.extend(x=np.arange(4))
    buffer.add(x=4)
    for indices in ([0, 1], np.array([0, 1], np.uint8), torch.tensor([0, 1])):
        for errors in ([-2, 3], torch.tensor([-2.0, 3.0]), np.array([-2.0, 3.0], np.float16)):
            buffer.update_errors(indices, errors)
            assert buffer.sampler.priorities().tolist() == [1.0, 3.0, 1.0, 1.0]
    assert buffer.dropped == 9
    for indices, errors in (([0, 1], [1.0, np.nan]), ([0, 5], [1.0, 1.0])):
        with pytest.raises(ValueError, match=r"must be"):
            buffer.update_errors(indices, errors)
    assert buffer.dropped == 9


def test_indices_are_right_after_loading_and_copying(tmp_path):
    buffer = made("compiled", 4)
    buffer.extend(x=np.arange(4))
    buffer.extend(x=np.arange(4, 7))
    buffer.save(tmp_path / "saved")
    again = made("compiled", 4)
    again.load(tmp_path / "saved")
    batch = again.sample(20)
    np.testing.assert_array_equal(batch["x"], batch["indices"])
    again.update([2], [5.0])
    assert (again.dropped, again.add(x=7)) == (1, 7)
