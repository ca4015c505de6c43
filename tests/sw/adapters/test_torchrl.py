"""``AmperSampler`` does what users of TorchRL's ``PrioritizedSampler`` count on.

The peer's own class does not run here (its C++ extension does not load with torch 2.13.0); what is expected is computed
from its documented formulas in NumPy: p = (priority + eps)^alpha, P = p / sum(p), weight = (p / least p)^-beta.
"""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from scipy import stats
from torchrl.data import LazyTensorStorage, ListStorage, ReplayBuffer
from torchrl.data.replay_buffers.samplers import PrioritizedSampler
from torchrl.data.replay_buffers.scheduler import LinearScheduler
from torchrl_buffers import EPS, FALSE_ALARM, filled, made

from amper import NoValidRowError, Sampler
from amper.sampler.options import MODES


def test_it_is_a_prioritized_sampler():
    """TorchRL updates priorities only of samplers that are."""
    sampler = made(mode="amper-k", reduction="mean")
    assert isinstance(sampler, PrioritizedSampler)
    assert (sampler.max_size, sampler.device, sampler.reduction) == (10, torch.device("cpu"), "mean")
    assert repr(sampler) == "AmperSampler(alpha=0.7, beta=0.5, eps=1e-08, reduction=mean, mode=amper-k)"


@pytest.mark.parametrize("alpha", [0.0, 0.7, 1.0])
def test_draws_are_proportional(alpha):
    """Chi-square over ten rows, also after priorities, and alpha, have changed."""
    buffer, priorities = filled(alpha=0.3)
    buffer.update_priority(torch.tensor([9, 0]), torch.tensor([0.05, 2.5]))
    priorities[[9, 0]] = 0.05, 2.5
    buffer.sampler.alpha = alpha
    drawn = buffer.sample(50_000).numpy()
    p = (priorities + EPS) ** alpha
    assert stats.chisquare(np.bincount(drawn, minlength=10), 50_000 * p / p.sum()).pvalue > FALSE_ALARM


@pytest.mark.parametrize("mode", MODES)
def test_high_priorities_are_drawn_more_often(mode):
    """In every mode but uniform; the exact distributions are those of ``amper.Sampler``."""
    buffer, _ = filled(1000, mode=mode, alpha=1.0)
    drawn = np.concatenate([buffer.sample(64).numpy() for _ in range(300)])
    high, low = np.count_nonzero(drawn >= 900), np.count_nonzero(drawn < 100)
    assert (0.8 < high / low < 1.25) if mode == "uniform" else high > 5 * low


@pytest.mark.parametrize(("alpha", "beta", "dtype"), [(0.7, 0.5, torch.float32), (1.0, 1.0, torch.float64)])
def test_weights_are_those_of_torchrl(alpha, beta, dtype):
    """Of the least of the whole buffer, in the batch or not."""
    buffer, priorities = filled(alpha=alpha, beta=beta, dtype=dtype)
    for row, priority in ((0, 0.4), (5, 0.01), (5, 7.0), (9, 0.2)):
        buffer.update_priority(row, priority)
        priorities[row] = priority
        drawn, info = buffer.sample(64, return_info=True)
        p = (priorities + EPS) ** alpha
        assert info["priority_weight"].dtype == dtype
        np.testing.assert_allclose(info["priority_weight"], (p[drawn.numpy()] / p.min()) ** -beta, rtol=1e-5)


@pytest.mark.parametrize("weights", ["per", "inclusion"])
def test_weights_of_the_batch(weights):
    """Those of ``amper.Sampler`` with the same seed and priorities."""
    sampler = made(100, mode="amper-fr", weights=weights, normalise="batch")
    other = Sampler(100, mode="amper-fr", weights=weights, seed=1)
    priorities = np.linspace(0.1, 3.0, 100, dtype=np.float32)
    sampler.update_priority(torch.arange(100), torch.from_numpy(priorities))
    other.write(np.arange(100), (priorities.astype(np.float64) + EPS) ** 0.7)
    index, info = sampler.sample(ListStorageOf(100), 32)
    expected, expected_weights = other.sample(32, beta=0.5)
    assert index.tolist() == expected.tolist()
    assert info["priority_weight"].tolist() == expected_weights.tolist()


class ListStorageOf(list):
    """Enough of a storage for a sampler."""

    ndim = 1

    def __init__(self, size: int) -> None:
        super().__init__(range(size))


@pytest.mark.parametrize("within", [False, True])
def test_a_new_item_gets_the_largest_priority(within):
    """Raised to alpha once, so that it is as likely as the largest; 1 before there is any."""
    sampler = made(max_priority_within_buffer=within)
    assert sampler.default_priority == 1.0
    sampler.update_priority(torch.tensor([0]), torch.tensor([100.0]))
    sampler.mark_update(torch.tensor([1]))
    assert sampler.priorities[:2].tolist() == [100.0, 100.0]
    assert sampler.default_priority == 100.0
    sampler.update_priority(torch.tensor([0, 1]), torch.tensor([50.0, 2.0]))
    assert sampler.default_priority == (50.0 if within else 100.0)


