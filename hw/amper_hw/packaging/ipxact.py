"""A sampler as an IP-XACT component (IEEE 1685-2014): ports, registers and files."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from amper_hw.bus.registers import ADDRESS_WIDTH, WINDOW, WINDOW_BYTES, Field, Register, register_map
from amper_hw.output.generate import Generated

NAMESPACE = "http://www.accellera.org/XMLSchema/IPXACT/1685-2014"
_ACCESS = {"ro": "read-only", "rw": "read-write", "wo": "write-only", "w1c": "read-write"}


def ipxact_component(generated: Generated) -> str:
    """The text of ``NAME.xml``; without a bus there is no memory map."""
    config = generated.config
    ElementTree.register_namespace("ipxact", NAMESPACE)
    root = ElementTree.Element(_tag("component"))
    _texts(root, vendor="amper", library="rtl", name=config.name, version=generated.description["versions"]["amper"])
    if config.bus != "native":
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
