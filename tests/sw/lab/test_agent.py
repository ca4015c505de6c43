"""DQN's agents, side by side: each learns what PyTorch's own layers would, whatever is beside it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from training import TINY, one_thread  # noqa: F401 (one_thread: in force by being here)

from amper_lab.train.dqn import Agent
from amper_lab.train.loop import train
from amper_lab.train.options import TrainOptions


def batch_of(rng: np.random.Generator, agents: int, size: int, **changed: Any) -> dict[str, Any]:
    return {
        "before": rng.normal(size=(agents, size, 3)).astype(np.float32),
        "action": rng.integers(2, size=(agents, size)),
        "reward": rng.normal(size=(agents, size)).astype(np.float32),
        "after": rng.normal(size=(agents, size, 3)).astype(np.float32),
        "terminated": rng.integers(2, size=(agents, size)).astype(np.float32),
        "weights": rng.random((agents, size)).astype(np.float32),
        **changed,
    }


class Reference:
    """One agent of PyTorch's layers, its loss, and its differentiation."""

    def __init__(self, options: TrainOptions, seed: int) -> None:
        self.options = options
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.online = self.network(options.hidden)
            self.target = self.network(options.hidden)
        self.target.load_state_dict(self.online.state_dict())
        self.optimizer = torch.optim.Adam(self.online.parameters(), lr=options.lr)
        self.updates = 0

    def network(self, hidden: int) -> torch.nn.Sequential:
        linear, relu = torch.nn.Linear, torch.nn.ReLU
        return torch.nn.Sequential(linear(3, hidden), relu(), linear(hidden, hidden), relu(), linear(hidden, 2))

    def learn(self, batch: dict[str, NDArray[Any]]) -> tuple[NDArray[np.float32], float]:
        """r + gamma Q'(s', a') (1 - terminated) - Q(s, a); a' is the target's best action, or the online one's."""
        tensors = {name: torch.from_numpy(array) for name, array in batch.items()}
        value = self.online(tensors["before"]).gather(1, tensors["action"][:, None])[:, 0]
        with torch.no_grad():
            after = self.target(tensors["after"])
            best = (self.online(tensors["after"]) if self.options.double else after).argmax(dim=1, keepdim=True)
            future = self.options.discount * after.gather(1, best)[:, 0] * (1 - tensors["terminated"])
        goal = tensors["reward"] + future
        loss = (tensors["weights"] * torch.nn.functional.smooth_l1_loss(value, goal, reduction="none")).mean()
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.online.parameters(), 10.0)
        self.optimizer.step()
        self.updates += 1
        if self.updates % self.options.target_period == 0:
            self.target.load_state_dict(self.online.state_dict())
        return (goal - value.detach()).numpy(), float(loss.detach())


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("scale", [1, 100])
def test_each_learns_as_pytorchs_layers_do(double: bool, scale: int) -> None:
    """Of three agents one has rewards so large that its gradients are cut: it alone, where lengths are of each."""
    options = replace(TINY, double=double, discount=0.9, target_period=7)
    agents, references = Agent(options, 3, 2, [4, 5, 6]), [Reference(options, seed) for seed in (4, 5, 6)]
    rng = np.random.default_rng(1)
    for _ in range(30):
        batch = batch_of(rng, 3, 64)
        batch["reward"][1] *= scale
        batch["weights"][1] *= scale
        errors, losses = agents.learn(batch)
        for each, reference in enumerate(references):
            wanted, loss = reference.learn({name: array[each] for name, array in batch.items()})
            np.testing.assert_allclose(errors[each], wanted, rtol=1e-3, atol=1e-3)
            assert losses[each] == pytest.approx(loss, rel=1e-3)
    assert agents.updates == 30


def test_agents_learn_the_rewarded_action() -> None:
    """Observation x: action 1 pays x's sign, for the second agent the opposite; action 0 nothing."""
    rng = np.random.default_rng(2)
    agents = Agent(replace(TINY, lr=1e-2), 3, 2, [1, 2])
    signs = np.array([[1], [-1]])
    for _ in range(200):
        batch = batch_of(rng, 2, 64, terminated=np.ones((2, 64), np.float32), weights=np.ones((2, 64), np.float32))
        batch["reward"] = (batch["action"] * signs * np.sign(batch["before"][:, :, 0])).astype(np.float32)
        agents.learn(batch)
    seen = rng.normal(size=(2, 200, 3)).astype(np.float32)
    right = agents.act(seen) == (signs * seen[:, :, 0] > 0)
    assert right.mean(axis=1).min() > 0.9


def test_weight_0_teaches_nothing() -> None:
    """To the agent whose weights they are."""
    agents = Agent(TINY, 3, 2, [1, 2])
    before = agents.online.flat.clone()
    batch = batch_of(np.random.default_rng(3), 2, 8)
    batch["weights"][1] = 0
    agents.learn(batch)
    assert not torch.equal(agents.online.flat[0], before[0])
    assert torch.equal(agents.online.flat[1], before[1])


@pytest.mark.parametrize("sampler", ["per", "amper-fr-dithered"])
def test_a_run_is_the_same_beside_others(sampler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seed 2 alone and between 1 and 3: the same observations and draws, and the same losses but for rounding."""
    options = replace(TINY, sampler=sampler, steps=70, evaluations=1)
    learned: list[tuple[dict[str, NDArray[Any]], NDArray[np.float32]]] = []
    original = Agent.learn

    def watched(agent: Agent, batch: dict[str, NDArray[Any]]) -> Any:
        errors, losses = original(agent, batch)
        learned.append(({name: array.copy() for name, array in batch.items()}, losses))
        return errors, losses

    monkeypatch.setattr(Agent, "learn", watched)
    train(options, [2])
    alone, learned = learned, []
    train(options, [1, 2, 3])
    assert len(alone) == len(learned) == 11
    for (batch, losses), (batches, several) in zip(alone, learned, strict=True):
        for name in ("indices", "before", "action", "reward", "after", "terminated"):
            np.testing.assert_array_equal(batch[name][0], batches[name][1])
        np.testing.assert_allclose(batch["weights"][0], batches["weights"][1], rtol=1e-4)
        assert losses[0] == pytest.approx(several[1], rel=1e-4)
        assert not np.array_equal(batches["before"][1], batches["before"][0])
