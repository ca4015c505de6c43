"""The public path of the adapter for SB3-Contrib: ``amper.adapters.sb3_contrib``."""

from amper.adapters.sb3_contrib import PrioritizedQRDQN

__all__ = ["PrioritizedQRDQN"]
