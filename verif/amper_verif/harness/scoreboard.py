"""The scoreboard: results of the sampler against the golden model, in order, index by index."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from amper import AmperConfig, Batch, DisabledError, GoldenModel, NoValidRowError, Parameter, Status
from amper.model.planes import ExactBatch
from amper.model.tree import TreeBatch
from amper.operations.vocabulary import Write
from amper_spec.parameters import VALUE_WIDTH
from amper_spec.status import REFUSALS


class Result(NamedTuple):
    """One beat of the result stream: its lanes that hold a draw; lane 0, which must be 0, of a request refused."""

    rows: tuple[int, ...]
    priorities: tuple[int, ...]  # empty if results carry none
    last: int
    status: int

    @classmethod
    def of_port(cls, config: AmperConfig, *, row: int, priority: int, lanes: int, last: int, status: int) -> Result:
        """A beat as its ports say it; AssertionError unless ``lanes`` are the lowest, and none of a refusal."""
        draws = status not in REFUSALS or config.draw_ports == 1
        assert bool(lanes) == draws, f"result_lanes must not be {lanes:b} with status {status}"
        if not splits_beats(config):
            assert not lanes & lanes + 1, f"result_lanes must be the lowest ones, not {lanes:b}"
        held = [lane for lane in range(config.draw_ports) if lanes >> lane & 1] or [0]
        rows = lane_values(row, config.row_width, config.draw_ports)
        priorities = lane_values(priority, config.priority_width, config.draw_ports)
        for lane in range(config.draw_ports):
            assert lane in held or not rows[lane], f"lane {lane} without a draw must be 0, not row {rows[lane]}"
        chosen = tuple(priorities[lane] for lane in held) if config.result_priority else ()
        return cls(tuple(rows[lane] for lane in held), chosen, last, status)

    def draws(self) -> list[Result]:
        """Its draws, each as a beat of its own."""
        final = len(self.rows) - 1
        return [
            Result((row,), self.priorities[index : index + 1], int(self.last and index == final), self.status)
            for index, row in enumerate(self.rows)
        ]


def splits_beats(config: AmperConfig) -> bool:
    """Whether draws of a batch come in any number of beats: variant exact has a plane a beat."""
    return "exact" in config.variants and config.draw_ports > 1


def lane_values(port: int, width: int, count: int) -> tuple[int, ...]:
    """The lowest ``count`` fields of ``width`` bits."""
    return tuple(port >> index * width & (1 << width) - 1 for index in range(count))


@dataclass
class Scoreboard:
    """Feeds what the device accepted to the model, and compares each result beat with what the model says.

    A mismatch is counted and kept, not raised, so that a run can report how many there are. Of what is accepted at the
    same clock edge, writes come first, then the control, then the request.

    Members
    -------
    batches, compared, mismatches : requests, drawn rows compared (a refusal counts as one), what differed.
    variants : batches that drew, by variant.
    errors, searches : what the device's counters of these names must show.
    csp_size : likewise, of the latest batch with a candidate set that was not refused; 0 if it fell back, or if there
        was none. total : likewise, T of the latest batch of exact; 0 if there was none.
    """

    config: AmperConfig
    model: GoldenModel = field(init=False)
    expected: deque[Result] = field(init=False, default_factory=deque)
    batches: int = 0
    compared: int = 0
    mismatches: int = 0
    first_mismatch: str = ""
    variants: Counter[str] = field(default_factory=Counter)
    errors: int = 0
    searches: int = 0
    csp_size: int = 0
    total: int = 0

    def __post_init__(self) -> None:
        self.model = GoldenModel(self.config)

    def reset(self) -> None:
        """The device was reset: its memory is empty, parameters and streams are as configured, no result is due."""
        self.model.reset()
        self.expected.clear()
        self.errors = self.searches = self.csp_size = self.total = 0

    @property
    def valid_rows(self) -> int:
        """Rows that hold a priority."""
        return sum(priority is not None for priority in self.model.priorities)

    def write(self, write: Write) -> bool:
        """A lane of a write was accepted; returns whether the device must report it as refused."""
        try:
            if write.invalidate:
                self.model.invalidate(write.row)
            else:
                self.model.write(write.row, write.priority)
        except ValueError:
            self.errors += 1
            return True
        return False

    def control(self, parameter: int, value: int) -> bool:
        """A control was accepted; returns whether the device must report it as refused."""
        assert value < 1 << VALUE_WIDTH, f"value must fit its field, got {value}"
        try:
            self.model.set_parameter(Parameter(parameter), value)
        except ValueError:
            self.errors += 1
            return True
        return False

    def request(self, batch: int) -> Status:
        """A sample request was accepted; returns the status that its results must have."""
        self.batches += 1
        drawn = self._answer(batch)
        if isinstance(drawn, Status):
            self.errors += 1
            self._expect((0,), (0,), 1, drawn)
            return drawn
        self.variants[self.model.settings.variant] += 1
        if isinstance(drawn, (ExactBatch, TreeBatch)):
            self.total = drawn.total
        else:
            self.searches += self._searches(drawn.fallback)
            self.csp_size = 0 if drawn.fallback else drawn.csp_size
        lanes = 1 if splits_beats(self.config) else self.config.draw_ports
        for begin in range(0, batch, lanes):
            lot = slice(begin, begin + lanes)
            self._expect(drawn.indices[lot], drawn.priorities[lot], int(begin + lanes >= batch), drawn.status)
        return drawn.status

    def _answer(self, batch: int) -> Batch | ExactBatch | TreeBatch | Status:
        """What the model draws, or why it refuses."""
        try:
            return self.model.draw(batch)
        except DisabledError:
            return Status.DISABLED
        except NoValidRowError:
            return Status.NO_VALID_ROW
        except ValueError:
            return Status.BAD_BATCH

    def _searches(self, fallback: bool) -> int:
        """Searches of a batch: one a group; of k, as many as a bisection of Q bits and its ends take."""
        settings = self.model.settings
        per_group = self.config.priority_width + 2 if settings.variant == "k" else 1
        return settings.groups * per_group + fallback

    def _expect(self, rows: tuple[int, ...], priorities: tuple[int, ...], last: int, status: Status) -> None:
        self.expected.append(Result(rows, priorities if self.config.result_priority else (), last, status))

    def result(self, result: Result) -> None:
        """A result beat was taken."""
        self.compared += len(result.rows)
        for beat in result.draws() if splits_beats(self.config) else [result]:
            wanted = self.expected.popleft() if self.expected else None
            if beat != wanted:
                self.mismatch(f"index {self.compared} of {self.batches} batches: expected {wanted}, got {beat}")

    def mismatch(self, text: str) -> None:
        """Something differs from what the model says."""
        self.mismatches += 1
        self.first_mismatch = self.first_mismatch or text

    def counts(self) -> dict[str, Any]:
        """For a bench's report: the batches, and of which variants."""
        return {"batches": self.batches, "variants": dict(self.variants)}

    def check_finished(self) -> None:
        """Raise AssertionError if something expected never came, or nothing was ever compared."""
        assert not self.expected, f"{len(self.expected)} results never came, the first is {self.expected[0]}"
        assert self.compared > 0, "no result was compared"
