"""Which core does a sampler's work: compiled (sw/amper/cores/c), in NumPy (``amper.cores.numpy``) or bit-exact."""

from __future__ import annotations

import warnings
from typing import Any

from amper.backends.fast import can_compile
from amper.cores.base import Core
from amper.cores.compiled import compiled_core
from amper.cores.exact import ExactCore
from amper.cores.numpy.core import AMPER, PER, UNIFORM, NumpyCore
from amper.sampler.options import SamplerOptions
from amper.support.forks import SAMPLERS, guard
from amper_spec.config import AMPER_VARIANTS
from amper_spec.urng import split_mix_64

_warned = False


def chosen_core(compiled: bool | None, options: SamplerOptions | None = None) -> bool:
    """Whether to use the compiled core, where it has one for a sampler's options; warns once when there is none."""
    global _warned
    if compiled not in (None, True, False):
        raise TypeError(f"compiled must be True, False or None, not {compiled!r}")
    installed = compiled_core(compiled) is not None
    if compiled is None and not (installed or _warned):
        _warned = True
        warnings.warn(
            "amper.cores._core is not installed: samplers use NumPy, with the same results, "
            "tens to hundreds of times slower",
            RuntimeWarning,
            stacklevel=3,
        )
    if compiled is not None:
        return compiled
    if options is not None and options.bit_exact:
        return installed and can_compile(options.config().variants, options.priority_width)
    return installed


def new_core(options: SamplerOptions, compiled: bool) -> Core:
    """An empty core for the options."""
    kind_of_initial, initial = options.initial
    of_core: dict[str, Any] = {
        "alpha": options.alpha,
        "eps": options.eps,
        "initial_kind": kind_of_initial,
        "initial": initial,
    }
    if options.bit_exact:
        return ExactCore(options.config(), compiled=compiled, **of_core)
    if options.variant is None:
        number = PER if options.mode == "per" else UNIFORM
    else:
        number = AMPER + AMPER_VARIANTS.index(options.variant)
    module = compiled_core(compiled)
    kind = NumpyCore if module is None else module.Core
    core: Core = kind(
        mode=number,
        rows=options.rows,
        groups=options.groups,
        scale=options.first_scale,
        target=options.target,
        largest_scale=options.largest_scale,
        own_weights=int(options.weights == "inclusion"),
        key=split_mix_64(options.seed, 1)[0],
        **of_core,
    )
    if module is not None:
        guard(core, SAMPLERS)  # type: ignore[arg-type]  # NumPy's has one itself
    return core
