"""From components to one Verilog file that a person can read.

Every ``amper_hw.base.modules.SharedModule`` below the top is converted once, by way of Amaranth's RTLIL; those that are
Verilog from the start go behind, as they are.
"""

from __future__ import annotations

import re

from amaranth.back import rtlil
from amaranth.hdl import Fragment, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base.modules import Composite, ports_of
from amper_hw.output.describe import about, port_groups
from amper_hw.output.module_text import module_text
from amper_hw.output.netlist import simplify
from amper_hw.output.rtlil import RtlilModule, read_rtlil

# Why a warning is waived, as it stands in the generated file.
LINT_WAIVERS = """\
/* verilator lint_off DECLFILENAME */  // all modules of the design are in this one file
"""

_FRAME = """\
{comments}{waivers}`timescale 1 ns / 1 ps
`default_nettype none

{modules}
`default_nettype wire
"""


def to_verilog(component: wiring.Component, name: str, header: str = "") -> str:
    """Verilog of a component and of everything below it; the same input gives the same text.

    Parameters
    ----------
    component : the top. name : its module's name. header : lines that go on top as comments.
    """
    design = _Design()
    design.add(component, name)
    comments = "".join(f"// {line}\n" for line in header.splitlines())
    return _FRAME.format(comments=comments, waivers=LINT_WAIVERS, modules=design.text())


def named(verilog: str, name: str) -> str:
    """The text with ``name`` in place of ``amper`` in the names of all modules, so that it meets no other sampler's."""
    return re.sub(r"(?m)^(module |  )amper(?=(_\w+)?( \w+)? \()", rf"\1{name}", verilog)


class _Design:
    """The modules of a design: as RTLIL with what is said of them, or as text."""

    def __init__(self) -> None:
        self._modules: list[tuple[RtlilModule, str, dict[str, str]]] = []
        self._outputs: dict[str, frozenset[str]] = {}  # names of the output ports, by module
        self._texts: dict[str, str] = {}

    def add(self, component: wiring.Component, name: str) -> None:
        """The component and, once each, what it instantiates."""
        fragment, ports = _with_leaf_ports(component)
        text = rtlil.convert(fragment, name=name, ports=ports, emit_src=False)
        # Amaranth calls a submodule of x `x.y`; a name without the dot needs no escape in Verilog.
        text = re.sub(r"(?m)^(module|  cell) (\\[\w.]+)", lambda match: match[0].replace(".", "_"), text)
        for module in read_rtlil(text):
            top = module.name == name
            said = about(component) if top else f"A part of {name}."
            self._modules.append((module, said, port_groups(component, ports) if top else {}))
            self._outputs[module.name] = frozenset(w.name for w in module.wires.values() if w.port == "output")
        for part in component.instances if isinstance(component, Composite) else ():
            if part.name in self._outputs:
                continue
            built = part.build()
            if isinstance(built, str):
                self._texts[part.name] = built
                flat = part.signature.flatten(part.signature.create())
                self._outputs[part.name] = frozenset(
                    "_".join(map(str, path)) for path, one, _ in flat if one.flow == Out
                )
            else:
                self.add(built, part.name)

    def text(self) -> str:
        """All modules, the top first."""
        made = [module_text(simplify(module, self._outputs), said, ports) for module, said, ports in self._modules]
        return "\n".join([*made, *self._texts.values()])


def _with_leaf_ports(component: wiring.Component) -> tuple[Fragment, dict[str, tuple[Value, None]]]:
    """The elaborated component with one port a structure's field, as ``ports_of`` names them."""
    fragment = Fragment.get(component, None)
    ports: dict[str, tuple[Value, None]] = {}
    for name, (value, flow) in ports_of(component, component.signature).items():
        port = value
        if not isinstance(value, Signal) or value.name != name:
            port = Signal(len(value), name=name)
            fragment.add_statements("comb", value.eq(port) if flow == In else port.eq(value))
        ports[name] = (port, None)  # Amaranth sees the direction
    return fragment, ports
