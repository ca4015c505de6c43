"""What ``import amper`` offers, and where each name lives; amper/__init__.py reads it too."""

from amper.backends.backend import DeviceError as DeviceError
from amper.backends.backend import register_backend as register_backend
from amper.cores.weights import LinearSchedule as LinearSchedule
from amper.cores.weights import inclusion_probability as inclusion_probability
from amper.model.golden import Batch as Batch
from amper.model.golden import GoldenModel as GoldenModel
from amper.model.quantise import quantise as quantise
from amper.replay.buffer import ReplayBuffer as ReplayBuffer
from amper.replay.columns import Columns as Columns
from amper.replay.compression import Compression as Compression
from amper.replay.episodes.frames import Frames as Frames
from amper.replay.episodes.nstep import NStep as NStep
from amper.replay.episodes.recorded import add_episodes as add_episodes
from amper.replay.episodes.sequences import Sequences as Sequences
from amper.replay.episodes.sequences import sequence_priorities as sequence_priorities
from amper.replay.limiter import RateLimiter as RateLimiter
from amper.sampler.device import Device as Device
from amper.sampler.options import Mode as Mode
from amper.sampler.sampler import Sampler as Sampler
from amper.sampler.sharded import ShardedDevice as ShardedDevice
from amper_spec.config import AMPER_VARIANTS as AMPER_VARIANTS
from amper_spec.config import VARIANTS as VARIANTS
from amper_spec.config import AmperConfig as AmperConfig
from amper_spec.config import Variant as Variant
from amper_spec.errors import DisabledError as DisabledError
from amper_spec.errors import NoValidRowError as NoValidRowError
from amper_spec.parameters import Parameter as Parameter
from amper_spec.status import Status as Status
from amper_spec.urng import Xoroshiro128PlusPlus as Xoroshiro128PlusPlus
from amper_spec.urng import streams as streams

__version__: str
