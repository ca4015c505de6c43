"""Losses of values by their TD errors, as derivatives: PER's, and LAP and PAL of Fujimoto et al. 2020 (2007.06049)."""

from __future__ import annotations

from amper.support.extras import require

require("torch", "sb3")
import torch as th  # noqa: E402

LOSSES = ("per", "lap", "pal")


def lap_slope(errors: th.Tensor) -> th.Tensor:
    """The derivative of the Huber loss, which goes with priorities max(|error|, 1)^alpha and no weights."""
    return errors.clamp(-1, 1)


def pal_slope(errors: th.Tensor, alpha: float) -> th.Tensor:
    """The same in expectation, for uniform draws.

    Of error^2 / 2 up to |error| = 1, |error|^(1 + alpha) / (1 + alpha) from there on; over the mean of
    max(|error|, 1)^alpha.
    """
    scale = errors.abs().clamp(min=1) ** alpha
    return lap_slope(errors) * scale / scale.mean()
