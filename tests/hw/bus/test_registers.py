"""The register map: sound in itself, and the same in everything that is made from it."""

import re
from pathlib import Path

import pytest
from systemrdl import RDLCompiler
from systemrdl.rdltypes import AccessType, OnReadType, OnWriteType

from amper import AmperConfig, Parameter, Status
from amper_hw.bus.fields import PARAMETERS_OFFSET
from amper_hw.bus.registers import ADDRESS_WIDTH, BUS_ERRORS, register_map
from amper_hw.output.generate import top_component
from amper_hw.output.register_files import c_header, page, register_files
from amper_hw.output.verilog import to_verilog
from amper_verif.harness.lint import lint

ROOT = Path(__file__).parents[3]
#: Of docs/hardware/registers.md.
DOCUMENTED = AmperConfig(rows=1024, bus="axi")
CONFIGURATIONS = [
    DOCUMENTED,
    AmperConfig(rows=1, bank_rows=2, groups=1, batch=1, priority_width=4, draw_ports=2, bus="axi"),
    AmperConfig(rows=1 << 20, priority_width=32, groups=256, batch=4096, variants=("fr-dithered", "k"), bus="wishbone"),
]

#: A write to them is a command.
COMMANDS = {*Parameter.__members__, "WRITE_PRIORITY", "INVALIDATE", "REQUEST", "UPDATE"}
#: A read of them takes a draw.
TAKING = {"RESULT_ROW", "RESULT_PACKED"}

#: Version 1.0: what may never move within major version 1.
OFFSETS = {
    "ID": 0x000,
    "VERSION": 0x004,
    "ROWS_MAX": 0x008,
    "PRIORITY_WIDTH": 0x00C,
    "GROUPS_MAX": 0x010,
    "BATCH_MAX": 0x014,
    "FEATURES": 0x018,
    "PORTS": 0x01C,
    "COMMAND_DEPTH": 0x020,
    **{parameter.name: 0x040 + 4 * parameter for parameter in Parameter},
    "STATUS": 0x080,
    "LEVEL": 0x084,
    "VMAX": 0x088,
    "CSP_SIZE": 0x08C,
    "VALID_ROWS": 0x090,
    "SEARCHES": 0x094,
    "CYCLES": 0x098,
    "ERRORS": 0x09C,
    "BUS_ERRORS": 0x0A0,
    "BUS_ERROR_COUNT": 0x0A4,
    "IRQ_ENABLE": 0x0A8,
    "IRQ_STATUS": 0x0AC,
    "TOTAL_LOW": 0x0B0,
    "TOTAL_HIGH": 0x0B4,
    "FAULTS": 0x0B8,
    "LOST_ROW": 0x0BC,
    "WRITE_ROW": 0x0C0,
    "WRITE_PRIORITY": 0x0C4,
    "INVALIDATE": 0x0C8,
    "REQUEST": 0x0CC,
    "CONTROL": 0x0D0,
    "UPDATE": 0x0D4,
    "RESULT_ROW": 0x0E0,
    "RESULT_PRIORITY": 0x0E4,
    "RESULT_STATUS": 0x0E8,
    "RESULT_PACKED": 0x0EC,
}


def test_addresses_are_those_of_version_1():
    offsets = {register.name: register.offset for register in register_map(DOCUMENTED)}
    assert offsets == OFFSETS
    assert OFFSETS["GROUPS"] == PARAMETERS_OFFSET


@pytest.mark.parametrize("config", CONFIGURATIONS)
def test_the_map_is_sound(config):
    """Ascending, aligned, within the address space; fields neither meet nor stick out, and hold their values."""
    registers = register_map(config)
    offsets = [register.offset for register in registers]
    assert offsets == sorted(set(offsets))
    assert all(offset % 4 == 0 and offset < 1 << ADDRESS_WIDTH for offset in offsets)
    assert len({register.name for register in registers}) == len(registers)
    for register in registers:
        assert register.fields
        assert sum(field.width for field in register.fields) == register.mask.bit_count()
        assert register.mask < 1 << 32
        assert all(0 <= field.reset < 1 << field.width for field in register.fields), register.name


def test_each_bus_has_the_same_addresses():
    """Only CONTROL, which steers the result stream, is missing where there is none."""
    wishbone = {register.name: register.offset for register in register_map(AmperConfig(rows=8, bus="wishbone"))}
    assert OFFSETS.items() - wishbone.items() == {("CONTROL", 0x0D0)}
    assert not wishbone.items() - OFFSETS.items()


