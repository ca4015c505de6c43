"""``AmperTensorDictReplayBuffer`` gives what TorchRL's own ``TensorDictReplayBuffer`` gives, draw by draw."""

from __future__ import annotations

import copy

import pytest
import torch
from tensordict import TensorDict
from torchrl.data import LazyTensorStorage, ListStorage, TensorDictReplayBuffer
from torchrl.data.replay_buffers.samplers import RandomSampler
from torchrl.envs.transforms import RewardScaling

from amper.torchrl import AmperSampler, AmperTensorDictReplayBuffer


def filled(kind: type[TensorDictReplayBuffer], **options) -> TensorDictReplayBuffer:
    sampler = options.pop("sampler", None) or AmperSampler(20, 0.7, 0.5, seed=1)
    buffer = kind(**{"storage": LazyTensorStorage(20), "sampler": sampler, "batch_size": 8, **options})
    rows = torch.arange(13)
    flat = {"obs": torch.arange(39.0).reshape(13, 3), "reward": rows.bfloat16(), "done": rows % 2 == 0}
    if isinstance(sampler, AmperSampler):
        flat["td_error"] = rows + 1.0
    buffer.extend(TensorDict({**flat, ("next", "obs"): rows[:, None] / 7}, [13]))
    return buffer


@pytest.fixture
def long_ways(monkeypatch) -> list[object]:
    """The batches of our buffers that TorchRL made."""
    made: list[object] = []
    sample = TensorDictReplayBuffer.sample

    def watched(buffer: TensorDictReplayBuffer, *args) -> TensorDict:
        made.extend([buffer] * isinstance(buffer, AmperTensorDictReplayBuffer))
        return sample(buffer, *args)

    monkeypatch.setattr(TensorDictReplayBuffer, "sample", watched)
    return made


def assert_same(one: TensorDict, other: TensorDict) -> None:
    assert set(one.keys(True, True)) == set(other.keys(True, True))
    assert (one.batch_size, one.device) == (other.batch_size, other.device)
    for key, value in one.items(True, True):
        assert value.dtype == other[key].dtype
        assert torch.equal(value, other[key]), key


def test_the_short_way_is_torchrls():
    ours, theirs = filled(AmperTensorDictReplayBuffer), filled(TensorDictReplayBuffer)
    for error in (0.5, 3.0, 7.0):
        batches = ours.sample(), theirs.sample()
        assert_same(*batches)
        for buffer, batch in zip((ours, theirs), batches, strict=True):
            batch["td_error"] = torch.full((8,), error)
            buffer.update_tensordict_priority(batch)
    batches[0]["obs"].zero_()  # a copy: what is stored stays
    assert_same(ours.sample(), theirs.sample())
    assert_same(copy.deepcopy(ours).sample(), theirs.sample())


@pytest.mark.parametrize(
    "options",
    [
        {"storage": ListStorage(20)},
        {"sampler": RandomSampler()},
        {"transform": RewardScaling(1.0, 2.0)},
        {"prefetch": 2},
        {"collate_fn": lambda batch: batch.apply(lambda each: each * 2)},
        {"batch_size": None},
    ],
    ids=lambda options: next(iter(options)),
)
def test_all_else_goes_torchrls_way(options, long_ways):
    torch.manual_seed(3)
    size = (5,) if "batch_size" in options else ()
    ours = filled(AmperTensorDictReplayBuffer, **copy.deepcopy(options)).sample(*size)
    torch.manual_seed(3)
    assert_same(ours, filled(TensorDictReplayBuffer, **copy.deepcopy(options)).sample(*size))
    assert len(long_ways) == 1


def test_the_short_way_is_taken(long_ways):
    buffer = filled(AmperTensorDictReplayBuffer)
    buffer.sample()
    assert not long_ways
    assert len(buffer.sample(return_info=True)) == 2
    assert len(long_ways) == 1
