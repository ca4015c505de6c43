"""Samplers and filled buffers of TorchRL, for the tests of its adapter."""

from __future__ import annotations

import numpy as np
import torch
from torchrl.data import LazyTensorStorage, ReplayBuffer

from amper.adapters.torchrl import AmperSampler

EPS = 1e-8
FALSE_ALARM = 1e-5


def made(capacity: int = 10, **options) -> AmperSampler:
    return AmperSampler(capacity, **{"alpha": 0.7, "beta": 0.5, "seed": 1, **options})


def filled(count: int = 10, **options) -> tuple[ReplayBuffer, np.ndarray]:
    """A buffer of ``count`` numbers and its priorities."""
    buffer = ReplayBuffer(storage=LazyTensorStorage(count), sampler=made(count, **options))
    priorities = np.linspace(0.1, 3.0, count)
    buffer.update_priority(buffer.extend(torch.arange(count)), torch.from_numpy(priorities))
    return buffer, priorities
