"""PER in tensors, run on the processor: draws in proportion, updates that count, times that are what they say."""

import numpy as np
import pytest
import torch
from scipy import stats

from amper_lab.bench import gpu
from amper_lab.bench.contestant import ALPHA, BETA, EPS, MissingError, Workload

FALSE_ALARM = 1e-6
REPLAYS = pytest.mark.parametrize("kind", gpu.REPLAYS.values(), ids=["tree", "multinomial"])


def filled(kind, priorities, seed=1):
    return kind(torch.tensor(priorities, dtype=torch.float64), seed)


@REPLAYS
@pytest.mark.parametrize("rows", [1, 2, 37, 64])
def test_rows_are_drawn_in_proportion(kind, rows):
    """By chi-square, before and after updates; weights are PER's, over the batch's largest."""
    priorities = np.random.default_rng(rows).exponential(size=rows) + 0.05
    replay = filled(kind, priorities)
    for changed in ([], [0], list(range(rows // 2, rows))):
        errors = np.linspace(0.5, 3, len(changed))
        replay.update(torch.tensor(changed, dtype=torch.int64), torch.from_numpy(errors))
        priorities[changed] = (errors + EPS) ** ALPHA
        indices, weights = replay.sample(20_000)
        assert indices.dtype == torch.int64
        counts = np.bincount(indices.numpy(), minlength=rows)
        assert len(counts) == rows
        if rows > 1:
            expected = priorities / priorities.sum() * 20_000
            assert stats.chisquare(counts, expected).pvalue > FALSE_ALARM
        wanted = (rows * priorities[indices] / priorities.sum()) ** -BETA
        assert weights.numpy() == pytest.approx(wanted / wanted.max(), rel=1e-6)


def test_every_node_is_the_sum_of_its_children():
    """Also where a batch has a row twice, and for rows that are no power of two."""
    tree = filled(gpu.SumTree, np.arange(1, 38))
    rng = np.random.default_rng(5)
    for _ in range(20):
        rows = torch.from_numpy(rng.integers(0, 37, 64))
        tree.update(rows, torch.from_numpy(rng.exponential(size=64)))
    nodes = tree.nodes
    assert len(nodes) == 128
    assert torch.equal(nodes[1:64], nodes[2:128:2] + nodes[3:128:2])
    assert (nodes[64 + 37 :] == 0).all()
    assert (nodes[64 : 64 + 37] > 0).all()


@REPLAYS
def test_of_a_row_that_is_there_twice_one_priority_stays(kind):
    replay = filled(kind, [1.0, 1.0, 1.0])
    replay.update(torch.tensor([1, 1]), torch.tensor([8.0, 27.0], dtype=torch.float64))
    held = replay.nodes[4 + 1] if kind is gpu.SumTree else replay.priorities[1]
    assert any(held == pytest.approx((error + EPS) ** ALPHA) for error in (8.0, 27.0))


def test_rounding_leads_to_no_row_that_does_not_exist(monkeypatch):
    """The largest draw, 1 - 2^-24 of the sum, rounds to the sum itself: the path then leads past the last row."""
    tree = gpu.SumTree(torch.full((37,), 0.1), 1)
    monkeypatch.setattr(torch, "rand", lambda batch, **_: torch.ones(batch))
    indices, weights = tree.sample(3)
    assert indices.tolist() == [36, 36, 36]
    assert weights.tolist() == [1, 1, 1]


@REPLAYS
def test_the_caller_keeps_its_priorities(kind):
    priorities = torch.ones(5)
    kind(priorities, 1).update(torch.tensor([2]), torch.tensor([9.0]))
    assert priorities.tolist() == [1, 1, 1, 1, 1]


@REPLAYS
def test_the_seed_makes_the_draws(kind):
    def drawn(seed):
        return filled(kind, np.arange(1, 100), seed).sample(64)[0].tolist()

    assert drawn(3) == drawn(3) != drawn(4)


@pytest.mark.parametrize("name", gpu.REPLAYS)
def test_a_peer_holds_the_workload(name):
    workload = Workload(rows=300, batch=16, payload=False, seed=2)
    peer = gpu.build(name, workload, "cpu")
    batch = peer.contestant.sample()
    rows = peer.contestant.indices(batch)
    assert (peer.contestant.name, rows.shape) == (name, (16,))
    assert peer.device
    peer.contestant.update(rows, peer.contestant.errors(np.full(16, 1e9, np.float32)))
    again = torch.cat([peer.replay.sample(64)[0] for _ in range(5)])
    assert torch.isin(again, rows).float().mean() > 0.95


def test_no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(MissingError) as caught:
        gpu.build("torch.multinomial", Workload(rows=3, batch=1, payload=False, seed=1))
    assert str(caught.value) == "no GPU in this machine"


def test_too_many_rows_for_multinomial(monkeypatch):
    monkeypatch.setattr(gpu, "MULTINOMIAL_ROWS", 4)
    with pytest.raises(MissingError) as caught:
        gpu.build("torch.multinomial", Workload(rows=5, batch=1, payload=False, seed=1), "cpu")
    assert str(caught.value) == "rows must be at most 4 for torch.multinomial, not 5"


class Device:
    """Takes 7 ns to be told of a step, and 50 to do it, of which it is waited for later."""

    def __init__(self) -> None:
        self.now, self.queued = 0, 0

    def read(self) -> int:
        return self.now

    def sample(self, batch):
        assert batch == 8
        self.now += 3
        return torch.zeros(batch, dtype=torch.int64), None

    def update(self, indices, errors):
        assert errors.shape == indices.shape == (8,)
        self.now += 4
        self.queued += 50

    def wait(self):
        self.now, self.queued = self.now + self.queued, 0


def test_a_block_is_waited_for_once_and_at_its_end():
    device = Device()
    real = gpu.build("torch.multinomial", Workload(rows=9, batch=8, payload=False, seed=1), "cpu")
    peer = gpu.DevicePeer(real.contestant, device, device.wait, "made up")
    found = list(gpu.measure_blocks([peer], batch=8, repeats=2, seed=1, clock=device.read))
    assert found == [{"torch.multinomial": 57.0}] * 2
    assert device.queued == 0
