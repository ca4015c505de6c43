"""The public path of the adapter for TorchRL: ``amper.adapters.torchrl``."""

from amper.adapters.torchrl import AmperSampler

__all__ = ["AmperSampler"]