@pytest.mark.parametrize("config", CONFIGURATIONS)
def test_system_rdl(config, tmp_path):
    """An independent compiler reads back every offset, field, access, side effect and value after reset."""
    path = tmp_path / "amper.rdl"
    path.write_text(register_files(config)["amper.rdl"], encoding="utf-8")
    compiler = RDLCompiler()
    compiler.compile_file(str(path))
    found = {register.inst_name: register for register in compiler.elaborate().top.registers()}
    wanted = register_map(config)
    assert list(found) == [register.name for register in wanted]
    access = {"ro": AccessType.r, "rw": AccessType.rw, "wo": AccessType.w, "w1c": AccessType.rw}
    for register in wanted:
        node = found[register.name]
        assert (node.absolute_address, node.size) == (register.offset, 4)
        fields = {field.inst_name: field for field in node.fields()}
        assert list(fields) == [field.name for field in register.fields]
        for field in register.fields:
            other = fields[field.name]
            assert (other.low, other.width) == (field.low, field.width)
            assert other.get_property("reset") == field.reset
            assert other.get_property("sw") == access[register.access]
            effects = {prop: other.get_property(prop) for prop in ("onread", "onwrite", "intr", "stickybit")}
            assert effects == {
                "onread": OnReadType.ruser if register.name in TAKING else None,
                "onwrite": OnWriteType.woclr
                if register.access == "w1c"
                else OnWriteType.wuser
                if register.name in COMMANDS
                else None,
                "intr": register.name == "IRQ_STATUS",
                "stickybit": register.access == "w1c",
            }, register.name
        assert node.external == (register.name in COMMANDS | TAKING)
    for pending in found["IRQ_STATUS"].fields():
        name = pending.inst_name
        assert pending.get_property("enable").get_path() == f"amper.IRQ_ENABLE.{name}"


def test_c_header():
    """Every macro, once, with the map's value."""
    macros = re.findall(r"^#define AMPER_(\w+) 0x([0-9A-F]+)u$", c_header(DOCUMENTED), re.MULTILINE)
    values = {name: int(value, 16) for name, value in macros}
    assert len(values) == len(macros)
    wanted = {}
    for register in register_map(DOCUMENTED):
        wanted |= {f"REG_{register.name}": register.offset, f"{register.name}_MASK": register.mask}
        for field in register.fields:
            name = f"{register.name}_{field.name}"
            wanted |= {f"{name}_LSB": field.low, f"{name}_MASK": field.mask, f"{name}_RESET": field.reset}
    assert values == wanted


def test_the_page_is_up_to_date():
    """Else: write register_files(AmperConfig(rows=1024, bus="axi"))["amper_registers.md"] there."""
    assert (ROOT / "docs/hardware/registers.md").read_text(encoding="utf-8") == page(DOCUMENTED)


def test_the_page_of_the_buses_names_every_error():
    text = (ROOT / "docs/hardware/programmers-guide.md").read_text(encoding="utf-8")
    assert [name for name in BUS_ERRORS if f"`{name}`" not in text] == []


@pytest.mark.share(2)
@pytest.mark.parametrize("bus", ["axi", "wishbone", "axi4"])
@pytest.mark.parametrize("ports", [1, 4])
def test_no_linter_complains(tmp_path, bus, ports):
    config = AmperConfig(
        rows=9,
        bank_rows=4,
        priority_width=8,
        groups=2,
        batch=3,
        draw_ports=ports,
        write_ports=ports,
        result_priority=ports == 1,
        bus=bus,
    )
    path = tmp_path / "amper.v"
    path.write_text(to_verilog(top_component(config), "amper"), encoding="utf-8")
    for result in lint(path, "amper"):
        assert result.passed, result.output


@pytest.mark.parametrize(
    ("name", "prefix", "kind"), [("status", "AMPER_RESULT_", Status), ("parameter", "AMPER_", Parameter)]
)
def test_the_header_has_the_numbers_of_the_software(name, prefix, kind):
    (listed,) = re.findall(rf"enum amper_{name} \{{(.*?)\}};", c_header(DOCUMENTED), re.DOTALL)
    assert re.findall(r"(\w+) = (\d+)", listed) == [(f"{prefix}{each.name}", str(each.value)) for each in kind]
