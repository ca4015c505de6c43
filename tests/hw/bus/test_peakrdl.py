"""What PeakRDL makes of the register map: every exporter takes it, and says what a read or write does besides."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pyslang
import pytest

from amper import AmperConfig
from amper_hw.bus.registers import register_map
from amper_hw.output.register_files import system_rdl

CONFIGURATIONS = [AmperConfig(rows=1024, bus="axi4"), AmperConfig(rows=9, bus="wishbone", name="replay0", batch=3)]


@pytest.fixture(
    params=[CONFIGURATIONS[0], pytest.param(CONFIGURATIONS[1], marks=pytest.mark.long)], ids=["axi4", "wishbone"]
)
def exported(request, tmp_path):
    """``exported(kind, *options)``: the map's configuration, and what PeakRDL wrote."""
    source = tmp_path / "map.rdl"
    source.write_text(system_rdl(request.param), encoding="utf-8")

    def export(kind, *options):
        target = tmp_path / kind
        command = [sys.executable, "-m", "peakrdl", kind, str(source), "-o", str(target), *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        lost = "IP-XACT does not support 'mem' nodes"  # the window, which our own IP-XACT has
        said = [line for line in (done.stdout + done.stderr).splitlines() if "warning" in line and lost not in line]
        assert (done.returncode, said) == (0, [])
        return request.param, target

    return export


def test_html(exported):
    config, target = exported("html")
    pages = [path.read_text() for path in (target / "content").iterdir()]
    titles = {title.strip(): text for text in pages for title in re.findall(r"<h1[^>]*>([^<]*)", text)}
    assert {register.name for register in register_map(config)} <= set(titles)
    assert "ruser" in titles["RESULT_ROW"]
    assert "wuser" in titles["REQUEST"]
    assert "woclr" in titles["BUS_ERRORS"]


def test_c_header(exported):
    """The offsets in a structure are those of the map."""
    config, target = exported("c-header", "--std", "gnu17")
    check = "".join(
        f'_Static_assert(__builtin_offsetof({config.name}_t, {register.name}) == {register.offset}, "");\n'
        for register in register_map(config)
    )
    source = f"#include <stdint.h>\n{target.read_text()}\n{check}"
    command = ["gcc", "-fsyntax-only", "-xc", "-"]
    done = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_ip_xact(exported):
    """Reading results, and writing commands, modifies what is there."""
    config, target = exported("ip-xact")
    tree = ElementTree.parse(target)
    name = {"x": re.match(r"{(.*)}", tree.getroot().tag)[1]}
    found = {each.findtext("x:name", namespaces=name): each for each in tree.iterfind(".//x:register", name)}
    wanted = register_map(config)
    assert list(found) == [register.name for register in wanted]
    for register in wanted:
        texts = {part: found[register.name].findtext(f".//x:{part}", namespaces=name) for part in PARTS}
        writes = {"w1c": "oneToClear", "rw": "modify", "wo": "modify"} if register.command else {"w1c": "oneToClear"}
        wanted_texts = ("modify" if register.takes else None, writes.get(register.access))
        assert tuple(texts.values()) == wanted_texts, register.name


PARTS = ("readAction", "modifiedWriteValue")


def test_uvm(exported):
    config, target = exported("uvm")
    text = target.read_text()
    for register in register_map(config):  # a type whose properties are set from outside has a longer name
        assert re.search(rf"class {config.name}__{register.name}(_\w+)? extends uvm_reg;", text), register.name


def test_regblock(exported):
    """The registers that it makes around those that are AMPER's own are SystemVerilog without a fault."""
    _, target = exported("regblock", "--cpuif", "axi4-lite-flat")
    driver = pyslang.driver.Driver()
    driver.addStandardArgs()
    assert driver.parseCommandLine(f"slang {target}/{'*'}_pkg.sv {target}/*.sv")
    assert driver.processOptions()
    assert driver.parseAllSources()
    assert driver.runFullCompilation(True)
