"""AMPER: prioritized experience replay by an associative memory (arXiv 2207.07791)."""

from amper.backends.backend import DeviceError, register_backend
from amper.cores.weights import LinearSchedule, inclusion_probability
from amper.model.golden import Batch, GoldenModel
from amper.model.quantise import quantise
from amper.replay.buffer import ReplayBuffer
from amper.replay.nstep import NStep
from amper.sampler.device import Device
from amper.sampler.sampler import Sampler
from amper_spec.config import AMPER_VARIANTS, VARIANTS, AmperConfig, Variant
from amper_spec.errors import DisabledError, NoValidRowError
from amper_spec.parameters import Parameter
from amper_spec.status import Status
from amper_spec.urng import Xoroshiro128PlusPlus, streams

__all__ = [
    "AMPER_VARIANTS",
    "VARIANTS",
    "AmperConfig",
    "Batch",
    "Device",
    "DeviceError",
    "DisabledError",
    "GoldenModel",
    "LinearSchedule",
    "NStep",
    "NoValidRowError",
    "Parameter",
    "ReplayBuffer",
    "Sampler",
    "Status",
    "Variant",
    "Xoroshiro128PlusPlus",
    "inclusion_probability",
    "quantise",
    "register_backend",
    "streams",
]
