"""A sampler as an IP-XACT component (IEEE 1685-2014): interfaces, ports, registers and files."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from amper_hw.bus.fields import Field, Register
from amper_hw.bus.registers import ADDRESS_WIDTH, WINDOW, WINDOW_BYTES, register_map
from amper_hw.output.generate import Generated
from amper_hw.packaging.interfaces import Interface, interfaces, wishbone

NAMESPACE = "http://www.accellera.org/XMLSchema/IPXACT/1685-2014"
#: Definitions of buses and of their signals by kind of interface: vendor, library, names of both, version. AXI's are
#: Arm's; OpenCores has none of Wishbone, so it is that of Antmicro's topwrap.
BUSES = {
    "axi4lite": ("amba.com", "AMBA4", "AXI4-Lite", "AXI4-Lite_rtl", "r0p0_0"),
    "axi4": ("amba.com", "AMBA4", "AXI4", "AXI4_rtl", "r0p0_0"),
    "axi4stream": ("amba.com", "AMBA4", "AXI4Stream", "AXI4Stream_rtl", "r0p0_1"),
    "wishbone": ("opencores.org", "interface", "wishbone", "wishbone.absDef", "b4"),
}
_ACCESS = {"ro": "read-only", "rw": "read-write", "wo": "write-only", "w1c": "read-write"}


def ipxact_component(generated: Generated) -> str:
    """The text of ``NAME.xml``; without a bus there is no memory map."""
    config = generated.config
    ElementTree.register_namespace("ipxact", NAMESPACE)
    root = ElementTree.Element(_tag("component"))
    _texts(root, vendor="amper", library="rtl", name=config.name, version=generated.description["versions"]["amper"])
    if config.bus != "native":
        _interfaces(root, generated)
        space = _inside(_inside(root, "memoryMaps"), "memoryMap")
        _texts(space, name="registers")
        block = _inside(space, "addressBlock")
        size = WINDOW if config.window else 1 << ADDRESS_WIDTH
        _texts(block, name="registers", baseAddress="0", range=f"{size}", width="32", usage="register")
        for register in register_map(config):
            _register(block, register)
        if config.window:
            window = _inside(space, "addressBlock")
            _texts(window, name="window", description="Bursts: RESULT_PACKED to reads, UPDATE to writes")
            _texts(window, baseAddress=f"{WINDOW}", range=f"{WINDOW_BYTES}", width="32", usage="memory")
        _texts(space, addressUnitBits="8")
    _model(root, generated)
    files = _inside(_inside(root, "fileSets"), "fileSet")
    _texts(files, name="rtl")
    _texts(_inside(files, "file"), name=f"{config.name}.v", fileType="verilogSource")
    _texts(root, description="AMPER: prioritized experience replay by an associative memory")
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def _inside(parent: ElementTree.Element, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(parent, _tag(name))


def _texts(parent: ElementTree.Element, **texts: str) -> None:
    for name, text in texts.items():
        _inside(parent, name).text = text


def _interfaces(root: ElementTree.Element, generated: Generated) -> None:
    ports = generated.description["ports"]
    parent = _inside(root, "busInterfaces")
    for each in interfaces(ports) + wishbone(ports):
        vendor, library, bus, signals, number = BUSES[each.kind]
        one = _inside(parent, "busInterface")
        _texts(one, name=each.name)
        _inside(one, "busType").attrib.update(vendor=vendor, library=library, name=bus, version=number)
        abstraction = _inside(_inside(one, "abstractionTypes"), "abstractionType")
        definition = _inside(abstraction, "abstractionRef")
        definition.attrib.update(vendor=vendor, library=library, name=signals, version=number)
        maps = _inside(abstraction, "portMaps")
        for port, logical in _logical(each).items():
            pair = _inside(maps, "portMap")
            _texts(_inside(pair, "logicalPort"), name=logical)
            _texts(_inside(pair, "physicalPort"), name=port)
        mode = _inside(one, "master" if each.name.startswith("m_") else "slave")
        if not each.is_stream:
            _inside(mode, "memoryMapRef").set("memoryMapRef", "registers")


def _logical(interface: Interface) -> dict[str, str]:
    """The name in the definition of each port. AXI has the clock among them; its reset is active low, ours is not."""
    if interface.kind == "wishbone":
        data = {"dat_i": "dat_ms", "dat_o": "dat_sm"}
        return {port: data.get(signal, signal) for port, signal in interface.signals.items()}
    return {"clk": "ACLK", **{port: signal.upper() for port, signal in interface.signals.items()}}


def _register(block: ElementTree.Element, register: Register) -> None:
    each = _inside(block, "register")
    _texts(each, name=register.name, description=register.description, addressOffset=f"{register.offset}", size="32")
    _texts(each, volatile="false" if register.constant else "true", access=_ACCESS[register.access])
    for field in register.fields:
        _field(each, register, field)


def _field(parent: ElementTree.Element, register: Register, field: Field) -> None:
    each = _inside(parent, "field")
    _texts(each, name=field.name, description=field.description, bitOffset=f"{field.low}")
    _texts(_inside(_inside(each, "resets"), "reset"), value=f"{field.reset}")
    _texts(each, bitWidth=f"{field.width}", access=_ACCESS[register.access])
    if register.access == "w1c":
        _texts(each, modifiedWriteValue="oneToClear")
    if register.takes:
        _texts(each, readAction="modify")


def _model(root: ElementTree.Element, generated: Generated) -> None:
    model = _inside(root, "model")
    view = _inside(_inside(model, "views"), "view")
    _texts(view, name="rtl", componentInstantiationRef="rtl")
    made = _inside(_inside(model, "instantiations"), "componentInstantiation")
    _texts(made, name="rtl", language="Verilog", moduleName=generated.config.name)
    _texts(_inside(made, "fileSetRef"), localName="rtl")
    ports = _inside(model, "ports")
    for name, known in generated.description["ports"].items():
        port = _inside(ports, "port")
        _texts(port, name=name)
        wire = _inside(port, "wire")
        _texts(wire, direction={"input": "in", "output": "out"}[known["direction"]])
        if known["width"] > 1:
            vector = _inside(_inside(wire, "vectors"), "vector")
            _texts(vector, left=f"{known['width'] - 1}", right="0")
