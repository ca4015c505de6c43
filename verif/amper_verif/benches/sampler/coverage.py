"""Functional coverage of the whole sampler, sampled by its bench as operations are accepted and results taken."""

from __future__ import annotations

from collections import Counter

from amper import GoldenModel, Parameter, Status
from amper.model.golden import Batch
from amper.model.planes import ExactBatch
from amper.operations.vocabulary import Beat, Control, Write
from amper_verif.benches.support import LONG_STALL
from amper_verif.harness.coverage import amount, batch_kind, cover, invalidate_kind, lanes_kind


class SamplerCoverage:
    """What the bench tells it becomes hits of the cover points; ``model`` is the scoreboard's."""

    def __init__(self, model: GoldenModel) -> None:
        self._model = model
        self._stalled = 0  # cycles that the present beat has waited

    def beat(self, beat: Beat) -> None:
        """A transfer of writes is accepted."""
        rows = [write.row for write in beat.writes if write is not None]
        cover("write.lanes", lanes_kind(rows, self._model.config.bank_rows))

    def write(self, write: Write) -> None:
        """A write is accepted and not yet in the model."""
        rows = self._model.settings.rows
        if write.row >= rows:
            cover("write.row", "out_of_range")
            return
        cover("write.row", "first" if write.row == 0 else "last" if write.row == rows - 1 else "middle")
        if write.invalidate:
            valid = [code for code in self._model.priorities if code is not None]
            cover("invalidate.of", invalidate_kind(self._model.priorities[write.row], valid))

    def offered_write(self, *, ready: bool) -> None:
        """A write is on the stream."""
        cover("write.offered", "idle" if ready else "during_batch")

    def control(self, control: Control, *, refused: bool) -> None:
        """A control was accepted."""
        name = Parameter(control.parameter).name.rstrip("_0123")
        cover("control.refused" if refused else "control.accepted", name)

    def taken(self, streams: set[str]) -> None:
        """What the same edge took."""
        for stream in streams - {"request"} if "request" in streams else ():
            cover("request.with", stream)

    def request(self, batch: int, status: Status, *, waiting: int) -> None:
        """A request was accepted while ``waiting`` others waited for results, and the model has answered it."""
        cover("request.batch", batch_kind(batch, self._model.config.batch))
        cover("request.waiting", ("none", "one", "more")[min(waiting, 2)])
        cover("result.status", status.name)
        drawn = self._model.last_batch
        if status not in (Status.OK, Status.FALLBACK) or drawn is None:
            return
        cover("request.variant", self._model.settings.variant.replace("-", "_"))
        if isinstance(drawn, ExactBatch):
            for plane in set(drawn.planes):
                cover("plane.rows", amount(drawn.counts[plane], self._model.config.rows))
        elif isinstance(drawn, Batch):
            cover("csp.rows", "zero" if drawn.fallback else amount(drawn.csp_size, self._model.config.rows))
        copies = Counter(code for code in self._model.priorities if code is not None)
        rows = sum(copies.values())
        kind = "distinct" if len(copies) == rows else "all_equal" if len(copies) == 1 else "ties"
        cover("priorities.kind", "single" if rows == 1 else kind)

    def result(self, *, ready: bool) -> None:
        """A beat is on the stream."""
        if not ready:
            self._stalled += 1
            return
        cover("stall.sampler", "none" if self._stalled == 0 else "short" if self._stalled < LONG_STALL else "long")
        self._stalled = 0

    def reset(self, *, in_flight: bool) -> None:
        """A reset, with results still due or not."""
        self._stalled = 0
        if in_flight:
            cover("reset.in_flight", "sampler")
