"""The public path of the adapter for TorchRL: ``amper.adapters.torchrl``."""

from amper.adapters.torchrl import AmperSampler
from amper.adapters.torchrl_buffer import AmperTensorDictReplayBuffer

__all__ = ["AmperSampler", "AmperTensorDictReplayBuffer"]
