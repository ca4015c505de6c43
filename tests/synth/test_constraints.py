"""What lies beside the Verilog: SDC, FuseSoC core, LibreLane configuration."""

import json
import re
import subprocess

import pytest
import yaml

from amper import AmperConfig
from amper_cli.generate import smoke_rows
from amper_cli.main import main
from amper_hw.output.constraints import constraint_files, save_constraints
from amper_hw.output.generate import generate
from amper_hw.output.register_files import DRIVER

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
    driver = {*DRIVER, "amper_regs.h", "amper.rdl"}
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
    for use in ("PNR", "SIGNOFF"):
        assert settings[f"{use}_SDC_FILE"].removeprefix("dir::") in constraint_files(generated)


SMOKE = {
    "axi4": AmperConfig(**SMALL, bus="axi4"),
    "native": AmperConfig(**SMALL),
    "lanes": AmperConfig(**SMALL | {"batch": 7}, draw_ports=4, write_ports=2, pipeline="shallow"),
    "exact": AmperConfig(**SMALL, variant="exact", variants=("exact",), draw_ports=2, name="replay0"),
    "axi": AmperConfig(**SMALL, bus="axi"),
    "wishbone": AmperConfig(**SMALL, bus="wishbone"),
}


def simulated(folder, name):
    """What the smoke bench prints in Icarus, as its first lines say."""
    command = f"iverilog -g2005 -o smoke {name}.v {name}_smoke.v && vvp -n smoke"
    done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize("kind", SMOKE)
def test_the_smoke_bench_passes_and_can_fail(tmp_path, kind):
    """With nothing but Icarus; and it notices another row."""
    config = SMOKE[kind]
    generated, rows = generate(config), smoke_rows(config)
    generated.save(tmp_path)
    save_constraints(generated, tmp_path, rows)
    assert simulated(tmp_path, config.name) == "PASSED\n"
    save_constraints(generated, tmp_path, [*rows[:-1], rows[-1] ^ 1])
    found = f"draw {len(rows) - 1}: row {rows[-1]}, expected {rows[-1] ^ 1}"
    assert [line.split() for line in simulated(tmp_path, config.name).splitlines()] == [
        found.split(),
        ["FAILED:", "1", "faults"],
    ]


def test_the_core_simulates_it(tmp_path):
    """Target sim: `fusesoc --cores-root . run --target=sim amper:rtl:amper` was run with FuseSoC 2.4.7."""
    config = SMOKE["native"]
    files = constraint_files(generate(config), smoke_rows(config))
    core = yaml.safe_load(files["amper.core"].partition("\n")[2])
    assert core["targets"]["sim"]["toplevel"] == "amper_smoke"
    assert core["filesets"]["smoke"]["files"] == ["amper_smoke.v"]
    assert set(core["targets"]["sim"]["filesets"]) <= set(core["filesets"])


def test_the_instance_is_legal_verilog(generated, tmp_path):
    generated.save(tmp_path)
    text = constraint_files(generated)["amper_instance.vh"]
    (tmp_path / "around.v").write_text(f"`timescale 1ns / 1ps\nmodule around;\n{text}endmodule\n")
    command = ["iverilog", "-g2005", "-Wall", "-s", "around", "-o", "around", "amper.v", "around.v"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_command_writes_them(tmp_path):
    options = [f"--{name.replace('_', '-')}={value}" for name, value in SMALL.items()]
    assert main(["generate", *options, "-o", str(tmp_path)]) == 0
    config = AmperConfig(**SMALL)
    expected = constraint_files(generate(config), smoke_rows(config))
    assert len(expected) == 8
    assert {name: (tmp_path / name).read_text(encoding="utf-8") for name in expected} == expected
