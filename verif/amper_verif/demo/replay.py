"""A recorded trace through the golden model: what AMPER draws where PER drew, and how large its candidate set is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amper import AmperConfig, GoldenModel
from amper.operations.trace import Draw, Trace
from amper.operations.vocabulary import Write
from amper.operations.workload import trace_steps

BINS = 20  # equal parts of [0, Vmax]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Replay:
    """One line a batch in every array; a bin is one of ``BINS`` equal parts of the codes 0 to Vmax at that time."""

    config: AmperConfig
    operation: IntArray  # the batch's place in the trace
    valid: IntArray  # rows
    csp_size: IntArray
    fallback: NDArray[np.bool_]
    vmax: IntArray
    mean: FloatArray  # of the valid rows' codes
    rows: FloatArray  # (batches, BINS), share of the valid rows
    per: FloatArray  # (batches, BINS), share of the sum of priorities: what PER draws on average
    amper_draws: IntArray  # (batches, BINS), draws of the golden model
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
    """The first ``operations`` of the trace, or all; ValueError when there is no draw among them."""
    model = GoldenModel(config)
    lines: list[tuple[object, ...]] = []
    stimulus = trace_steps(config, trace, operations)
    for index, (recorded, operation) in enumerate(zip(trace.operations(), stimulus, strict=False)):
        if isinstance(operation, Write):
            model.write(operation.row, operation.priority)
            continue
        assert isinstance(recorded, Draw)  # the two go in step, and a trace has no resets
        lines.append((index, *_batch(model, recorded)))
    if not lines:
        raise ValueError(
            f"there is no draw among the first {len(stimulus)} operations of the trace: nothing to compare"
        )
    return Replay(config, *(np.array(column) for column in zip(*lines, strict=True)))


def _batch(model: GoldenModel, recorded: Draw) -> tuple[object, ...]:
    model.sample(len(recorded.rows))
    drawn = model.last_batch
    vmax = model.vmax
    assert drawn is not None
    assert vmax is not None
    codes = np.array([-1 if code is None else code for code in model.priorities])
    place = codes * BINS // (vmax + 1)
    valid = codes >= 0
    count = int(valid.sum())

    def histogram(rows: NDArray[Any], weights: FloatArray | None = None) -> NDArray[Any]:
        return np.bincount(place[rows], weights=weights, minlength=BINS)

    return (
        count,
        drawn.csp_size,
        drawn.fallback,
        vmax,
        codes[valid].mean(),
        histogram(valid) / count,
        histogram(valid, codes[valid].astype(np.float64)) / codes[valid].sum(),
        histogram(np.array(drawn.indices)),
        histogram(np.array(recorded.rows)),
    )
