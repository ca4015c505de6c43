"""What can be read back of the sampler beside its results, checked wherever its value is certain."""

from __future__ import annotations

from typing import Any

from amper import AmperConfig
from amper_hw.base import latency
from amper_hw.base.variants import has_candidates, has_exact
from amper_verif.benches.sampler.vmax_check import VmaxCheck
from amper_verif.harness.scoreboard import Scoreboard


class Monitors:
    """Strobes in every cycle; counters and states when nothing was under way for ``settle_cycles``."""

    def __init__(self, dut: Any, config: AmperConfig, scoreboard: Scoreboard) -> None:
        self.settle_cycles = latency.unsettled_cycles(config) + 10
        self.write_refused = False  # due in the next cycle
        self.control_refused = False
        self.vmax = VmaxCheck(dut, config, scoreboard)
        self._dut = dut
        self._scoreboard = scoreboard
        self._busy_cycles = 0
        self._was_busy = False

    def reset(self) -> None:
        self.write_refused = self.control_refused = False
        self.vmax.reset()
        self._busy_cycles = 0
        self._was_busy = False

    def observe(self) -> None:
        """A cycle, before what it transfers is known."""
        dut = self._dut
        self.vmax.observe()
        for name in ("write_refused", "control_refused"):
            self._compare(name, int(getattr(self, name)))
            setattr(self, name, False)
        self._busy_cycles += int(dut.busy.value)
        self._was_busy |= bool(dut.busy.value)

    def requested_alone(self) -> None:
        """A request was taken while nothing was under way."""
        self._was_busy = False

    def drew_alone(self) -> None:
        """Its last draw was taken: it cannot have been there without ``busy``."""
        if not self._was_busy:
            self._scoreboard.mismatch(f"busy during batch {self._scoreboard.batches}: expected 1, got 0")

    def check_settled(self) -> None:
        """After ``settle_cycles`` without anything going on."""
        board = self._scoreboard
        wanted = {"busy": 0, "cycles": self._busy_cycles, "errors": board.errors}
        if has_candidates(board.config):
            wanted |= {
                "vmax_exact": 1,
                "vmax": board.model.vmax or 0,
                "valid_rows": board.valid_rows,
                "csp_size": board.csp_size,
                "searches": board.searches,
            }
        if has_exact(board.config):
            wanted["total"] = board.total
        for name, value in wanted.items():
            self._compare(name, value)

    def _compare(self, name: str, wanted: int) -> None:
        seen = int(getattr(self._dut, name).value)
        if seen != wanted:
            self._scoreboard.mismatch(f"{name} after {self._scoreboard.batches} batches: expected {wanted}, got {seen}")
