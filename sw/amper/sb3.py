"""The public path of the adapter for Stable-Baselines3: ``amper.adapters.sb3``."""

from amper.adapters.sb3 import (
    AmperDictReplayBuffer,
    AmperNStepReplayBuffer,
    AmperReplayBuffer,
    PrioritizedDQN,
    PrioritizedRows,
    PrioritizedSamples,
)

__all__ = [
    "AmperDictReplayBuffer",
    "AmperNStepReplayBuffer",
    "AmperReplayBuffer",
    "PrioritizedDQN",
    "PrioritizedRows",
    "PrioritizedSamples",
]
