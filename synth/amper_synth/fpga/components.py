"""From cells of a flattened netlist back to the components of the design, by the names of their instances."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

Hierarchy = dict[str, dict[str, str]]  # by module: its instances' modules


def component_of(cell: str, tree: Mapping[str, Mapping[str, str]], top: str) -> tuple[str, str]:
    """(component, instance): the innermost module that holds a cell called ``a.b.cell``, and its path ``a.b``."""
    module, path = top, []
    for part in cell.split("."):
        inner = tree.get(module, {}).get(part)
        if inner is None:
            break
        module = inner
        path.append(part)
    return module, ".".join(path)


def instances(tree: Mapping[str, Mapping[str, str]], top: str) -> Counter[str]:
    """How often every module occurs below ``top``, which occurs once."""
    counted = Counter({top: 1})
    for part in tree.get(top, {}).values():
        counted.update(instances(tree, part))
    return counted


def critical_path(report: dict[str, Any], tree: Hierarchy, top: str) -> list[dict[str, Any]]:
    """The longest path from register to register, one entry for each component that it goes through, in order.

    ``report`` is nextpnr's. An entry has component, instance, nets (whose delay counts here), cells, logic_ns and
    routing_ns. A delay belongs to the component that drives it, the set-up time to the one that ends it.
    """
    paths = [path for path in report["critical_paths"] if path["from"] == path["to"]]  # of one clock, not of pins
    if not paths:
        return []
    steps: list[dict[str, Any]] = []
    longest = max(paths, key=lambda path: sum(step["delay"] for step in path["path"]))
    for step in longest["path"]:
        component, instance = component_of(step["from"]["cell"], tree, top)
        if not steps or steps[-1]["instance"] != instance:
            steps.append({"component": component, "instance": instance, "nets": [], "cells": 0})
            steps[-1] |= {"logic_ns": 0.0, "routing_ns": 0.0}
        here = steps[-1]
        if step["type"] == "routing":
            here["routing_ns"] = round(here["routing_ns"] + step["delay"], 3)
            here["nets"].append(step["net"])
        else:
            here["logic_ns"] = round(here["logic_ns"] + step["delay"], 3)
            here["cells"] += step["type"] != "setup"
    return steps


def worst_by_component(report: dict[str, Any], tree: Hierarchy, top: str) -> dict[str, dict[str, Any]]:
    """The longest path that ends in a register of each component: its ``ns`` and that ``register``, the longest first.

    Placement cares only for what is slower than the target clock, so the fast ones could be faster.
    """
    worst: dict[str, dict[str, Any]] = {}
    for net in report.get("detailed_net_timings", ()):
        for endpoint in net["endpoints"]:
            component, _ = component_of(endpoint["cell"], tree, top)
            delay = round(max(endpoint["delay"]), 3)
            if component not in worst or delay > worst[component]["ns"]:
                worst[component] = {"ns": delay, "register": endpoint["cell"]}
    return dict(sorted(worst.items(), key=lambda item: (-item[1]["ns"], item[0])))
