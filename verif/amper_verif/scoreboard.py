"""The scoreboard: results of the sampler against the golden model, in order, index by index."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from amper import AmperConfig, GoldenModel, NoValidRowError, Status


class Result(NamedTuple):
    """One beat of the result stream."""

    row: int
    priority: int
    last: int
    status: int


@dataclass
class Scoreboard:
    """Feeds accepted writes and requests to the model, and compares each result beat with what the model says.

    A mismatch is counted and kept, not raised, so that a run can report how many there are.
    """

    config: AmperConfig
    model: GoldenModel = field(init=False)
    expected: deque[Result] = field(init=False, default_factory=deque)
    batches: int = 0
    compared: int = 0
    mismatches: int = 0
    first_mismatch: str = ""

    def __post_init__(self) -> None:
        self.model = GoldenModel(self.config)

    def reset(self) -> None:
        """The device was reset: its memory is empty, its streams are at their start and no result is due."""
        self.model.reset()
        self.expected.clear()

    def write(self, row: int, priority: int, invalidate: int) -> bool:
        """A write was accepted; returns whether the device must report it as refused."""
        if row >= self.config.rows:
            return True
        if invalidate:
            self.model.invalidate(row)
        else:
            self.model.write(row, priority)
        return False

    def request(self, batch: int) -> Status:
        """A sample request was accepted; returns the status that its results must have."""
        self.batches += 1
        if not 1 <= batch <= self.config.batch:
            self.expected.append(Result(0, 0, 1, Status.BAD_BATCH))
            return Status.BAD_BATCH
        try:
            self.model.sample(batch)
        except NoValidRowError:
            self.expected.append(Result(0, 0, 1, Status.NO_VALID_ROW))
            return Status.NO_VALID_ROW
        drawn = self.model.last_batch
        assert drawn is not None
        for index, (row, priority) in enumerate(zip(drawn.indices, drawn.priorities, strict=True)):
            self.expected.append(Result(row, priority, int(index == batch - 1), drawn.status))
        return drawn.status

    def result(self, result: Result) -> None:
        """A result beat was taken."""
        self.compared += 1
        wanted = self.expected.popleft() if self.expected else None
        if result != wanted:
            self.mismatches += 1
            if not self.first_mismatch:
                self.first_mismatch = f"beat {self.compared} of batch {self.batches}: expected {wanted}, got {result}"

    def check_finished(self) -> None:
        """Raise AssertionError if something expected never came, or nothing was ever compared."""
        assert not self.expected, f"{len(self.expected)} results never came, the first is {self.expected[0]}"
        assert self.compared > 0, "no result was compared"
