"""The smallest training runs, for the tests of what trains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from amper_lab.train.loop import Run
from amper_lab.train.options import TrainOptions

TINY = TrainOptions(rows=150, steps=300, batch=16, hidden=16, warmup=50, target_period=20, evaluations=3, episodes=2)
TINY_WORDS = [
    "--rows", "150", "--steps", "300", "--batch", "16", "--hidden", "16", "--warmup", "50", "--target-period", "20",
    "--evaluations", "3", "--episodes", "2",
]  # fmt: skip


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Two threads of tests at once that spin for each other's cores would take a hundred times as long.

    In force where it is imported.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def never(*_: Any, **__: Any) -> list[Run]:
    """In place of ``train``: a run that was kept is not run again."""
    raise AssertionError("a run that was kept is run again")
