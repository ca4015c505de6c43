"""Named configurations; what they do not name has its default. ``amper presets`` prints them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from amper_spec.checks import checked_choice


@dataclass(frozen=True)
class Preset:
    """What a configuration is for, and the parameters that make it."""

    purpose: str
    values: dict[str, Any]


PRESETS = {
    "small": Preset("to look at: synthesised and simulated in seconds", {"rows": 64}),
    "medium": Preset("most of the measurements", {"rows": 1024}),
    "large": Preset("the largest measured", {"rows": 2048}),
    "paper": Preset(
        "the sizes and the ternary search of the paper",
        {"rows": 2000, "groups": 20, "batch": 64, "variant": "fr-prefix"},
    ),
    "fast": Preset("few cycles a batch", {"rows": 1024, "draws": "stratified", "draw_ports": 4, "write_ports": 4}),
    "latches": Preset("the smallest rows of a cell library", {"rows": 1024, "storage": "latches"}),
    "fpga": Preset("an FPGA's multipliers and memories; fits the ULX3S", {"rows": 256, "primitives": "blocks"}),
    "soc": Preset("behind AXI, with registers and a C driver", {"rows": 256, "bus": "axi"}),
}


def preset_values(name: object) -> dict[str, Any]:
    """The parameters of a preset, a new dictionary; TypeError, ValueError : no such name."""
    return dict(PRESETS[checked_choice("preset", name, tuple(PRESETS))].values)
