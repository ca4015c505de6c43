"""Batches as PyTorch tensors; PyTorch is imported only then."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from amper import NStep, ReplayBuffer, Sampler

COLUMNS = {
    "obs": ("uint8", (2, 3)),
    "reward": "float32",
    "next_obs": ("uint8", (2, 3)),
    "terminated": "bool",
    "truncated": "bool",
}


def filled(n_step: NStep | None = None) -> ReplayBuffer:
    buffer = ReplayBuffer(50, COLUMNS, Sampler(50, seed=2), n_step=n_step)
    rng = np.random.default_rng(1)
    buffer.extend(
        obs=rng.integers(256, size=(50, 2, 3)).astype("uint8"),
        reward=rng.normal(size=50),
        next_obs=rng.integers(256, size=(50, 2, 3)).astype("uint8"),
        terminated=rng.random(50) < 0.1,
        truncated=rng.random(50) < 0.1,
    )
    buffer.update(np.arange(50), rng.random(50))
    return buffer


@pytest.mark.parametrize("n_step", [None, NStep(3)], ids=["one", "steps"])
def test_the_same_as_arrays(n_step):
    first, second = filled(n_step), filled(n_step)
    for size in (7, 64, 64, 1):
        arrays, tensors = first.sample(size), second.sample(size, tensors=True)
        assert arrays.keys() == tensors.keys()
        for name, tensor in tensors.items():
            assert isinstance(tensor, torch.Tensor)
            assert tensor.is_contiguous()
            assert tensor.is_pinned() == torch.cuda.is_available()
            assert tensor.numpy().dtype == arrays[name].dtype
            np.testing.assert_array_equal(tensor.numpy(), arrays[name])


def test_gradients_over_several_batches():
    """What backward needs of the first batch is still there when the second was drawn."""
    buffer = filled()
    weight = torch.ones(1, requires_grad=True)
    batches = [buffer.sample(9, tensors=True) for _ in range(3)]
    sum((weight * batch["reward"] ** 2).sum() for batch in batches).backward()
    rewards = buffer.columns["reward"]
    expected = sum((rewards[batch["indices"].numpy()] ** 2).sum() for batch in batches)
    assert weight.grad.item() == pytest.approx(expected, rel=1e-6)


def test_indices_go_back_as_tensors():
    buffer = filled()
    batch = buffer.sample(20, tensors=True)
    buffer.update_errors(batch["indices"], batch["reward"])
    expected = (np.abs(batch["reward"].numpy().astype(float)) + 1e-6) ** 0.6
    np.testing.assert_allclose(buffer.sampler.priorities()[batch["indices"].numpy()], expected, rtol=1e-6)


def test_tensors_are_stored():
    buffer = filled()
    obs = torch.arange(6, dtype=torch.uint8).reshape(2, 3)
    index = buffer.add(obs=obs, reward=torch.tensor(0.5), next_obs=obs, terminated=torch.tensor(True), truncated=False)
    np.testing.assert_array_equal(buffer.columns["obs"][index % buffer.rows], obs.numpy())


def test_pytorch_is_imported_only_when_it_is_asked_for():
    program = """
import sys
from amper import ReplayBuffer
buffer = ReplayBuffer(3, {"x": "int64"})
buffer.add(x=1)
buffer.sample(3)
print("torch" in sys.modules)
sys.modules["torch"] = None  # as if it were not installed
try:
    buffer.sample(3, tensors=True)
except ImportError as error:
    print(error)
print(buffer.sample(1)["x"])
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["False", "torch is not installed: pip install 'amper[train]'", "[1]"]


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("options", [{"requires_grad": True}, {"dtype": torch.bfloat16}], ids=str)
def test_tensors_of_any_kind_are_stored(compiled, options):
    """With a gradient, or of a type that NumPy lacks: what a policy gives."""
    buffer = ReplayBuffer(4, {"x": ("float32", 2)}, compiled=compiled)
    buffer.add(x=torch.full((2,), 1.5, **options))
    buffer.extend(x=torch.full((2, 2), 2.5, **options))
    assert buffer.columns["x"].tolist() == [[1.5, 1.5], [2.5, 2.5], [2.5, 2.5], [0, 0]]
