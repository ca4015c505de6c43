"""Modules that are emitted once and instantiated by name.

Amaranth would copy a submodule for every use, and name its ports after whatever it is connected to. A
``SharedModule`` becomes one Verilog module with the ports of its signature, however often it is instantiated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from amaranth.hdl import ClockSignal, Instance, Module, ResetSignal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In


@dataclass(frozen=True)
class SharedModule:
    """The Verilog module ``name`` with the ports of ``signature``; ``build`` makes its component.

    For what Amaranth has no word for, it makes the text of the module itself.
    """

    name: str
    signature: wiring.Signature
    build: Callable[[], wiring.Component | str]
    clocked: bool = True  # False: combinational, so without clock and reset ports
    reset: bool = True  # False: clocked, but without a reset port

    @classmethod
    def of(cls, name: str, component: wiring.Component, *, clocked: bool = True) -> SharedModule:
        """The module ``name`` of a component that is already built."""
        return cls(name, component.signature, lambda: component, clocked)


class Composite(wiring.Component):
    """A component made of shared modules."""

    #: What the elaborated component instantiates.
    instances: tuple[SharedModule, ...] = ()

    def instantiate(self, m: Module, label: str, part: SharedModule) -> wiring.PureInterface:
        """Add an instance of ``part`` called ``label``; returns its ports as an interface."""
        self.instances = (*self.instances, part)
        interface = wiring.PureInterface(part.signature, path=(label,))
        ports = {
            f"{'i' if flow == In else 'o'}_{name}": value
            for name, (value, flow) in ports_of(interface, part.signature).items()
        }
        clock: dict[str, Value] = {"i_clk": ClockSignal()} if part.clocked else {}
        clock |= {"i_rst": ResetSignal()} if part.clocked and part.reset else {}
        m.submodules[label] = Instance(part.name, **clock, **ports)
        return interface


def ports_of(
    interface: wiring.PureInterface | wiring.Component, signature: wiring.Signature
) -> dict[str, tuple[Value, wiring.Flow]]:
    """The ports of an interface as {name: (value, flow)}, structures taken apart: ``write_row``, ``write_valid``.

    A field of a payload that has the name of a strobe beside it keeps the word: ``search_payload_valid``.
    """
    leaves = [
        ([str(part) for part in path], suffix, leaf, member.flow)
        for path, member, value in signature.flatten(interface)
        for suffix, leaf in _leaves(value)
    ]
    beside = {"_".join([*path, *suffix]) for path, suffix, _, _ in leaves if "payload" not in path}
    ports = {}
    for path, suffix, leaf, flow in leaves:
        name = "_".join([*(part for part in path if part != "payload"), *suffix]) or "payload"
        if "payload" in path and name in beside:
            name = "_".join([*path, *suffix])
        ports[name] = (leaf, flow)
    return ports


def _leaves(value: Value | data.View) -> list[tuple[list[str], Value]]:
    if isinstance(value, data.View) and isinstance(value.shape(), data.StructLayout):
        # an array of codes stays one port
        return [([name], Value.cast(value[name])) for name in value.shape().members]
    return [([], Value.cast(value))]