def test_the_first_priorities_may_be_below_1():
    sampler = made()
    sampler.update_priority(torch.tensor([0, 1]), torch.tensor([0.25, 0.5]))
    assert sampler.default_priority == 0.5


@pytest.mark.parametrize(
    ("index", "priority", "expected"),
    [
        (3, 2.5, {3: 2.5}),
        (np.int64(3), torch.tensor(2.5), {3: 2.5}),
        (torch.tensor(3), torch.tensor([2.5]), {3: 2.5}),
        (torch.tensor([3, 1]), 2.5, {3: 2.5, 1: 2.5}),
        (torch.tensor([3, 1], dtype=torch.int32), torch.tensor([[2.5], [0.5]]), {3: 2.5, 1: 0.5}),
        (np.array([3, 1]), np.array([2, 0]), {3: 2.0, 1: 0.0}),
        ([3, 1], torch.tensor([2.5, 0.5], dtype=torch.bfloat16), {3: 2.5, 1: 0.5}),
        (slice(1, 3), torch.tensor([2.5, 0.5], requires_grad=True), {1: 2.5, 2: 0.5}),
        (torch.tensor([3, 1, 3]), torch.tensor([0.25, 0.5, 1.5]), {3: 1.5, 1: 0.5}),
        (torch.tensor([-1, 1, -1]), torch.tensor([9.5, 0.5, 9.5]), {1: 0.5}),
        (torch.tensor([-1]), torch.tensor([9.5]), {}),
        (torch.tensor([], dtype=torch.long), torch.tensor([]), {}),
    ],
    ids=str,
)
def test_forms_of_index_and_priority(index, priority, expected):
    """Negative rows are those that a writer did not keep."""
    sampler = made()
    sampler.update_priority(index, priority)
    found = sampler.priorities
    assert {row: float(found[row]) for row in np.flatnonzero(found < np.inf)} == expected
    assert len(sampler._sampler) == len(expected)
    assert sampler.default_priority == max(expected.values(), default=1.0)


@pytest.mark.parametrize(
    ("index", "priority", "error", "text"),
    [
        ([1, 2], [1.0, np.nan], ValueError, "priority must be finite (as float32) and at least 0, not nan"),
        ([1, 2], [1.0, np.inf], ValueError, "priority must be finite (as float32) and at least 0, not inf"),
        ([1, 2], [1e39, 1.0], ValueError, "priority must be finite (as float32) and at least 0, not 1e+39"),
        ([1, 2], [1.0, -0.5], ValueError, "priority must be finite (as float32) and at least 0, not -0.5"),
        ([1, 10], [1.0, 2.0], ValueError, "index must be below 10, the capacity, not 10"),
        ([1.0, 2.0], [1.0, 2.0], TypeError, "index must be integers, not float64"),
        ([1, 2], ["a", "b"], TypeError, "priority must be real numbers, not <U1"),
        ([1, 2], [True, False], TypeError, "priority must be real numbers, not bool"),
        ([1, 2, 3], [1.0, 2.0], RuntimeError, "priority must be one number or one for each of 3 rows, not 2"),
        (
            [[1, 2]],
            [1.0],
            RuntimeError,
            "index has more than one dimension, and needs a storage that has a shape",
        ),
    ],
    ids=str,
)
def test_a_bad_update_changes_nothing(index, priority, error, text):
    sampler = made()
    sampler.update_priority([0, 1, 2], [3.0, 4.0, 5.0])
    before, draws = sampler.state_dict(), copy.deepcopy(sampler)
    with pytest.raises(error) as raised:
        sampler.update_priority(index, priority)
    assert str(raised.value) == text
    assert str(sampler.state_dict()) == str(before)
    storage = ListStorageOf(3)
    assert sampler.sample(storage, 50)[0].tolist() == draws.sample(storage, 50)[0].tolist()


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"capacity": 0}, ValueError, "max_capacity must be 1 to 268435456, not 0"),
        ({"alpha": -1.0}, ValueError, "alpha must be at least 0, not -1.0"),
        ({"beta": "a"}, TypeError, "beta must be a number, not 'a'"),
        ({"eps": np.nan}, ValueError, "eps must be finite, not nan"),
        ({"dtype": torch.float16}, ValueError, "dtype must be torch.float32 or torch.float64, not torch.float16"),
        (
            {"device": "cuda:0"},
            ValueError,
            "device must be cpu, where amper draws (a storage may be elsewhere), not cuda:0",
        ),
        ({"reduction": "sum"}, ValueError, "reduction must be one of max, min, median, mean, not 'sum'"),
        ({"normalise": "row"}, ValueError, "normalise must be one of buffer, batch, not 'row'"),
        (
            {"mode": "amper-fr", "weights": "inclusion", "normalise": "buffer"},
            ValueError,
            "normalise must be batch with weights='inclusion', which is not known of a whole buffer",
        ),
        (
            {"group": 3},
            TypeError,
            "group is not a parameter; the sampler's are bit_exact, compiled, csp_share, groups, priority_scale, "
            "priority_width, scale, weights",
        ),
        (
            {"mode": "fast"},
            ValueError,
            "mode must be one of per, amper-fr-dithered, amper-fr-prefix, amper-fr, amper-k, uniform, not 'fast'",
        ),
    ],
    ids=str,
)
def test_bad_parameters(options, error, text):
    with pytest.raises(error) as raised:
        made(**options)
    assert str(raised.value) == text


