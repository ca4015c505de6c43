"""From float priorities to integer priority codes (docs/reference/algorithm.md, section 0)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from amper_spec.algorithm import Algorithm


def quantise(priorities: ArrayLike, config: Algorithm) -> NDArray[np.int64]:
    """Priority codes, 1 to 2^Q - 1, of float priorities.

    Parameters
    ----------
    priorities : array of any shape, or a number: (|td| + eps)^alpha, already exponentiated.
    config : gives ``priority_scale`` and Q.

    Returns
    -------
    int64 array of the same shape: min(2^Q - 1, max(1, rint(priority * priority_scale))).

    Raises
    ------
    TypeError : not real numbers. ValueError : a NaN, infinite or negative priority; nothing is converted.
    """
    values = np.asarray(priorities)
    if values.dtype.kind not in "fiu":
        raise TypeError(f"priorities must be real numbers, not {values.dtype}")
    values = values.astype(np.float64)
    legal = np.isfinite(values) & (values >= 0)
    if not legal.all():
        raise ValueError(f"priorities must be finite and at least 0, not {values[~legal].flat[0]}")
    # Saturate before the product is rounded, so that it cannot overflow.
    scaled = np.minimum(values, config.priority_max / config.priority_scale) * config.priority_scale
    codes: NDArray[np.int64] = np.clip(np.rint(scaled), 1, config.priority_max).astype(np.int64)
    return codes
