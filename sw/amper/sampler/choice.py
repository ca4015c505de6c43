"""Which core does a sampler's work: compiled (sw/amper/cores/c), in NumPy (``amper.cores.fallback``) or bit-exact."""

from __future__ import annotations

import warnings
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from amper.cores import fallback
from amper.cores.compiled import compiled_core
from amper.cores.engine import TABLE_WIDTH
from amper.cores.exact import ExactCore
from amper.cores.fallback import AMPER, PER, UNIFORM
from amper.sampler.options import SamplerOptions
from amper_spec.config import AMPER_VARIANTS
from amper_spec.urng import split_mix_64

_warned = False


class Core(Protocol):
    """What a sampler's core can do; see ``amper.cores.fallback.Core``."""

    count: int
    used: int
    cursor: int
    maximum: float
    key: int
    counter: int
    batches: int
    scale: float
    share: float

    @property
    def shift(self) -> int: ...
    def write(self, indices: object, values: object, flags: int, /) -> int: ...
    def add(self, priority: object, /) -> int | None: ...
    def remove(self, indices: object, /) -> int: ...
    def sample(self, batch: object, beta: object, /) -> tuple[NDArray[np.int64], NDArray[np.float32]] | None: ...
    def priorities(self) -> NDArray[np.float32]: ...
    def extra(self) -> NDArray[np.uint32]: ...
    def cover(self) -> NDArray[np.float64]: ...
    def set_cover(self, cover: NDArray[np.float64], /) -> int: ...
    def set_shift(self, shift: int, /) -> None: ...
    def memory(self) -> int: ...


def chosen_core(compiled: bool | None, options: SamplerOptions | None = None) -> bool:
    """Whether to use the compiled core, where it has one for a sampler's options; warns once when there is none."""
    global _warned
    if compiled not in (None, True, False):
        raise TypeError(f"compiled must be True, False or None, not {compiled!r}")
    if compiled and compiled_core is None:
        raise ImportError("compiled=True needs amper.cores._core: install amper where a C compiler is found")
    if compiled is None and compiled_core is None and not _warned:
        _warned = True
        warnings.warn(
            "amper.cores._core is not installed: samplers use NumPy, with the same results, "
            "tens to hundreds of times slower",
            RuntimeWarning,
            stacklevel=3,
        )
    if compiled is not None:
        return compiled
    too_wide = options is not None and options.bit_exact and options.priority_width > TABLE_WIDTH
    return compiled_core is not None and not too_wide


def new_core(options: SamplerOptions, compiled: bool) -> Core:
    """An empty core for the options."""
    if options.bit_exact:
        return ExactCore(options.config(), alpha=options.alpha, eps=options.eps, compiled=compiled)
    if options.variant is None:
        number = PER if options.mode == "per" else UNIFORM
    else:
        number = AMPER + AMPER_VARIANTS.index(options.variant)
    module = compiled_core if compiled and compiled_core is not None else fallback
    core: Core = module.Core(
        mode=number,
        rows=options.rows,
        groups=options.groups,
        scale=options.first_scale,
        target=options.target,
        largest_scale=options.largest_scale,
        own_weights=int(options.weights == "inclusion"),
        key=split_mix_64(options.seed, 1)[0],
        alpha=options.alpha,
        eps=options.eps,
    )
    return core
