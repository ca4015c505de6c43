"""Points of a sweep without a flow: measurements made up by a formula, in the form that the flow gives them."""

from __future__ import annotations

from typing import Any

from amper import AmperConfig
from amper_hw.base.latency import batch_cycles
from amper_synth.asic.point import Point
from amper_synth.explore.grid import configurations

AXES: dict[str, list[Any]] = {
    "variant": ["fr-dithered"],
    "rows": [16, 32, 64],
    "priority_width": [8, 16],
    "draw_ports": [1, 2],
    "pipeline": ["deep", "shallow"],
    "bank_rows": [16],
    "fan_out": [2],
}


def made_up(config: AmperConfig) -> dict[str, Any]:
    """A result as ``AsicResult.to_dict`` has it: areas and the clock by formulas that the predictor can express."""
    bits = config.priority_width
    banks = config.rows * (20.0 + 5.0 * bits + 3.0 * config.draw_ports)
    by_component = {
        f"amper_bank_{config.bank_rows}": banks,
        "amper_draw_unit": 4000.0 + 900.0 * config.draw_ports,
        "amper_query_generator": 3000.0 + 10.0 * bits**2,
        "amper_vmax_unit": 50.0 * bits,
        "amper": 600.0,
    }
    total = sum(by_component.values())
    slow = 1 if config.pipeline == "deep" else 2
    # Two components, of which either one limits the clock.
    delays = {"draw_unit": 1.5 * slow * config.draw_ports**0.5, "query_generator": 2.0 * slow * (bits / 16) ** 0.5}
    paths = [
        {"source": "vmax_unit/a", "target": f"{name}/b", "delay_ns": delay, "levels": 1, "cells": ["INV_X1"]}
        for name, delay in sorted(delays.items(), key=lambda item: -item[1])
    ]
    period = max(delays.values())
    return {
        "config": config.to_dict(),
        "library": {"files": ["mini.lib"], "names": ["mini"]},
        "area": {
            "total_um2": total,
            "gate_equivalents": total / 2,
            "row_um2": banks / config.rows,
            "by_component": by_component,
        },
        "timing": {"period_ns": period, "paths": paths},
        "batch_cycles": batch_cycles(config),
        "batch_ns": batch_cycles(config) * period,
        "versions": {"amper": "1", "yosys": "Yosys 2", "timing": "OpenSTA 3"},
    }


def point(config: AmperConfig, **changes: float) -> Point:
    """``changes``: factors on "area" or "period"."""
    result = made_up(config)
    area, timing = result["area"], result["timing"]
    area["total_um2"] *= changes.get("area", 1.0)
    area["by_component"] = {name: value * changes.get("area", 1.0) for name, value in area["by_component"].items()}
    timing["period_ns"] *= changes.get("period", 1.0)
    timing["paths"] = [path | {"delay_ns": path["delay_ns"] * changes.get("period", 1.0)} for path in timing["paths"]]
    result["batch_ns"] = result["batch_cycles"] * timing["period_ns"]
    return Point(config, f"key {config.to_dict()}", 2.0, result)


def points() -> list[Point]:
    """24 of them, all different."""
    return [point(config) for config in configurations(AXES)]
