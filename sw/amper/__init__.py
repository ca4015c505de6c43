"""AMPER: prioritized experience replay by an associative memory (arXiv 2207.07791)."""

from amper.backends.backend import DeviceError, register_backend
from amper.cores.weights import LinearSchedule, inclusion_probability
from amper.model.golden import Batch, GoldenModel
from amper.model.quantise import quantise
from amper.replay.buffer import ReplayBuffer
from amper.replay.columns import Columns
from amper.replay.frames import Frames
from amper.replay.nstep import NStep
from amper.replay.sequences import Sequences, sequence_priorities
from amper.sampler.device import Device
from amper.sampler.options import Mode
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
    "Columns",
    "Device",
    "DeviceError",
    "DisabledError",
    "Frames",
    "GoldenModel",
    "LinearSchedule",
    "Mode",
    "NStep",
    "NoValidRowError",
    "Parameter",
    "ReplayBuffer",
    "Sampler",
    "Sequences",
    "Status",
    "Variant",
    "Xoroshiro128PlusPlus",
    "__version__",
    "inclusion_probability",
    "quantise",
    "register_backend",
    "sequence_priorities",
    "streams",
]

__version__: str


def __getattr__(name: str) -> str:
    if name != "__version__":
        raise AttributeError(f"module 'amper' has no attribute {name!r}")
    from importlib.metadata import version  # slow to load, and most programs do not ask

    return version("amper")
