"""Vmax from every write on until the device says that it is exact: its value, and how long that may take."""

from __future__ import annotations

from typing import Any

from amper import AmperConfig
from amper.operations.vocabulary import Beat
from amper_hw.base import latency
from amper_hw.base.variants import has_candidates
from amper_verif.harness.scoreboard import Scoreboard


class VmaxCheck:
    """Follows which row is known to hold the maximum (docs/theory/hardware.md): while one is, other writes, and those
    that raise it, leave Vmax exact once they are in place. Of samplers without a Vmax, nothing.
    """

    def __init__(self, dut: Any, config: AmperConfig, scoreboard: Scoreboard) -> None:
        self._dut = dut
        self._config = config
        self._board = scoreboard
        self._in_place = 1 + config.write_ports  # cycles from a write being taken: a lane each if they meet in a bank
        self._settles = self._in_place + (latency.settle_cycles(config) if has_candidates(config) else 0)
        self.reset()

    def reset(self) -> None:
        """No row is valid."""
        self._holder: int | None = None
        self._vmax: int | None = 0  # the model's; None until it is looked up, which takes a while in a large memory
        self._since: int | None = None  # the latest write or clear; None once Vmax was seen to be exact

    def cleared(self) -> None:
        """A change was accepted that may have made all rows invalid."""
        self._holder, self._vmax, self._since = None, 0, 0

    def written(self, beat: Beat) -> None:
        """A beat was accepted, which the model does not have yet."""
        if not has_candidates(self._config):
            return
        model = self._board.model
        legal = [write for write in beat.writes if write is not None and write.row < model.settings.rows]
        real = [write for write in legal if not write.invalidate and (write.priority or not self._no_zero)]
        vmax = self._now()
        raises = [write.row for write in real if write.priority >= vmax]
        certain = self._holder is not None or self._since is None  # else it may still have a larger one
        if len(legal) == 1 and raises and certain:
            self._holder = raises[0]
        elif raises or any(write.row == self._holder for write in legal):
            self._holder = None  # of several lanes, it depends on their order
        if legal:
            self._since = 0
            apart = len({write.row for write in legal}) == len(legal)
            kept = apart and all(model.priorities[write.row] != vmax for write in legal)
            self._vmax = max([vmax, *(write.priority for write in real)]) if kept else None

    def observe(self) -> None:
        """A cycle, before what it transfers is known."""
        if self._since is None or not has_candidates(self._config):
            return
        self._since += 1
        if self._dut.vmax_exact.value:
            wanted, seen = self._now(), int(self._dut.vmax.value)
            if seen != wanted:
                self._board.mismatch(f"vmax {self._since} cycles after a write: expected {wanted}, got {seen}")
            self._since = None
        elif self._since > (self._settles if self._holder is None else self._in_place):
            self._board.mismatch(f"vmax_exact {self._since} cycles after a write: expected 1, got 0")
            self._since = None

    def _now(self) -> int:
        if self._vmax is None:
            self._vmax = self._board.model.vmax or 0
        return self._vmax

    @property
    def _no_zero(self) -> bool:
        return "exact" in self._config.variants
