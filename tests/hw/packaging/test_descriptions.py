"""Descriptions for IP catalogues: what they say of ports, registers and files is so; scripts run, with stubs."""

import re
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest
from peakrdl_ipxact import IPXACTImporter
from systemrdl import RDLCompiler
from systemrdl.node import MemNode

from amper import AmperConfig
from amper_hw.bus.registers import register_map
from amper_hw.output.constraints import save_constraints
from amper_hw.output.generate import generate
from amper_hw.packaging.ipxact import NAMESPACE

CONFIGURATIONS = {bus: AmperConfig(rows=4, batch=2, bus=bus, name="replay0") for bus in ("native", "axi4", "wishbone")}
#: IEEE 1685-2014, the children of a component that there are, in the order of its schema.
CHILDREN = ["vendor", "library", "name", "version", "busInterfaces", "memoryMaps", "model", "fileSets", "description"]
QUARTUS = "set_module_property add_fileset set_fileset_property add_fileset_file add_interface set_interface_property"
VIVADO = "create_project add_files set_property current_fileset close_project"
IPX = (
    "package_project current_core infer_bus_interface associate_bus_interfaces add_bus_parameter get_bus_interfaces "
    "get_memory_maps get_address_blocks add_memory_map add_address_block create_xgui_files update_checksums "
    "check_integrity save_core"
)


@pytest.fixture(scope="module", params=CONFIGURATIONS)
def described(request, tmp_path_factory):
    """What was generated, and the folder of its files."""
    folder = tmp_path_factory.mktemp(request.param)
    generated = generate(CONFIGURATIONS[request.param])
    generated.save(folder)
    save_constraints(generated, folder)
    return generated, folder


