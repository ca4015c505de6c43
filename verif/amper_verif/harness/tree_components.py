"""The parts of organisation tree with their benches."""

from __future__ import annotations

from amper import AmperConfig
from amper_hw.tree.codes import Codes
from amper_hw.tree.level import TreeLevel
from amper_hw.tree.shape import levels
from amper_verif.harness.components import Unit


def tree_level(config: AmperConfig, *, level: int, cycles: int = 3000) -> Unit:
    """A level, counted from the root."""
    parameters = {"config": config.to_dict(), "level": level, "cycles": cycles}
    return Unit("tree.tree_level", lambda: TreeLevel(config, levels(config)[level]), parameters)


def codes(config: AmperConfig, *, cycles: int = 3000) -> Unit:
    """The memory of all codes."""
    return Unit("tree.codes", lambda: Codes(config), {"config": config.to_dict(), "cycles": cycles})
