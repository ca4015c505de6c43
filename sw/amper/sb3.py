"""The public path of the adapter for Stable-Baselines3: ``amper.adapters.sb3``."""

from amper.adapters.sb3 import PrioritizedDQN, PrioritizedSAC, PrioritizedTD3
from amper.adapters.sb3_buffers import (
    AmperDictReplayBuffer,
    AmperNStepReplayBuffer,
    AmperReplayBuffer,
    PrioritizedRows,
    PrioritizedSamples,
)
from amper.adapters.sb3_her import AmperHerReplayBuffer

__all__ = [
    "AmperDictReplayBuffer",
    "AmperHerReplayBuffer",
    "AmperNStepReplayBuffer",
    "AmperReplayBuffer",
    "PrioritizedDQN",
    "PrioritizedRows",
    "PrioritizedSAC",
    "PrioritizedSamples",
    "PrioritizedTD3",
]
