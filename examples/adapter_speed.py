"""What an adapter adds: process-CPU microseconds a call, against amper.Sampler alone and the libraries' own buffers.

    python examples/adapter_speed.py --rows 10000 100000 1000000

Needs: pip install '.[torchrl,tianshou,sb3]' tqdm

The calls are interleaved in one run, and the medians printed. TorchRL's own sampler is left out where its C++ extension
does not load.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import ReplayBuffer as Sb3ReplayBuffer
from tensordict import TensorDict
from tianshou.data import Batch, PrioritizedReplayBuffer
from torchrl.data import LazyTensorStorage, TensorDictReplayBuffer
from torchrl.data.replay_buffers.samplers import PrioritizedSampler
from tqdm import tqdm

from amper import ReplayBuffer, Sampler
from amper.adapters.sb3 import AmperReplayBuffer as Sb3Buffer
from amper.adapters.tianshou import AmperReplayBuffer as TianshouBuffer
from amper.torchrl import AmperSampler, AmperTensorDictReplayBuffer

BATCH, CALLS = 64, 50
Calls = dict[str, Callable[[], object]]


class Rows:
    """Enough of a TorchRL storage."""

    ndim = 1

    def __init__(self, rows: int) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return self.rows


def torchrl_calls(sampler: PrioritizedSampler, rows: int, drawn: np.ndarray, errors: np.ndarray) -> Calls:
    sampler.update_priority(torch.arange(rows), torch.rand(rows))
    storage, index, priority = Rows(rows), torch.from_numpy(drawn), torch.from_numpy(errors).float()
    return {
        "sample": lambda: sampler.sample(storage, BATCH),
        "update": lambda: sampler.update_priority(index, priority),
        "add": lambda: sampler.mark_update(5),
    }


def torchrl_buffer_calls(kind: type[TensorDictReplayBuffer], rows: int) -> Calls:
    """Whole batches of six columns."""
    buffer = kind(storage=LazyTensorStorage(rows), sampler=AmperSampler(rows, 0.6, 0.4), batch_size=BATCH)
    columns = {"obs": (4,), "action": (), "reward": (), "next_obs": (4,), "done": ()}
    buffer.extend(TensorDict({name: torch.zeros(rows, *shape) for name, shape in columns.items()}, [rows]))
    buffer.update_priority(torch.arange(rows), torch.rand(rows))
    return {"sample": buffer.sample}


def buffer_calls(rows: int) -> Calls:
    """The same batches by ``amper.ReplayBuffer``, as tensors."""
    columns = {"obs": ("float32", 4), "action": "float32", "reward": "float32", "next_obs": ("float32", 4)}
    buffer = ReplayBuffer(rows, {**columns, "done": "float32"})
    buffer.extend(**{name: np.zeros((rows, 4) if "obs" in name else rows) for name in (*columns, "done")})
    buffer.update_errors(np.arange(rows), np.random.rand(rows))
    return {"sample": lambda: buffer.sample(BATCH, tensors=True)}


def tianshou_calls(buffer: PrioritizedReplayBuffer, rows: int, drawn: np.ndarray, errors: np.ndarray) -> Calls:
    zeros, no = np.zeros(rows), np.zeros(rows, dtype=bool)
    buffer.set_batch(Batch(obs=zeros, act=zeros, rew=zeros, terminated=no, truncated=no, done=no, obs_next=zeros))
    buffer._size = rows
    one = Batch(obs=0.0, act=0.0, rew=0.0, terminated=False, truncated=False, obs_next=0.0)
    buffer.update_weight(np.arange(rows), np.random.rand(rows))
    return {
        "sample": lambda: buffer.get_weight(buffer.sample_indices(BATCH)),
        "update": lambda: buffer.update_weight(drawn, errors),
        "add": lambda: buffer.add(one),
    }


def sb3_calls(buffer: Sb3ReplayBuffer, rows: int, drawn: np.ndarray, errors: np.ndarray) -> Calls:
    one = [np.zeros(4), np.zeros(4), np.zeros(1), np.zeros(1), np.zeros(1), [{}]]
    for _ in range(rows):
        buffer.add(*one)
    calls: Calls = {"sample": lambda: buffer.sample(BATCH), "add": lambda: buffer.add(*one)}
    if isinstance(buffer, Sb3Buffer):
        calls["update"] = lambda: buffer.update_priorities(drawn, errors)
    return calls


def contenders(rows: int) -> dict[str, Calls]:
    drawn, errors = np.random.randint(0, rows, BATCH), np.random.rand(BATCH)
    given, box = (rows, drawn, errors), spaces.Box(-1, 1, (4,))
    alone = Sampler(rows)
    alone.extend(np.random.rand(rows))
    found = {
        "amper.Sampler": {
            "sample": lambda: alone.sample(BATCH),
            "update": lambda: alone.update_errors(drawn, errors),
            "add": alone.add,
        },
        "amper.torchrl": torchrl_calls(AmperSampler(rows, 0.6, 0.4), *given),
        "amper.torchrl in TorchRL's buffer, whole batch": torchrl_buffer_calls(TensorDictReplayBuffer, rows),
        "amper.torchrl in ours, whole batch": torchrl_buffer_calls(AmperTensorDictReplayBuffer, rows),
        "amper.ReplayBuffer, whole batch of tensors": buffer_calls(rows),
        "amper.tianshou, indices and weights": tianshou_calls(TianshouBuffer(rows, 0.6, 0.4), *given),
        "Tianshou, indices and weights": tianshou_calls(PrioritizedReplayBuffer(rows, 0.6, 0.4), *given),
        "amper.sb3, whole batch": sb3_calls(Sb3Buffer(rows, box, spaces.Discrete(2), "cpu"), *given),
        "SB3 (uniform), whole batch": sb3_calls(Sb3ReplayBuffer(rows, box, spaces.Discrete(2), "cpu"), *given),
    }
    try:
        found["TorchRL"] = torchrl_calls(PrioritizedSampler(rows, 0.6, 0.4), *given)
    except RuntimeError as error:
        print(f"TorchRL's own sampler does not run here: {error}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=21, help="of 50 calls each (default 21)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found: dict[tuple[str, str], list[float]] = {}
    for rows in options.rows:
        calls = contenders(rows)
        times: dict[tuple[str, str], list[float]] = {}
        for _ in tqdm(range(options.rounds), desc=f"{rows:,} rows"):
            for name, operations in calls.items():
                for operation, call in operations.items():
                    start = time.process_time()
                    for _ in range(CALLS):
                        call()
                    times.setdefault((name, operation), []).append((time.process_time() - start) / CALLS * 1e6)
        for key, values in times.items():
            found.setdefault(key, []).append(statistics.median(values))
    packages = ("amper", "torch", "torchrl", "tianshou", "stable-baselines3", "numpy")
    print(", ".join(f"{name} {version(name)}" for name in packages))
    print(f"CPU microseconds a call, batch {BATCH}, n = {' / '.join(f'{rows:,}' for rows in options.rows)}\n")
    print("| | sample | update | add |\n|---|---|---|---|")
    for name in dict.fromkeys(name for name, _ in found):
        cells = (
            " / ".join(f"{value:.1f}" for value in found.get((name, each), [])) for each in ("sample", "update", "add")
        )
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
