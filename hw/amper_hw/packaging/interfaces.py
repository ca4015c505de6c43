"""The ports of a sampler by interface, from their names: what Vivado, Quartus and IP-XACT want to be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

#: AXI interfaces by what the names of their ports begin with: AXI4-Lite, AXI4, AXI4-Stream.
PREFIXES = {
    "s_axil": "axi4lite",
    "s_axi": "axi4",
    "s_axis_write": "axi4stream",
    "s_axis_request": "axi4stream",
    "m_axis_result": "axi4stream",
}


class Interface(NamedTuple):
    """Ports of one interface: ``signals`` has the name of each in the interface's specification."""

    name: str
    kind: str
    signals: dict[str, str]

    @property
    def is_stream(self) -> bool:
        return self.kind == "axi4stream"


def interfaces(ports: Mapping[str, Mapping[str, Any]]) -> list[Interface]:
    """The AXI interfaces among ``ports``, in their order."""
    found = []
    for prefix, kind in PREFIXES.items():
        signals = {port: port.removeprefix(f"{prefix}_") for port in ports if port.rpartition("_")[0] == prefix}
        if signals:
            found.append(Interface(prefix, kind, signals))
    return found


def wishbone(ports: Mapping[str, Mapping[str, Any]]) -> list[Interface]:
    """The Wishbone interface among ``ports``, as a list of one or none; with the names of a slave's signals."""
    signals = {port: port.removeprefix("wb_") for port in ports if port.startswith("wb_")}
    return [Interface("wb", "wishbone", signals)] if signals else []


def plain_ports(ports: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The ports of no AXI interface, without clock, reset and interrupt: Wishbone, and the native streams."""
    known = {port for each in interfaces(ports) for port in each.signals} | {"clk", "rst", "irq"}
    return [port for port in ports if port not in known]
