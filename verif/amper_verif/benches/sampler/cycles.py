"""Cycles of every batch against what ``amper.json`` promises; docs/reference/verification.md."""

from __future__ import annotations

import functools
from collections import deque
from dataclasses import dataclass, replace

from amper import AmperConfig
from amper.model.planes import ExactBatch
from amper.model.tree import TreeBatch
from amper_hw.base import latency
from amper_spec.status import REFUSALS, Status
from amper_verif.harness.scoreboard import Scoreboard

_ROOM = 8  # cycles, at most, until a request is taken while one batch is under way


@dataclass
class OpenBatch:
    """A request that was taken and is not answered.

    ``cycles`` : what it takes where it has the sampler to itself; of a refusal, the most. ``alone`` : nothing was under
    way when it was taken, and ``quiet`` : nothing was to settle either. ``stalls`` : before it.
    """

    batch: int  # 0 of a refusal
    cycles: int
    begun: int
    stalls: int
    alone: bool
    quiet: bool


class CycleCheck:
    """Follows the batches; one that takes more cycles than it may, or alone fewer than it must, is a mismatch.

    Members
    -------
    limit : cycles in which nothing happens, although something is asked, after which the device hangs.
    spans : (batch, cycle of its request, of its last result) of those that drew. cycles : (batch, cycles) of those that
        were alone, without back-pressure. exactly : how many of them had to take one number of cycles, and no other.
    """

    def __init__(self, config: AmperConfig, scoreboard: Scoreboard) -> None:
        self.limit = max(latency.answer_cycles(config), latency.clear_cycles(config)) + 2
        self.spans: list[tuple[int, int, int]] = []
        self.cycles: list[tuple[int, int]] = []
        self.exactly = 0
        self._config = config
        self._board = scoreboard
        self._unsettled = latency.unsettled_cycles(config)
        # With parity in registers, a census begins now and then that nobody has asked for.
        scrubs = config.protected and config.organisation == "parallel"
        self._late = latency.census_cycles(config) if scrubs else 0
        self._stalls = 0
        self.reset(0)

    def reset(self, cycle: int) -> None:
        self.open: deque[OpenBatch] = deque()
        self._changed = cycle  # the latest cycle in which a write or a change was under way
        self._ended = cycle  # the latest answer

    def changed(self, cycle: int) -> None:
        """A write or a change is offered."""
        self._changed = cycle
        for batch in self.open:
            batch.quiet = False

    def stalled(self) -> None:
        """A result was not taken."""
        self._stalls += 1

    def has_room(self, cycle: int, waited: int) -> None:
        """A request has waited for so many cycles behind one batch at most: for one more there is room."""
        settled = cycle - waited - self._changed > self._unsettled
        assert not settled or waited <= _ROOM + self._late, f"a request waits for {waited} cycles behind a single batch"

    def requested(self, cycle: int, batch: int, status: Status) -> bool:
        """A request was taken, which the model has answered; returns whether it is alone."""
        drawn = status not in REFUSALS
        cycles = self._cycles(batch) if drawn else _cycles(self._config, self._config.variants[0], 1, 1)
        settled = cycle - self._changed > self._unsettled
        alone = not self.open
        self.open.append(OpenBatch(batch * drawn, cycles, cycle, self._stalls, alone, alone and settled))
        return alone

    def answered(self, cycle: int) -> bool:
        """The last result of the first open batch was taken; returns whether it drew, and was alone to begin with."""
        if not self.open:
            return False  # a result that nobody asked for, which the comparison notices
        batch = self.open.popleft()
        took = cycle - batch.begun
        stalled = self._stalls - batch.stalls
        own = cycle - max(batch.begun, self._ended)  # since it was first in line
        self._ended = cycle
        if own - stalled > batch.cycles + self._unsettled:
            self._differs(own - stalled, f"at most {batch.cycles + self._unsettled} after it was first in line")
        if batch.batch:
            self.spans.append((batch.batch, batch.begun, cycle))
        if batch.batch and batch.alone and not stalled:
            self.cycles.append((batch.batch, took))
            self.exactly += batch.quiet and took == batch.cycles
            if took < batch.cycles or (batch.quiet and took > batch.cycles + self._late):
                self._differs(took, str(batch.cycles))
        return batch.alone and batch.batch > 0

    def _differs(self, took: int, due: str) -> None:
        batch = self._board.batches - len(self.open)
        self._board.mismatch(f"cycles of batch {batch}: expected {due}, got {took}")

    def _cycles(self, batch: int) -> int:
        """Of the batch that the model has just drawn."""
        drawn, settings = self._board.model.last_batch, self._board.model.settings
        assert drawn is not None
        alone = _cycles(self._config, settings.variant, settings.groups, batch)
        if isinstance(drawn, ExactBatch):
            return alone + _more_planes(drawn.planes, self._config.draw_ports)
        if isinstance(drawn, TreeBatch):
            return alone + _more_banks([row % self._config.banks for row in drawn.indices], self._config.draw_ports)
        return alone + (latency.fallback_cycles(self._config) if drawn.fallback else 0)


@functools.cache
def _cycles(config: AmperConfig, variant: str, groups: int, batch: int) -> int:
    return latency.batch_cycles(
        replace(config, variant=variant, groups=groups, radius_scale=0.0, neighbour_scale=0.0), batch
    )


def _more_planes(planes: tuple[int, ...], lanes: int) -> int:
    """Beats more than where the lanes of each lie in one plane."""
    return sum(planes[place] != planes[place - 1] for place in range(len(planes)) if place % lanes)


def _more_banks(banks: list[int], lanes: int) -> int:
    """Beats more than where the lanes of each lie in banks of their own: a lane waits whose bank one before it has."""
    more = 0
    for begin in range(0, len(banks), lanes):
        taken: set[int] = set()
        for bank in banks[begin : begin + lanes]:
            if bank in taken:
                more += 1
                taken.clear()
            taken.add(bank)
    return more