def commands(folder, script, known):
    """Runs a script with ``known`` commands, which do nothing and find nothing; returns the words of each call."""
    stubs = ["namespace eval ipx {}", "proc package {require name} {}", "proc unknown args {error $args}"]
    for name in known:
        found = f"return [expr {{{{-quiet}} in $args ? {{}} : {{{name}}}}}]"
        stubs.append(f"proc {name} args {{puts [list {name} {{*}}$args]; {found}}}")
    stubs += [f"source [file join [pwd] {script}]", ""]
    (folder / "stubs.tcl").write_text("\n".join(stubs))
    done = subprocess.run(["tclsh", "stubs.tcl"], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return [re.findall(r"\{([^}]*)\}|(\S+)", line) for line in done.stdout.splitlines()]


def words(call):
    return [braced or bare for braced, bare in call]


def test_quartus_sees_every_port(described):
    generated, folder = described
    calls = [words(call) for call in commands(folder, "replay0_hw.tcl", [*QUARTUS.split(), "add_interface_port"])]
    declared = {call[1] for call in calls if call[0] == "add_interface"}
    told = {call[2]: call[1::2] + call[4:] for call in calls if call[0] == "add_interface_port"}
    ports = generated.description["ports"]
    assert set(told) == set(ports)
    assert {call[1] for call in calls if call[0] in ("add_interface_port", "set_interface_property")} == declared
    for name, known in ports.items():
        assert told[name][-2:] == [known["direction"].capitalize(), str(known["width"])]
    assert all((folder / call[-1]).exists() for call in calls if call[0] == "add_fileset_file")


def test_vivado_sees_every_port_of_axi(described):
    generated, folder = described
    known = [*VIVADO.split(), *(f"ipx::{name}" for name in IPX.split())]
    calls = [words(call) for call in commands(folder, "replay0_vivado.tcl", known)]
    inferred = [port for call in calls if call[0] == "ipx::infer_bus_interface" for port in call[1].split()]
    assert sorted(inferred) == sorted(
        port
        for port in generated.description["ports"]
        if port.startswith(("s_axi", "m_axi")) or port in ("clk", "rst", "irq")
    )
    assert [call[1] for call in calls if call[0] == "add_files"] == [str(folder / "replay0.v")]
    assert calls[-1] == ["close_project"]


def test_ip_xact_has_the_ports(described):
    generated, folder = described
    root = ElementTree.parse(folder / "replay0.xml").getroot()
    children = [child.tag.removeprefix(f"{{{NAMESPACE}}}") for child in root]
    of_a_bus = () if generated.config.bus != "native" else ("busInterfaces", "memoryMaps")
    assert children == [name for name in CHILDREN if name not in of_a_bus]
    names = {"x": NAMESPACE}
    ports = {}
    for port in root.iterfind(".//x:port", names):
        width = 1 + int(port.findtext(".//x:left", default="0", namespaces=names))
        direction = {"in": "input", "out": "output"}[port.findtext(".//x:direction", namespaces=names)]
        ports[port.findtext("x:name", namespaces=names)] = {"direction": direction, "width": width}
    assert ports == generated.description["ports"]
    assert (folder / root.findtext(".//x:file/x:name", namespaces=names)).exists()


def test_ip_xact_has_the_interfaces(described):
    """Every port of a bus is in one interface, under the name that the bus's definition has for it."""
    generated, folder = described
    if generated.config.bus == "native":
        return
    names = {"x": NAMESPACE}
    root = ElementTree.parse(folder / "replay0.xml").getroot()
    maps = {}
    for interface in root.iterfind(".//x:busInterface", names):
        pairs = {
            pair.findtext("x:physicalPort/x:name", namespaces=names): pair.findtext(
                "x:logicalPort/x:name", namespaces=names
            )
            for pair in interface.iterfind(".//x:portMap", names)
        }
        kind, signals = interface.find("x:busType", names), interface.find(".//x:abstractionRef", names)
        assert [kind.get(key) == signals.get(key) for key in ("vendor", "library", "version", "name")] == [1, 1, 1, 0]
        maps[interface.findtext("x:name", namespaces=names), kind.get("name")] = pairs
    if generated.config.bus == "axi4":
        streams = {("s_axis_write", "AXI4Stream"), ("s_axis_request", "AXI4Stream"), ("m_axis_result", "AXI4Stream")}
        assert set(maps) == {("s_axi", "AXI4"), *streams}
        assert maps["s_axi", "AXI4"]["s_axi_awvalid"] == "AWVALID"
        assert maps["m_axis_result", "AXI4Stream"]["m_axis_result_tuser"] == "TUSER"
    else:
        assert set(maps) == {("wb", "wishbone")}
        assert maps["wb", "wishbone"]["wb_dat_o"] == "dat_sm"
    mapped = [port for pairs in maps.values() for port in pairs if port != "clk"]
    assert sorted([*mapped, "clk", "rst", "irq"]) == sorted(generated.description["ports"])


def test_ip_xact_has_the_registers(described):
    """Read by PeakRDL's importer: addresses, access, and every field's place and value after reset."""
    generated, folder = described
    compiler = RDLCompiler()
    if generated.config.bus == "native":
        return
    text = (folder / "replay0.xml").read_text(encoding="utf-8")
    action = "<ipxact:readAction>modify</ipxact:readAction>"  # the importer takes it for registers in other files alone
    assert text.count(action) == 5  # RESULT_ROW's field, and those of RESULT_PACKED
    (folder / "plain.xml").write_text(text.replace(action, ""), encoding="utf-8")
    IPXACTImporter(compiler).import_file(str(folder / "plain.xml"))
    top = compiler.elaborate().top
    found = {}
    for block in top.children():
        if isinstance(block, MemNode):
            assert (block.absolute_address, block.size) == (0x400, 0x400)
            continue
        for register in block.registers():
            fields = {each.inst_name: (each.low, each.width, each.get_property("reset")) for each in register.fields()}
            found[register.inst_name] = (register.absolute_address, fields)
    assert found == {
        register.name: (register.offset, {each.name: (each.low, each.width, each.reset) for each in register.fields})
        for register in register_map(generated.config)
    }
