"""``AmperSampler`` in the buffers, storages and writers of TorchRL."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from tensordict import TensorDict
from torchrl.data import LazyMemmapStorage, LazyTensorStorage, ListStorage, ReplayBuffer, TensorDictReplayBuffer
from torchrl.data.replay_buffers.replay_buffers import PrioritizedReplayBuffer
from torchrl.data.replay_buffers.writers import TensorDictMaxValueWriter
from torchrl_buffers import EPS, made


def test_a_storage_of_two_dimensions():
    """Rows are its places, counted along the last dimension first."""
    buffer = ReplayBuffer(storage=LazyTensorStorage(12, ndim=2), sampler=made(12), batch_size=500)
    index = buffer.extend(torch.arange(9).reshape(3, 3))
    buffer.update_priority(index, torch.arange(9.0))
    # Data are transposed on their way in, as TorchRL does along dim_extend: time goes first.
    kept = buffer.storage[:].flatten()[:9]
    order = buffer.sampler.priorities[:9]
    data, info = buffer.sample(return_info=True)
    rows = info["index"][0] * 3 + info["index"][1]
    assert data.tolist() == kept[rows].tolist()
    p = (order + EPS) ** 0.7
    np.testing.assert_allclose(info["priority_weight"], (p[rows] / p.min()) ** -0.5, rtol=1e-5)


@pytest.mark.parametrize("storage", [LazyTensorStorage, ListStorage, "memmap"])
def test_in_a_tensordict_buffer(storage, tmp_path):
    """Priorities come with the data and go back with the batch; the highest is nearly always drawn."""
    kept = LazyMemmapStorage(8, scratch_dir=tmp_path) if storage == "memmap" else storage(8)
    buffer = TensorDictReplayBuffer(storage=kept, sampler=made(8), priority_key="pk", batch_size=6)
    for start in (0, 5):  # the second time over the end of the ring
        buffer.extend(TensorDict({"x": torch.arange(start, start + 5), "pk": torch.rand(5, 1)}, [5]))
    batch = buffer.sample()
    assert batch["priority_weight"].shape == (6,)
    assert (batch["x"] % 8 == batch["index"]).all()
    batch["pk"] = torch.where(batch["x"] == batch["x"][0], 1e8, 0.0)[:, None]
    buffer.update_tensordict_priority(batch)
    assert buffer.sample()["x"].unique().tolist() == [batch["x"][0].item()]
    buffer.add(TensorDict({"x": torch.tensor(99), "pk": torch.tensor(0.5)}, []))
    assert buffer.sampler.priorities[2] == 0.5


def test_trajectories_are_reduced():
    """One priority for each stored trajectory, the largest of its steps."""
    buffer = TensorDictReplayBuffer(storage=LazyTensorStorage(5), sampler=made(5), batch_size=3)
    buffer.extend(TensorDict({"x": torch.randn(3, 4)}, [3, 4]))
    batch = buffer.sample()
    errors = torch.rand(3, 4) + batch["index"][:, :1]
    batch["td_error"] = errors
    buffer.update_tensordict_priority(batch)
    for row, steps in zip(batch["index"][:, 0].tolist(), errors, strict=True):
        same = errors[batch["index"][:, 0] == row].amax(1)
        assert buffer.sampler.priorities[row] in same.numpy()
        assert steps.shape == (4,)


def test_a_writer_that_keeps_the_best():
    """It names row -1 for what it does not keep."""
    buffer = TensorDictReplayBuffer(
        storage=LazyTensorStorage(3), sampler=made(3), writer=TensorDictMaxValueWriter(rank_key="r"), batch_size=4
    )
    buffer.extend(TensorDict({"r": torch.tensor([3.0, 1.0, 2.0, 0.5, 5.0])}, [5]))
    assert len(buffer) == 3
    assert buffer.sampler.priorities.tolist() == [1.0, 1.0, 1.0]
    buffer.sample()


@pytest.mark.parametrize("sync", [True, False])
def test_in_a_prioritized_replay_buffer(sync):
    buffer = PrioritizedReplayBuffer(
        alpha=0.7, beta=0.5, storage=LazyTensorStorage(10), sampler=made(), sync=sync, batch_size=8
    )
    buffer.extend(torch.arange(6))
    data, info = buffer.sample(return_info=True)
    buffer.update_priority(info["index"], torch.full((8,), 2.0))
    assert data.max() < 6
    assert {float(x) for x in buffer.prioritized_sampler.priorities[data]} == {2.0}


def test_a_buffer_around_a_storage_that_is_full_already():
    storage = LazyTensorStorage(6)
    ReplayBuffer(storage=storage).extend(torch.arange(6))
    buffer = ReplayBuffer(storage=storage, sampler=made(6), batch_size=4)
    assert buffer.sampler.priorities.tolist() == [1.0] * 6
    buffer.sample()


def test_prefetching_and_threads():
    """Samples that are prefetched by threads, while others write and update."""
    buffer = ReplayBuffer(storage=LazyTensorStorage(50), sampler=made(50), batch_size=8, prefetch=3)
    buffer.extend(torch.arange(50))
    failed = []

    def update(worker: int) -> None:
        try:
            for step in range(40):
                data, info = buffer.sample(return_info=True)
                assert (data == info["index"]).all()
                buffer.update_priority(info["index"], torch.rand(8) + worker)
                buffer.extend(torch.arange(50))
                assert step >= 0
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=update, args=(worker,)) for worker in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    buffer.shutdown()
    assert failed == []
    held = buffer.sampler.priorities
    stored = buffer.sampler._sampler.priorities()
    np.testing.assert_allclose(stored, (held.astype(np.float64) + EPS) ** 0.7, rtol=1e-6)
