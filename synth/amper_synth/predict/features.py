"""What area and clock of a configuration grow with: the columns of the predictor's least squares.

Every column counts things that are there (bits of storage, match cells, ways of a selector), so that no coefficient can
be negative. docs/hardware/explore.md lists them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log2
from typing import Any

from amper_hw.base.latency import is_deep, tree_levels
from amper_hw.base.variants import has_candidates, has_exact
from amper_spec.config import BUSES, AmperConfig

Columns = dict[str, float]

#: Groups of components by the beginnings of their modules' names; what fits nowhere is in "other".
GROUPS: dict[str, tuple[str, ...]] = {
    "banks": ("amper_bank_",),
    "nodes": ("amper_node_",),
    "query generator": ("amper_query_generator",),
    "draw unit": ("amper_draw_unit",),
    "other": (),
}


def group_areas(by_component: Mapping[str, float]) -> dict[str, float]:
    """Areas by module as areas by group."""
    areas = dict.fromkeys(GROUPS, 0.0)
    for module, area in by_component.items():
        group = next((name for name, starts in GROUPS.items() if starts and module.startswith(starts)), "other")
        areas[group] += area
    return areas


def path_ends(timing: Mapping[str, Any]) -> dict[str, float]:
    """The longest path into each component, in ns; "top" is the sampler itself and its ports.

    Where nobody looked at paths, the period stands for the path into "the whole".
    """
    ends: dict[str, float] = {}
    for path in timing["paths"]:
        component, slash, _ = path["target"].removeprefix("core/").partition("/")  # the sampler behind a bus is "core"
        name = component if slash else "top"
        ends[name] = max(ends.get(name, 0.0), path["delay_ns"])
    return ends or {"the whole": timing["period_ns"]}


@dataclass(frozen=True)
class Shape:
    """The sizes that columns are made of."""

    config: AmperConfig

    @property
    def bank_rows(self) -> int:
        """Rows of the largest bank that is there."""
        return min(self.config.bank_rows, self.config.rows)

    @property
    def banks(self) -> int:
        """How many, a last one that is not full as well."""
        return -(-self.config.rows // self.config.bank_rows)

    @property
    def children(self) -> int:
        """Banks and nodes that hang below a node, over all nodes; 0 for a single bank."""
        total, level = 0, self.banks
        while level > 1:
            total, level = total + level, -(-level // self.config.fan_out)
        return total

    @property
    def deep(self) -> float:
        """1 for a deep pipeline."""
        return float(is_deep(self.config))

    @property
    def levels(self) -> int:
        """Levels of nodes."""
        return tree_levels(self.config)

    @property
    def latches(self) -> float:
        """1 where rows are latches."""
        return float(self.config.storage == "latches")

    @property
    def candidates(self) -> float:
        """1 where a variant with a candidate set is built in."""
        return float(has_candidates(self.config))

    @property
    def planes(self) -> float:
        """1 where variant exact is built in."""
        return float(has_exact(self.config))

    @property
    def strata(self) -> float:
        """1 where its draws are stratified."""
        return self.planes * float(self.config.draws == "stratified")

    @property
    def nearest(self) -> float:
        """1 where variant k is built in."""
        return float("k" in self.config.variants)

    @property
    def window(self) -> float:
        """1 where match lines compare with a range."""
        return float(self.config.range_match)


def area_columns(config: AmperConfig) -> dict[str, Columns]:
    """The columns of each group's area."""
    shape = Shape(config)
    return {
        "banks": _banks(config, shape),
        "nodes": _nodes(config, shape),
        "query generator": _query_generator(config, shape),
        "draw unit": _draw_unit(config, shape),
        "other": _other(config, shape),
    }


def _banks(config: AmperConfig, shape: Shape) -> Columns:
    rows, bits = config.rows, config.rows * config.priority_width
    searches, draws = config.search_ports, config.draw_ports
    return {
        "row": rows,
        "bit": bits * (1 - shape.latches),
        "bit in a latch": bits * shape.latches,
        "ternary cell": bits * searches * (1 - shape.window) * shape.candidates,
        "range cell": bits * searches * shape.window * shape.candidates,
        "bitmaps": rows * shape.candidates,
        "plane cell": bits * shape.planes,
        "row x D": rows * draws,
        "read cell": bits * draws * config.result_priority,
        "row x W": rows * config.write_ports,
        "bank": shape.banks,
        "key bit": shape.banks * searches * config.priority_width * shape.deep * shape.candidates,
        "plane line": shape.banks * config.priority_width * shape.planes,
    }


