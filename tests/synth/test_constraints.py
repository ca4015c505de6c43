"""What lies beside the Verilog: SDC, FuseSoC core, LibreLane configuration."""

import json
import re

import pytest
import yaml

from amper import AmperConfig
from amper_cli.main import main
from amper_hw.output.constraints import constraint_files, save_constraints
from amper_hw.output.generate import generate

SMALL = {"rows": 8, "bank_rows": 4, "fan_out": 2, "groups": 2, "batch": 2, "priority_width": 4}


@pytest.fixture(scope="module", params=["native", "axi", "wishbone"])
def generated(request):
    return generate(AmperConfig(**SMALL, bus=request.param))


def test_every_port_but_the_clock_is_constrained_once(generated):
    ports = generated.description["ports"]
    text = constraint_files(generated)["amper.sdc"]
    assert re.findall(r"create_clock .*", text) == ["create_clock -name clk -period 10.000 [get_ports clk]"]
    found = re.findall(r"set_(input|output)_delay 2\.000 -clock clk \[get_ports \{(\w+)(\[\*\])?\}\]", text)
    assert len(found) == len(ports) - 1
    assert {name: direction for direction, name, _ in found} == {
        name: port["direction"] for name, port in ports.items() if name != "clk"
    }
    assert all(bool(bits) == (ports[name]["width"] > 1) for _, name, bits in found)


def test_the_core_names_files_that_are_there(generated, tmp_path):
    """The schema of FuseSoC itself: `fusesoc run --target=lint` in docs/hardware/fpga.md."""
    generated.save(tmp_path)
    save_constraints(generated, tmp_path)
    text = (tmp_path / "amper.core").read_text(encoding="utf-8")
    first, _, rest = text.partition("\n")
    assert first == "CAPI=2:"
    core = yaml.safe_load(rest)
    assert core["name"] == f"amper:rtl:amper:{generated.description['versions']['amper']}"
    files = [file for fileset in core["filesets"].values() for file in fileset["files"]]
    names = {name for file in files for name in ([file] if isinstance(file, str) else file)}
    assert {"amper.v", "amper.sdc"} <= names <= {path.name for path in tmp_path.iterdir()}
    driver = {"amper.c", "amper.h", "amper_regs.h", "amper.rdl"}
    assert names - {"amper.v", "amper.sdc"} == (set() if generated.config.bus == "native" else driver)
    for target in core["targets"].values():
        assert target["toplevel"] == "amper"
        assert set(target["filesets"]) <= set(core["filesets"])


def test_librelane_names_the_design(generated, tmp_path):
    generated.save(tmp_path)
    settings = json.loads(constraint_files(generated)["amper_librelane.json"])
    assert settings["meta"] == {"version": 2, "flow": "Classic"}
    (source,) = settings["VERILOG_FILES"]
    verilog = (tmp_path / source.removeprefix("dir::")).read_text(encoding="utf-8")
    assert re.search(rf"(?m)^module {settings['DESIGN_NAME']}\b", verilog)
    assert settings["CLOCK_PORT"] in generated.description["ports"]
    assert settings["CLOCK_PERIOD"] == 10.0


def test_the_command_writes_them(tmp_path):
    options = [f"--{name.replace('_', '-')}={value}" for name, value in SMALL.items()]
    assert main(["generate", *options, "-o", str(tmp_path)]) == 0
    expected = constraint_files(generate(AmperConfig(**SMALL)))
    assert {name: (tmp_path / name).read_text(encoding="utf-8") for name in expected} == expected
