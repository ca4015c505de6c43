"""A component description by which Quartus' Platform Designer finds a sampler."""

from __future__ import annotations

from amper_hw.output.generate import Generated
from amper_hw.packaging.interfaces import interfaces, plain_ports


def quartus_component(generated: Generated) -> str:
    """The text of ``NAME_hw.tcl``: the AXI interfaces, the interrupt, and what is neither as a conduit."""
    name, version = generated.config.name, generated.description["versions"]["amper"]
    ports = generated.description["ports"]

    def port(interface: str, each: str, role: str) -> str:
        direction = "Input" if ports[each]["direction"] == "input" else "Output"
        return f"add_interface_port {interface} {each} {role} {direction} {ports[each]['width']}"

    def synchronous(interface: str) -> list[str]:
        return [
            f"set_interface_property {interface} associatedClock clk",
            f"set_interface_property {interface} associatedReset rst",
        ]

    lines = [
        "# The sampler as a component of Platform Designer, made with it: lies in the project's IP search path.",
        "package require qsys",
        f"set_module_property NAME {name}",
        f"set_module_property VERSION {version}",
        f"set_module_property DISPLAY_NAME {{AMPER sampler {name}}}",
        "set_module_property DESCRIPTION {Prioritized experience replay by an associative memory}",
        "set_module_property EDITABLE false",
    ]
    for fileset, kind in (("synthesis", "QUARTUS_SYNTH"), ("simulation", "SIM_VERILOG")):
        lines += [
            f"add_fileset {fileset} {kind}",
            f"set_fileset_property {fileset} TOP_LEVEL {name}",
            f"add_fileset_file {name}.v VERILOG PATH {name}.v",
        ]
    lines += ["add_interface clk clock end", port("clk", "clk", "clk")]
    lines += [
        "add_interface rst reset end",
        "set_interface_property rst associatedClock clk",
        "set_interface_property rst synchronousEdges BOTH",
        port("rst", "rst", "reset"),
    ]
    found = interfaces(ports)
    for each in found:
        end = "start" if each.name.startswith("m_") else "end"
        lines += [f"add_interface {each.name} {each.kind} {end}", *synchronous(each.name)]
        lines += [port(each.name, signal, role) for signal, role in each.signals.items()]
    if found:
        lines += [
            "add_interface irq interrupt end",
            f"set_interface_property irq associatedAddressablePoint {found[0].name}",
        ]
        lines += [*synchronous("irq"), port("irq", "irq", "irq")]
    plain = plain_ports(ports) + ([] if found or "irq" not in ports else ["irq"])
    if plain:
        lines += ["add_interface ports conduit end", *synchronous("ports")]
        lines += [port("ports", each, each) for each in plain]
    return "\n".join([*lines, ""])