def _nodes(config: AmperConfig, shape: Shape) -> Columns:
    children, draws = shape.children, config.draw_ports
    vector, width = shape.bank_rows, config.priority_width
    return {
        "child": children,
        "key bit": children * config.search_ports * width / config.fan_out * shape.deep * shape.candidates,
        "sums bit": children * config.priority_width * config.count_width * shape.planes,
        "vector bit": children * draws * vector,
        "rank bit": children * draws * config.count_width,
        "priority bit": children * draws * width * config.result_priority,
        "write bit": children * config.write_ports * (width + config.row_width),
    }


def _query_generator(config: AmperConfig, shape: Shape) -> Columns:
    if not shape.candidates:
        return dict.fromkeys(_query_columns(config, shape), 0.0)
    return _query_columns(config, shape)


def _query_columns(config: AmperConfig, shape: Shape) -> Columns:
    ports, width = config.search_ports, config.priority_width
    return {
        "one": 1.0,
        "P": ports,
        "Q": width,
        "P x Q": ports * width,
        "P x Q x Q": ports * width * width,
        "P x Q, deep": ports * width * shape.deep,
        "P x Q, range": ports * width * shape.window,
        "one, k": shape.nearest,
        "Q, k": width * shape.nearest,
        "m x Q, k": config.groups * width * shape.nearest,
        "variants": ports * (len(config.variants) - 1.0),
    }


def _draw_unit(config: AmperConfig, shape: Shape) -> Columns:
    draws, rows = config.draw_ports, config.count_width
    return {
        "one": 1.0,
        "D": draws,
        "D x log n": draws * rows,
        "D x vector": draws * shape.bank_rows,
        "D x vector, deep": draws * shape.bank_rows * shape.deep,
        "D x log n, deep": draws * rows * shape.deep,
        "result bit": draws * (config.row_width + config.priority_width * config.result_priority),
        "D x T": draws * config.total_width * shape.planes,
        "D x T x word": draws * config.total_width * config.place_width * shape.planes,
        "D x planes x log n": draws * config.priority_width * config.row_width * shape.planes,
        "D x T, stratified": draws * config.total_width * shape.strata,
    }


def _other(config: AmperConfig, shape: Shape) -> Columns:
    return {
        "one": 1.0,
        "one, CSP": shape.candidates,
        "Q": config.priority_width,
        "Q, CSP": config.priority_width * shape.candidates,
        "planes x log n": config.priority_width * config.row_width * shape.planes,
        "m": config.group_width * shape.candidates,
        "log n": config.row_width,
        "W": config.write_ports * (config.priority_width + config.row_width),
        "D": config.draw_ports * (config.priority_width * config.result_priority + config.row_width),
        "variants": len(config.variants) - 1.0,
        **{bus: float(config.bus == bus) for bus in BUSES if bus != "native"},
    }


def clock_columns(config: AmperConfig) -> Columns:
    """The columns of the logarithm of the longest path into any component."""
    shape, shallow = Shape(config), 1 - Shape(config).deep
    return {
        "one": 1.0,
        "log Q": log2(config.priority_width),
        "log P": shape.candidates * log2(config.search_ports),
        "log D": log2(config.draw_ports),
        "log W": log2(config.write_ports),
        "log m": shape.candidates * log2(config.groups),
        "log bank rows": log2(shape.bank_rows),
        "log n": log2(config.rows),
        "range": shape.window,
        "k": shape.nearest,
        "CSP": shape.candidates,
        "exact": shape.planes,
        "stratified": shape.strata,
        "latches": shape.latches,
        "priorities": float(config.result_priority),
        "bus": float(config.bus != "native"),
        "shallow": shallow,
        "shallow x log Q": shallow * log2(config.priority_width),
        "shallow x log D": shallow * log2(config.draw_ports),
        "shallow x log W": shallow * log2(config.write_ports),
        "shallow x levels": shallow * shape.levels,
        "shallow x log bank rows": shallow * log2(shape.bank_rows),
    }


def absent(config: AmperConfig) -> set[str]:
    """Components that other configurations have, and this one has not: no path ends there."""
    missing = set() if has_candidates(config) else {"query_generator", "vmax_unit"}
    return missing | (set() if has_exact(config) else {"census"})


def features(config: AmperConfig) -> dict[str, Any]:
    """All columns: two configurations with the same are twins, which the predictor cannot tell apart."""
    return {"area": area_columns(config), "clock": clock_columns(config)}
