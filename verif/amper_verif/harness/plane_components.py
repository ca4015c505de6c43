"""The parts of the exact draw with their benches."""

from __future__ import annotations

from amper import AmperConfig
from amper_hw.array.tree import whole_array
from amper_hw.base.bits import index_width
from amper_hw.parts.passing_queue import PassingQueue
from amper_hw.parts.stored_multiples import StoredMultiplier
from amper_hw.planes.census import Census
from amper_hw.planes.choice import PlaneChoice
from amper_hw.planes.draw_unit import PlaneDrawUnit
from amper_hw.planes.place import Place
from amper_hw.planes.splitter import PlaneSplitter
from amper_verif.harness.components import Unit


def plane_array(config: AmperConfig, *, rounds: int = 60) -> Unit:
    """The row array, a bank or a tree, where only variant exact is built in."""
    parameters = {"config": config.to_dict(), "rounds": rounds}
    return Unit("planes.plane_array", lambda: whole_array(config).build(), parameters)


def census(config: AmperConfig, *, cycles: int = 6000) -> Unit:
    """The sums of the planes."""
    return Unit("planes.census", lambda: Census(config), {"config": config.to_dict(), "cycles": cycles})


def place(config: AmperConfig, *, cycles: int = 2000) -> Unit:
    """From a word to a place in T."""
    return Unit("planes.place", lambda: Place(config), {"config": config.to_dict(), "cycles": cycles})


def stored_multiplier(*, digits_width: int, operand_width: int, cycles: int = 2000) -> Unit:
    """The multiplier of a place."""
    sizes = {"digits_width": digits_width, "operand_width": operand_width}
    return Unit("parts.stored_multiplier", lambda: StoredMultiplier(**sizes), sizes | {"cycles": cycles})


def plane_choice(config: AmperConfig, *, cycles: int = 3000) -> Unit:
    """From a place to a plane and a rank."""
    return Unit("planes.plane_choice", lambda: PlaneChoice(config), {"config": config.to_dict(), "cycles": cycles})


def plane_draw_unit(config: AmperConfig, *, batches: int = 80) -> Unit:
    """Words to results, the row array apart."""
    return Unit("planes.draw_unit", lambda: PlaneDrawUnit(config), {"config": config.to_dict(), "batches": batches})


def passing_queue(*, width: int, depth: int, pieces: bool = False, cycles: int = 3000) -> Unit:
    """A queue that a value passes in one cycle."""
    sizes = {"width": width, "depth": depth}
    return Unit("parts.passing_queue", lambda: PassingQueue(**sizes, pieces=pieces), sizes | {"cycles": cycles})


def plane_splitter(*, lanes: int, planes: int, cycles: int = 3000) -> Unit:
    """Beats of several planes, a plane a cycle."""
    sizes = {"lanes": lanes, "plane_width": index_width(planes)}
    return Unit("planes.plane_splitter", lambda: PlaneSplitter(**sizes), sizes | {"cycles": cycles})
