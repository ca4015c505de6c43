"""The sampler that the options of a run ask for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from amper import AmperConfig, Sampler
from amper.sampler.device import Device
from amper_lab.train.options import TrainOptions


@contextmanager
def make_sampler(options: TrainOptions, seed: int) -> Iterator[Sampler | Device]:
    """The sampler of a run, closed in the end if it is a device.

    Raises
    ------
    TypeError, ValueError : options that the sampler refuses. ImportError, DeviceError : the backend cannot be opened.
    """
    if options.backend == "software":
        yield Sampler(
            options.rows,
            mode=options.sampler,  # type: ignore[arg-type]  # the sampler checks it
            scale=options.scale,
            csp_share=options.csp_share,
            alpha=options.alpha,
            eps=options.eps,
            seed=seed,
            bit_exact=options.bit_exact,
        )
        return
    with Device(_config(options, seed), options.backend, alpha=options.alpha, eps=options.eps) as device:
        yield device


def _config(options: TrainOptions, seed: int) -> AmperConfig:
    variant = "exact" if options.sampler == "per" else options.sampler.removeprefix("amper-")
    scales = {}
    if options.scale is not None:
        scales["neighbour_scale" if variant == "k" else "radius_scale"] = options.scale
    values = {"rows": options.rows, "batch": options.batch, "variant": variant, "seed": seed, **scales}
    return AmperConfig.from_dict(values)