def test_exponents_are_checked_when_set():
    sampler = made()
    with pytest.raises(ValueError, match=r"^alpha must be at least 0, not -1\.0$"):
        sampler.alpha = -1.0
    with pytest.raises(ValueError, match=r"^beta must be at least 0, not -0\.5$"):
        sampler.beta = -0.5
    assert (sampler.alpha, sampler.beta) == (0.7, 0.5)


def test_schedulers_of_torchrl():
    buffer, _ = filled(alpha=1.0, beta=0.5)
    for name, stop in (("beta", 1.0), ("alpha", 0.0)):
        scheduler = LinearScheduler(buffer, name, final_value=stop, num_steps=2)
        scheduler.step()
        assert getattr(buffer.sampler, name) == pytest.approx(0.75 if name == "beta" else 0.5)
        scheduler.step()
        scheduler.step()
        assert getattr(buffer.sampler, name) == stop
    assert stats.chisquare(np.bincount(buffer.sample(20_000).numpy(), minlength=10)).pvalue > FALSE_ALARM


def test_exponents_as_tensors():
    """As TorchRL's own sampler takes them; a scheduler then computes with tensors, and finds them again."""
    buffer, priorities = filled(alpha=torch.tensor(1.0), beta=torch.tensor([0.5]))
    assert isinstance(buffer.sampler.alpha, torch.Tensor)
    for name, stop, middle in (("beta", 1.0, 0.75), ("alpha", 0.0, 0.5)):
        scheduler = LinearScheduler(buffer, name, final_value=stop, num_steps=2)
        scheduler.step()
        assert isinstance(getattr(buffer.sampler, name), torch.Tensor)
        torch.testing.assert_close(getattr(buffer.sampler, name).reshape(()), torch.tensor(middle))
    items, info = buffer.sample(50_000, return_info=True)
    p = (priorities + EPS) ** 0.5
    assert stats.chisquare(np.bincount(items.numpy(), minlength=10), 50_000 * p / p.sum()).pvalue > FALSE_ALARM
    expected = (p[items.numpy()] / p.min()) ** -0.75
    np.testing.assert_allclose(info["priority_weight"], expected, rtol=1e-5)
    state = buffer.sampler.state_dict()
    again = made(alpha=0.1)
    again.load_state_dict(state)
    assert (again.alpha, again.beta) == (0.5, 0.75)
    for value, error in ((torch.tensor(-1.0), ValueError), (torch.tensor([0.5, 0.5]), TypeError)):
        with pytest.raises(error, match=r"^alpha must be "):
            made(alpha=value)


@pytest.mark.parametrize("first", ["add", "extend"])
def test_a_storage_that_is_larger_is_refused_at_the_first_write(first):
    """And not at the row that the sampler does not have; one without a bound may stay small."""
    buffer = ReplayBuffer(storage=LazyTensorStorage(11), sampler=made(10))
    with pytest.raises(ValueError, match=r"^max_capacity must be at least the storage's 11, not 10$"):
        getattr(buffer, first)(torch.zeros(()) if first == "add" else torch.zeros(2))
    for storage in (LazyTensorStorage(10), LazyTensorStorage(9), ListStorage()):
        buffer = ReplayBuffer(storage=storage, sampler=made(10))
        buffer.extend(torch.zeros(5))
        assert len(buffer) == 5


def test_nothing_to_draw():
    buffer = ReplayBuffer(storage=LazyTensorStorage(10), sampler=made())
    with pytest.raises(RuntimeError, match=r"^Cannot sample from an empty storage\.$"):
        buffer.sample(2)
    with pytest.raises(NoValidRowError):
        made().sample(ListStorageOf(3), 2)


def test_emptying_the_buffer():
    """Draws go on, they do not repeat; the first priority is 1 again."""
    buffer, _ = filled()
    before = buffer.sample(20).tolist()
    buffer.empty()
    assert buffer.sampler.default_priority == 1.0
    with pytest.raises(RuntimeError, match=r"^Cannot sample from an empty storage\.$"):
        buffer.sample(20)
    buffer.extend(torch.arange(10))
    assert buffer.sampler.priorities.tolist() == [1.0] * 10
    assert buffer.sample(20).tolist() != before


def test_rows_that_the_storage_lost_are_not_drawn():
    sampler = made()
    sampler.update_priority(slice(0, 10), 1.0)
    assert sampler.sample(ListStorageOf(3), 100)[0].max() == 2
    assert np.flatnonzero(sampler.priorities < np.inf).tolist() == [0, 1, 2]
