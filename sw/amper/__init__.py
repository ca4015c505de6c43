"""AMPER: prioritized experience replay by an associative memory (arXiv 2207.07791)."""

from amper.config import VARIANTS, AmperConfig, Variant
from amper.device import Device
from amper.device_backend import DeviceError, register_backend
from amper.golden import Batch, DisabledError, GoldenModel, NoValidRowError, Status
from amper.parameters import Parameter
from amper.quantise import quantise
from amper.replay_buffer import ReplayBuffer
from amper.replay_nstep import NStep
from amper.sampler import Sampler
from amper.urng import Xoroshiro128PlusPlus, streams
from amper.weights import LinearSchedule, inclusion_probability

__all__ = [
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
