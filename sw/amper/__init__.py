"""AMPER: prioritized experience replay by an associative memory (arXiv 2207.07791)."""

from amper.config import VARIANTS, AmperConfig, Variant
from amper.golden import Batch, GoldenModel, NoValidRowError, Status
from amper.quantise import quantise
from amper.urng import Xoroshiro128PlusPlus, streams

__all__ = [
    "VARIANTS",
    "AmperConfig",
    "Batch",
    "GoldenModel",
    "NoValidRowError",
    "Status",
    "Variant",
    "Xoroshiro128PlusPlus",
    "quantise",
    "streams",
]
