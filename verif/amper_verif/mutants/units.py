"""The benches of components on a mutant: that of its module, else of what is around it, the sampler apart.

The mutant's netlist stands in for the component: a module with the name that the bench looks for has it inside.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from amper import AmperConfig
from amper_verif.harness import bus_components, components, plane_components, tree_components
from amper_verif.harness.components import Unit
from amper_verif.harness.modules import modules_of
from amper_verif.harness.simulators import SimulationError
from amper_verif.mutants.netlist import WIDTH, Mutant


def _total_multiplier(config: AmperConfig) -> Unit:
    return plane_components.stored_multiplier(digits_width=config.place_width, operand_width=config.total_width)


def _searching(make: Callable[[AmperConfig], Unit]) -> Callable[[AmperConfig], Unit]:
    """Of a sampler with exact, too: the same component draws for AMPER's variants; ``exact`` is 0."""

    def made(config: AmperConfig) -> Unit:
        variants = tuple(name for name in config.variants if name != "exact") or config.variants
        return make(replace(config, variants=variants, variant=variants[0]))

    return made


def _query_urng(config: AmperConfig) -> Unit:
    low = config.priority_width - 1 if "fr-dithered" in config.variants else 0
    width = config.fraction_width
    return components.urng(config, stream=0, words=config.search_ports, high_width=width, low_width=low)


#: By module, a regular expression of its whole name; of samplers whose parts the bench fits.
_UNITS: tuple[tuple[str, Callable[[AmperConfig], Unit]], ...] = (
    ("amper_place", plane_components.place),
    ("amper_plane_choice", plane_components.plane_choice),
    ("amper_census", plane_components.census),
    ("amper_draw_unit", plane_components.plane_draw_unit),
    ("amper_draw_unit", components.draw_unit),
    ("amper_node_1_.*", plane_components.plane_array),
    ("amper_node_1_.*", components.row_array),
    ("amper_total_multiplier", _total_multiplier),
    ("amper_parameter_unit", components.parameter_unit),
    ("amper_controller", _searching(components.controller)),
    ("amper_nearest", lambda config: components.nearest(replace(config, variants=("k",), variant="k"))),
    ("amper_write_unit", components.write_unit),
    ("amper_draw_urng", components.draw_urng),
    ("amper_query_urng", _query_urng),
    ("amper_query_generator", _searching(components.query_generator)),
    ("amper_vmax_unit", components.vmax_unit),
    ("amper_radius", components.radius),
    ("amper_representative", _searching(components.representative)),
    ("amper_register_block", bus_components.register_monitors),
    ("amper_request_arbiter", bus_components.request_arbiter),
    ("amper_codes", tree_components.codes),
    ("amper_tree_level_0", lambda config: tree_components.tree_level(config, level=0)),
    ("amper_tree_level_1", lambda config: tree_components.tree_level(config, level=1)),
)
_AROUND = """
module {top} ({ports});
  {module} mutant (.mutation({width}'d{number}), {connections});
endmodule
"""


def _benches(module: str) -> list[Callable[[AmperConfig], Unit]]:
    if sizes := re.fullmatch(r"amper_multiplier_(\d+)x(\d+)_in_(\d)", module):
        a_width, b_width, stages = map(int, sizes.groups())
        return [lambda _: components.multiplier(a_width=a_width, b_width=b_width, stages=stages, cycles=2000)]
    return [make for like, make in _UNITS if re.fullmatch(like, module)]


class UnitBenches:
    """Of the netlist in ``folder`` that a campaign left there."""

    def __init__(self, config: AmperConfig, folder: Path) -> None:
        self._config, self._folder = config, folder
        text = (folder / "original.v").read_text(encoding="utf-8")
        self._netlist = (folder / "netlist.v").read_text(encoding="utf-8")
        self._modules = modules_of(text)
        self._fit: dict[tuple[str, str], bool] = {}

    def against(self, mutant: Mutant) -> str:
        """The bench that notices it, by name; nothing if none does, or there is none.

        Raises
        ------
        SimulationError : no simulator.
        """
        for module, make in self._around(mutant.module):
            unit = make(self._config)
            if self._fits(unit, module) and self._says(unit, module, mutant.number):
                return unit.bench
        return ""

    def fits(self, module: str) -> bool:
        """Whether a bench of the module passes without a mutant."""
        return any(self._fits(make(self._config), module) for make in _benches(module))

    def _fits(self, unit: Unit, module: str) -> bool:
        place = (module, unit.bench)
        if place not in self._fit:
            self._fit[place] = not self._says(unit, module, 0)
        return self._fit[place]

    def _around(self, module: str) -> list[tuple[str, Callable[[AmperConfig], Unit]]]:
        """The module and those that have it as a part, inmost first, that have a bench."""
        chain = [module]
        for name in chain:
            chain += [module.name for module in self._modules.values() if name in module.parts.values()]
        return [(name, make) for name in dict.fromkeys(chain) for make in _benches(name)]

    def _says(self, unit: Unit, module: str, number: int) -> bool:
        """Whether the bench fails; without a mutant, that it does not fit this sampler's component."""
        whole = self._modules[module]
        # Which variant is the active one: a bench of AMPER's variants does not know of the other.
        tied = [port for port in whole.ports if port.direction == "input" and port.name == "exact"]
        outside = whole._replace(ports=[port for port in whole.ports if port not in tied])
        around = _AROUND.format(
            top=unit.top,
            ports=outside.declared,
            module=f"{module}_inside" if module == unit.top else module,
            width=WIDTH,
            number=number,
            connections=", ".join([outside.connected, *(f".{port.name}(1'b0)" for port in tied)]),
        )
        netlist = re.sub(rf"\b{unit.top}\b", f"{unit.top}_inside", self._netlist)
        try:
            Unit(unit.bench, lambda: netlist + around, unit.parameters).simulate(
                simulator="icarus", folder=self._folder
            )
        except SimulationError:
            return True
        return False


def by_benches(mutants: Sequence[Mutant], config: AmperConfig, folder: Path) -> dict[int, str]:
    """The bench that notices each of ``mutants``, by number, of those that one does."""
    benches = UnitBenches(config, folder)
    found = {mutant.number: benches.against(mutant) for mutant in mutants}
    return {number: bench for number, bench in found.items() if bench}
