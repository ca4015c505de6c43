"""A recorded trace, drawn by a variant: what it draws where PER drew, and how large its candidate set is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amper import AmperConfig
from amper.backends.fast import fast_backend
from amper.operations.recorded import trace_steps
from amper.operations.trace import Draw, Trace
from amper.operations.vocabulary import Write

BINS = 20  # equal parts of [0, Vmax]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Replay:
    """One line a batch in every array; a bin is one of ``BINS`` equal parts of the codes 0 to Vmax at that time."""

    config: AmperConfig
    operation: IntArray  # the batch's place in the trace
    valid: IntArray  # rows
    csp_size: IntArray  # 0 for exact, which has none
    fallback: NDArray[np.bool_]
    vmax: IntArray
    mean: FloatArray  # of the valid rows' codes
    rows: FloatArray  # (batches, BINS), share of the valid rows
    per: FloatArray  # (batches, BINS), share of the sum of priorities: what PER draws on average
    draws: IntArray  # (batches, BINS), draws of the variant
    trace_draws: IntArray  # (batches, BINS), draws of the recorded agent's PER

    @property
    def csp_share(self) -> FloatArray:
        """|CSP|/n, n being the valid rows."""
        return self.csp_size / self.valid

    @property
    def expected_csp_share(self) -> FloatArray:
        """2 lambda' mean(p) / Vmax: the share while the match sets are small and do not overlap."""
        return 2 * self.config.radius_scale * self.mean / self.vmax

    def distance(self, draws: IntArray, batches: IntArray | None = None) -> float:
        """Total variation between the shares of ``draws`` and PER's, over the bins; of these ``batches`` or all."""
        chosen = np.arange(len(draws)) if batches is None else batches
        return float(np.abs(shares(draws[chosen]) - self.per[chosen].mean(axis=0)).sum() / 2)


def shares(draws: IntArray) -> FloatArray:
    """(BINS,) share of all draws that each bin has."""
    total = draws.sum(axis=0)
    return np.asarray(total / total.sum())


def replay(config: AmperConfig, trace: Trace, operations: int | None = None) -> Replay:
    """The first ``operations`` of the trace, or all; ValueError when there is no draw among them.

    Drawn by the fast software, whose indices are the golden model's.
    """
    backend = fast_backend(config)
    codes = np.zeros(config.rows, dtype=np.int64)  # 0: the row is invalid; the quantiser gives at least 1
    lines: list[tuple[object, ...]] = []
    stimulus = trace_steps(config, trace, operations)
    for index, (recorded, operation) in enumerate(zip(trace.operations(), stimulus, strict=False)):
        if isinstance(operation, Write):
            codes[operation.row] = operation.priority
            backend.write(np.array([operation.row]), np.array([operation.priority]))
            continue
        assert isinstance(recorded, Draw)  # the two go in step, and a trace has no resets
        drawn, csp_size = backend.sample(len(recorded.rows))
        lines.append((index, *_batch(codes, drawn, csp_size, config.variant, np.array(recorded.rows))))
    if not lines:
        raise ValueError(
            f"there is no draw among the first {len(stimulus)} operations of the trace: nothing to compare"
        )
    return Replay(config, *(np.array(column) for column in zip(*lines, strict=True)))


def _batch(codes: IntArray, drawn: IntArray, csp_size: int, variant: str, recorded: IntArray) -> tuple[object, ...]:
    vmax = int(codes.max())
    place = codes * BINS // (vmax + 1)
    valid = codes > 0
    count = int(valid.sum())
    fallback = csp_size == 0 and variant != "exact"

    def histogram(rows: NDArray[Any], weights: FloatArray | None = None) -> NDArray[Any]:
        return np.bincount(place[rows], weights=weights, minlength=BINS)

    return (
        count,
        count if fallback else csp_size,
        fallback,
        vmax,
        codes[valid].mean(),
        histogram(valid) / count,
        histogram(valid, codes[valid].astype(np.float64)) / codes[valid].sum(),
        histogram(drawn),
        histogram(recorded),
    )
