"""AMPER: prioritized experience replay by an associative memory (arXiv 2207.07791)."""

from amper.config import VARIANTS, AmperConfig, Variant
from amper.golden import Batch, DisabledError, GoldenModel, NoValidRowError, Status
from amper.parameters import Parameter
from amper.quantise import quantise
from amper.urng import Xoroshiro128PlusPlus, streams

__all__ = [
    "VARIANTS",
    "AmperConfig",
    "Batch",
    "DisabledError",
    "GoldenModel",
    "NoValidRowError",
    "Parameter",
    "Status",
    "Variant",
    "Xoroshiro128PlusPlus",
    "quantise",
    "streams",
]
