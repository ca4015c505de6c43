"""What comes back from a program: from software, or any other ``amper.backends.backend.Backend``, call by call."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from amper import AmperConfig, Parameter, Status
from amper.backends.backend import Backend
from amper.model.settings import Settings
from amper_verif.native.program import Integers, Kind, Program


@dataclass(frozen=True)
class Answers:
    """To each call of a program.

    Members
    -------
    outcomes : (calls,) of a write or a change 1 where something was refused, else 0; of a sample its ``Status``.
    csp_sizes : (calls,) |CSP| of a sample, 0 where there is none. sizes : (calls,) rows that were drawn.
    drawn : these rows, of one call behind those of the call before.
    """

    outcomes: Integers
    csp_sizes: Integers
    sizes: Integers
    drawn: Integers

    def of(self, call: int) -> tuple[int, int, list[int]]:
        """Outcome, |CSP| and rows drawn of one call."""
        begin = int(self.sizes[:call].sum())
        rows = self.drawn[begin : begin + int(self.sizes[call])]
        return int(self.outcomes[call]), int(self.csp_sizes[call]), rows.tolist()

    def difference(self, other: Answers) -> int | None:
        """The first call whose answers differ; None if all are the same."""
        differs = np.zeros(self.outcomes.size, dtype=np.bool_)
        for name in ("outcomes", "csp_sizes", "sizes"):
            differs |= getattr(self, name) != getattr(other, name)
        if differs.any():
            return int(differs.argmax())
        rows = np.flatnonzero(self.drawn != other.drawn)
        return int(np.searchsorted(np.cumsum(self.sizes), rows[0], side="right")) if rows.size else None


class Follower:
    """Makes the calls of a program, part after part, on a backend, which gets the legal ones alone.

    What is legal is said by the settings and by which rows are valid, both of which are kept here.
    """

    def __init__(self, config: AmperConfig, backend: Backend) -> None:
        self._config, self._backend = config, backend
        self._settings = Settings(config)
        self._valid: set[int] = set()

    def run(self, program: Program) -> Answers:
        """What the backend gives."""
        outcomes, csp_sizes, sizes = np.zeros((3, program.kinds.size), dtype=np.int64)
        drawn = [np.zeros(0, dtype=np.int64)]
        rows, codes = program.rows.tolist(), program.codes.tolist()
        calls = zip(program.kinds.tolist(), program.firsts.tolist(), program.seconds.tolist(), strict=True)
        for call, (kind, first, second) in enumerate(calls):
            if kind == Kind.WRITE:
                end = first + second
                legal = self._note(rows[first:end], codes[first:end])
                if legal == second:
                    self._backend.write(program.rows[first:end], program.codes[first:end])
                    continue
                outcomes[call] = 1
                if legal:
                    kept = program.rows[first:end] < self._settings.rows
                    self._backend.write(program.rows[first:end][kept], program.codes[first:end][kept])
            elif kind == Kind.CHANGE:
                outcomes[call] = self._change(Parameter(first), second)
            else:
                status = self._status(first)
                if status == Status.OK:
                    found, csp_size = self._backend.sample(first or self._settings.batch)
                    drawn.append(found)
                    sizes[call], csp_sizes[call] = found.size, csp_size
                    if csp_size == 0 and self._settings.variant != "exact":
                        status = Status.FALLBACK
                outcomes[call] = status
        return Answers(outcomes, csp_sizes, sizes, np.concatenate(drawn))

    def _note(self, rows: list[int], codes: list[int]) -> int:
        """Take down which rows are valid after these writes; how many of them are legal."""
        valid, end, legal = self._valid, self._settings.rows, 0
        for row, code in zip(rows, codes, strict=True):
            if row < end:
                legal += 1
                if code:
                    valid.add(row)
                else:
                    valid.discard(row)
        return legal

    def _change(self, parameter: Parameter, value: int) -> int:
        """1 if it is refused."""
        if parameter >= Parameter.QUERY_STATE_0:
            streams = (self._settings.query, self._settings.draw)
            for stream, state in zip(streams, self._backend.streams(), strict=True):
                stream.s0, stream.s1 = state & (1 << 64) - 1, state >> 64
        try:
            self._settings.set(parameter, value, empty=not self._valid)
        except ValueError:
            return 1
        self._backend.set_parameter(parameter, value)
        if parameter == Parameter.CLEAR:
            self._valid.clear()
        return 0

    def _status(self, batch: int) -> Status:
        """OK unless the request is refused; in the order in which hardware checks."""
        if not self._settings.enable:
            return Status.DISABLED
        if batch > self._config.batch:
            return Status.BAD_BATCH
        return Status.OK if self._valid else Status.NO_VALID_ROW


def counts(program: Program, answers: Answers) -> dict[str, int]:
    """How many calls of each kind, refused or not, and of each status."""
    refused = answers.outcomes != 0
    found = {
        "writes": program.kinds == Kind.WRITE,
        "refused writes": (program.kinds == Kind.WRITE) & refused,
        "changes": program.kinds == Kind.CHANGE,
        "refused changes": (program.kinds == Kind.CHANGE) & refused,
    }
    samples = program.kinds == Kind.SAMPLE
    found |= {status.name: samples & (answers.outcomes == status) for status in Status}
    return {name: int(chosen.sum()) for name, chosen in found.items() if chosen.any()}
