"""``AmperSampler``: saved and loaded, its seed, and samplers that the caller brings."""

from __future__ import annotations

import copy
import io
import pickle

import numpy as np
import pytest
import torch
from tensordict import TensorDict
from torchrl.data import LazyTensorStorage, TensorDictReplayBuffer
from torchrl_buffers import EPS, filled, made

from amper import AmperConfig, Sampler
from amper.sampler.device import Device
from amper.support import files as state_file


class ListStorageOf(list):
    """Enough of a storage for a sampler."""

    ndim = 1

    def __init__(self, size: int) -> None:
        super().__init__(range(size))


@pytest.mark.parametrize("how", ["state_dict", "torch.save", "dumps", "pickle", "deepcopy"])
@pytest.mark.parametrize(
    "options", [{"mode": "per"}, {"mode": "amper-k"}, {"mode": "amper-fr", "bit_exact": True}], ids=str
)
def test_saving_and_loading(how, options, tmp_path):
    """The other goes on draw by draw, whatever seed it had; both are then on their own."""
    buffer, _ = filled(seed=None, max_priority_within_buffer=True, **options)
    buffer.sample(64)
    sampler, other = buffer.sampler, made(seed=5, alpha=0.1, max_priority_within_buffer=True, **options)
    if how == "state_dict":
        other.load_state_dict(sampler.state_dict())
    elif how == "torch.save":
        file = io.BytesIO()
        torch.save(sampler.state_dict(), file)
        file.seek(0)
        other.load_state_dict(torch.load(file))
    elif how == "dumps":
        sampler.dumps(tmp_path / "sampler")
        sampler.dumps(tmp_path / "sampler")  # over the first
        other.loads(tmp_path / "sampler")
    else:
        other = pickle.loads(pickle.dumps(sampler)) if how == "pickle" else copy.deepcopy(sampler)
    assert (other.alpha, other.beta, other.default_priority) == (0.7, 0.5, 3.0)
    storage = ListStorageOf(10)
    for each in (sampler, other):
        each.update_priority(4, 9.0)
    (index, info), (expected, expected_info) = other.sample(storage, 100), sampler.sample(storage, 100)
    assert index.tolist() == expected.tolist()
    assert info["priority_weight"].tolist() == expected_info["priority_weight"].tolist()
    other.update_priority(4, 0.5)
    assert sampler.priorities[4] == 9.0


def test_saving_a_whole_buffer(tmp_path):
    data = TensorDict({"x": torch.arange(10), "td_error": torch.rand(10)}, [10])
    buffer, other = (TensorDictReplayBuffer(storage=LazyTensorStorage(10), sampler=made(seed=s)) for s in (1, 2))
    buffer.extend(data)
    buffer.dumps(tmp_path / "buffer")
    other.loads(tmp_path / "buffer")
    assert other.sample(64)["x"].tolist() == buffer.sample(64)["x"].tolist()


def test_an_interrupted_save_leaves_the_old_one(tmp_path, monkeypatch):
    sampler = filled()[0].sampler
    sampler.dumps(tmp_path)
    saved = sampler.priorities
    sampler.update_priority(0, 77.0)
    with monkeypatch.context() as patch:
        patch.setattr(state_file.os, "fsync", lambda file: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            sampler.dumps(tmp_path)
    sampler.loads(tmp_path)
    assert sampler.priorities.tolist() == saved.tolist()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"amper_version": 0}, "state_dict must be of an AmperSampler, version 1, not 0"),
        ({"amper_version": None}, "state_dict must be of an AmperSampler, version 1, not None"),
        ({"raw": torch.zeros(9)}, "state_dict must be of a sampler with capacity 10, not 9"),
        ({"alpha": -1.0}, "alpha must be at least 0, not -1.0"),
        ({"mode": "per"}, "state must be of a sampler with mode per, not amper-fr"),
    ],
    ids=str,
)
def test_a_state_that_does_not_fit(change, text):
    """This sampler stays as it was."""
    state = filled(mode="amper-fr")[0].sampler.state_dict()
    mode = change.pop("mode", "amper-fr")
    buffer, _ = filled(mode=mode, seed=2)
    before = str(buffer.sampler.state_dict())
    with pytest.raises(ValueError, match=r".") as raised:
        buffer.sampler.load_state_dict({**state, **change})
    assert str(raised.value) == text
    assert str(buffer.sampler.state_dict()) == before


def test_the_seed_is_numpys():
    """As of TorchRL's own, which draws from ``np.random``."""

    def drawn() -> list[int]:
        np.random.seed(3)
        return filled(seed=None)[0].sample(30).tolist()

    assert drawn() == drawn()


@pytest.mark.parametrize("function", [False, True])
def test_a_sampler_of_the_callers(function):
    own = Sampler(10, mode="amper-fr", bit_exact=True, seed=4)
    buffer, priorities = filled(seed=None, sampler=(lambda rows: own if rows == 10 else None) if function else own)
    other = Sampler(10, mode="amper-fr", bit_exact=True, seed=4)
    other.write(np.arange(10), (priorities.astype(np.float32).astype(np.float64) + EPS) ** 0.7)
    index, info = buffer.sample(64, return_info=True)
    expected, weights = other.sample(64, beta=0.5)
    assert index.tolist() == expected.tolist()
    assert info["priority_weight"].tolist() == weights.tolist()
    assert len(own) == 10


def test_a_device_of_the_callers(tmp_path):
    """The same draws as bit-exact software, through updates, a save and a load."""
    config = AmperConfig(rows=10, variant="fr-dithered", batch=16, seed=4)
    samplers = [made(seed=None, sampler=own) for own in (Device(config), Sampler.from_config(config))]
    drawn = []
    for number, sampler in enumerate(samplers):
        sampler.update_priority(slice(0, 10), torch.linspace(0.1, 3.0, 10))
        rows = [sampler.sample(ListStorageOf(10), 16)[0]]
        sampler.dumps(tmp_path / str(number))
        again = made(seed=None, sampler=Device(config) if number == 0 else Sampler.from_config(config))
        again.loads(tmp_path / str(number))
        for each in (sampler, again):
            each.update_priority(rows[0], torch.linspace(1.0, 2.0, 16))
            rows.append(each.sample(ListStorageOf(10), 16)[0])
        drawn.append([row.tolist() for row in rows])
    assert drawn[0] == drawn[1]
    assert drawn[0][1] == drawn[0][2]


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"sampler": Sampler(9)}, ValueError, "sampler must have 10 rows, not 9"),
        ({"sampler": object()}, TypeError, "sampler must have __len__ as amper.Sampler has, and object has not"),
        (
            {"sampler": Sampler, "mode": "per"},
            ValueError,
            "mode must not be given beside sampler, which has its own, and was 'per'",
        ),
        (
            {"sampler": Sampler, "groups": 3},
            ValueError,
            "groups must not be given beside sampler, which has its own, and was 3",
        ),
    ],
    ids=["rows", "kind", "mode", "option"],
)
def test_a_sampler_that_does_not_fit(options, error, text):
    with pytest.raises(error) as raised:
        made(seed=None, **options)
    assert str(raised.value) == text


def test_a_sampler_that_holds_rows():
    own = Sampler(10)
    own.extend(count=4)
    with pytest.raises(ValueError, match=r"^sampler must be empty, and holds 4 rows$"):
        made(seed=None, sampler=own)
