"""FPGA flows without the tools: wrapper, components, errors. With them: test_fpga_flow.py."""

import json
import re
from collections import Counter

import pytest

from amper import AmperConfig
from amper_cli.main import main
from amper_cli.synth import fpga as command
from amper_hw.output.generate import TOP, generate
from amper_synth.fpga import board
from amper_synth.fpga import flow as fpga
from amper_synth.fpga.boundary import WRAPPER, boundary
from amper_synth.fpga.components import component_of, critical_path, instances, worst_by_component
from amper_synth.fpga.targets import FPGAS
from amper_synth.tools import nextpnr
from amper_verif.harness.modules import modules_of
from amper_verif.harness.yosys import SynthesisError, run_yosys

SMALL = AmperConfig(rows=8, variant="fr-dithered", bank_rows=4, fan_out=2, groups=2, batch=2, priority_width=4)
TREE = {"top": {"dut": "amper"}, "amper": {"array": "node", "unit": "unit"}, "node": {"a": "bank", "b": "bank"}}


@pytest.fixture(scope="module")
def generated():
    return generate(SMALL)


# --- the wrapper ---------------------------------------------------------------------------------------------------


def test_every_bit_of_every_port_has_its_register(generated):
    ports = generated.description["ports"]
    connections = re.findall(r"\.(\w+)\((shifted|results)\[(\d+):(\d+)\]\)", boundary(ports, TOP))
    assert {name for name, *_ in connections} == set(ports) - {"clk", "rst"}
    used = Counter((vector, bit) for _, vector, high, low in connections for bit in range(int(low), int(high) + 1))
    assert set(used.values()) == {1}
    for direction, vector in (("input", "shifted"), ("output", "results")):
        names = [name for name, port in ports.items() if port["direction"] == direction and name not in ("clk", "rst")]
        bits = sum(ports[name]["width"] for name in names)
        assert sum(1 for each, _ in used if each == vector) == bits
        assert {name for name, each, *_ in connections if each == vector} == set(names)


def test_yosys_accepts_the_wrapper(generated, tmp_path):
    """Widths fit (a warning would be an error), and the wrapper has only registers and the folding gates."""
    (tmp_path / "amper.v").write_text(generated.verilog, encoding="utf-8")
    (tmp_path / "boundary.v").write_text(boundary(generated.description["ports"], TOP), encoding="utf-8")
    script = f"read_verilog amper.v boundary.v; hierarchy -check -top {WRAPPER}; proc; tee -o cells.json stat -json"
    run_yosys(tmp_path, "-q", "-e", ".*", "-p", script)
    cells = json.loads((tmp_path / "cells.json").read_text(encoding="utf-8"))["modules"][f"\\{WRAPPER}"]
    assert set(cells["num_cells_by_type"]) == {"$dff", "$xor", TOP}


# --- components ----------------------------------------------------------------------------------------------------


def test_instances_of_the_generated_verilog(generated):
    tree = {module.name: module.parts for module in modules_of(generated.verilog).values()}
    counts = instances(tree, TOP)
    assert (counts[TOP], counts["amper_node_1_8"], counts["amper_bank_4"], counts["amper_match_lines_4"]) == (
        1,
        1,
        2,
        2,
    )
    assert set(counts) == set(tree)  # every module of the file is used


def test_a_cell_belongs_to_the_innermost_module():
    assert component_of("dut.array.a.key_FF_Q", TREE, "top") == ("bank", "dut.array.a")
    assert component_of("dut.array.a.b.key_FF_Q", TREE, "top") == ("bank", "dut.array.a")  # a name with a dot
    assert component_of("dut.array", TREE, "top") == ("node", "dut.array")
    assert component_of("shifted_FF_Q", TREE, "top") == ("top", "")


def step(kind, delay, source, sink, net=None):
    cells = {"from": {"cell": source}, "to": {"cell": sink}}
    return {"type": kind, "delay": delay, **cells} | ({"net": net} if net else {})


def test_critical_path_by_component():
    path = [
        step("clk-to-q", 0.5, "dut.unit.x", "dut.unit.x"),
        step("routing", 1.25, "dut.unit.x", "dut.array.a.l", "dut.unit.x"),
        step("logic", 0.25, "dut.array.a.l", "dut.array.a.l"),
        step("routing", 1.0, "dut.array.a.l", "dut.array.a.r", "dut.array.a.n"),
        step("setup", 0.125, "dut.array.a.r", "dut.array.a.r"),
    ]
    short = [step("clk-to-q", 0.5, "dut.unit.x", "dut.unit.x")]
    paths = [
        {"from": "posedge clk", "to": "posedge clk", "path": short},
        {"from": "posedge clk", "to": "posedge clk", "path": path},
        {"from": "<async>", "to": "posedge clk", "path": [step("routing", 99.0, "rst", "dut.unit.x", "rst")]},
    ]
    unit = {"component": "unit", "instance": "dut.unit", "nets": ["dut.unit.x"], "cells": 1}
    bank = {"component": "bank", "instance": "dut.array.a", "nets": ["dut.array.a.n"], "cells": 1}
    assert critical_path({"critical_paths": paths}, TREE, "top") == [
        unit | {"logic_ns": 0.5, "routing_ns": 1.25},
        bank | {"logic_ns": 0.375, "routing_ns": 1.0},
    ]
    assert critical_path({"critical_paths": paths[2:]}, TREE, "top") == []


def test_worst_path_into_each_component():
    def net(*ends):
        return {"endpoints": [{"cell": cell, "delay": [0.5, worst]} for cell, worst in ends]}

    nets = [net(("dut.array.a.x", 3.0), ("dut.array.b.x", 4.0)), net(("dut.unit.y", 6.0), ("dut.array.a.z", 2.0))]
    worst = worst_by_component({"detailed_net_timings": nets}, TREE, "top")
    unit, bank = {"ns": 6.0, "register": "dut.unit.y"}, {"ns": 4.0, "register": "dut.array.b.x"}
    assert list(worst.items()) == [("unit", unit), ("bank", bank)]


def test_cells_of_components(tmp_path):
    """Counts as Yosys has them in two forms; what costs nothing, and modules of no instance, are left out."""
    modules = {
        "\\top": {"num_cells_by_type": {"LUT4": 3, "TRELLIS_FF": {"count": 2}, "dut": 1}},
        "\\bank": {"num_cells_by_type": {"LUT4": {"count": 10}, "PFUMX": 1, "$scopeinfo": 4}},
        "\\stranger": {"num_cells_by_type": {"LUT4": 100}},
    }
    statistics = tmp_path / "components.json"
    statistics.write_text(json.dumps({"modules": modules}), encoding="utf-8")
    counts = Counter({"top": 1, "bank": 2})
    components = fpga.component_cells(statistics, FPGAS["ecp5"], counts)
    bank = {"instances": 2, "lut": 10, "mux": 1}
    assert components == {"top": {"instances": 1, "lut": 3, "register": 2}, "bank": bank}
    counts_of_types = {"LUT4": 20, "TRELLIS_FF": 2, "CCU2C": 1, "IB": 4}
    flat = {f"{name}{index}": {"type": name} for name, count in counts_of_types.items() for index in range(count)}
    netlist = {"modules": {"LUT4": {"cells": {}}, WRAPPER: {"cells": flat}}}  # the library's are beside it
    (tmp_path / "netlist.json").write_text(json.dumps(netlist), encoding="utf-8")
    cells = fpga.placed_cells(tmp_path / "netlist.json", FPGAS["ecp5"], components["top"])
    assert cells == {"carry": 1, "lut": 17, "register": 0}
    statistics.write_text(json.dumps({"modules": {"\\top": {}}}), encoding="utf-8")
    with pytest.raises(SynthesisError, match=f"^Yosys reported no cells in {statistics}$"):
        fpga.component_cells(statistics, FPGAS["ecp5"], counts)


@pytest.mark.parametrize(
    ("target", "cell", "resource"),
    [
        ("ecp5", "LUT4", "lut"),
        ("ecp5", "L6MUX21", "mux"),
        ("ecp5", "TRELLIS_IO", None),
        ("ice40", "SB_DFFESR", "register"),
        ("ice40", "SB_RAM40_4K", "bram"),
        ("nexus", "FD1P3IX", "register"),
        ("gowin", "LUT3", "lut"),
        ("gowin", "SDPX9B", "bram"),
    ],
)
def test_resources(target, cell, resource):
    assert FPGAS[target].resource(cell) == resource


def test_speed_grades():
    devices = FPGAS["ecp5"].devices
    assert next(iter(devices)) == "85k"  # the default, and the board's
    assert devices["85k"] == ("--85k", "--package", "CABGA381", "--speed", "6")
    assert devices["45k-8"] == ("--45k", "--package", "CABGA381", "--speed", "8")


def run_of(seed, mhz):
    return fpga.FpgaRun(seed, mhz, [], {})


@pytest.mark.parametrize(("clocks", "middle"), [([90.0, 120.0, 100.0], 100.0), ([90.0, 120.0], 90.0), ([80.0], 80.0)])
def test_the_median_is_a_run(clocks, middle):
    runs = [run_of(seed, mhz) for seed, mhz in enumerate(clocks)]
    config = SMALL.to_dict()
    bank, lines = {"instances": 2, "lut": 3}, {"instances": 2, "lut": 5}
    components = {"amper_bank_4": bank, "amper_match_lines_4": lines, "amper": {"instances": 1, "lut": 4}}
    result = fpga.FpgaResult(config, "ecp5", "85k", 110.0, {"lut": 20}, components, {}, runs, 50, {})
    shown = result.to_dict()
    assert shown["fmax_mhz"] == {"median": middle, "lowest": min(clocks), "highest": max(clocks)}
    assert shown["batch_ns"] == round(50_000 / middle, 1)
    assert (shown["luts_per_row"], shown["array_luts_per_row"]) == (2.5, 2.0)


# --- tools and errors ----------------------------------------------------------------------------------------------


def test_a_missing_tool_is_named(monkeypatch):
    monkeypatch.setattr(nextpnr.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(nextpnr.shutil, "which", lambda _: None)
    for tool in ("nextpnr-ecp5", "ecppack"):
        message = rf"^{tool} is not installed\. Install it by: pip install 'amper\[fpga\]'$"
        with pytest.raises(SynthesisError, match=message):
            nextpnr.tool_command(tool)


def test_a_native_tool_stands_in_for_the_package(monkeypatch):
    monkeypatch.setattr(nextpnr.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(nextpnr.shutil, "which", lambda name: f"/somewhere/{name}")
    assert nextpnr.tool_command("nextpnr-ice40") == ["/somewhere/nextpnr-ice40"]


def test_a_failing_tool_keeps_its_log_and_says_why(monkeypatch, tmp_path):
    monkeypatch.setattr(nextpnr, "tool_command", lambda _: ["sh", "-c", "echo no room; exit 3"])
    with pytest.raises(SynthesisError, match=r"^nextpnr-ecp5 failed: no room\n$"):
        nextpnr.run_tool(tmp_path, "seed1", "nextpnr-ecp5", ["--seed", "1"])
    assert (tmp_path / "seed1.log").read_text(encoding="utf-8") == "no room\n"
    assert (tmp_path / "seed1.sh").read_text(encoding="utf-8") == "#!/bin/sh\nnextpnr-ecp5 --seed 1\n"


@pytest.mark.parametrize(
    ("target", "options", "placers"),
    [
        ("ecp5", (), ["--placer", "static"]),
        ("ecp5", ("--placer", "heap"), ["--placer", "heap"]),
        ("ecp5", ("--placer=heap",), ["--placer=heap"]),
        ("ice40", (), []),
    ],
)
def test_the_placer(target, options, placers, monkeypatch, tmp_path):
    """nextpnr takes the option only once, so that a user's own stands in for the target's."""
    monkeypatch.setattr(nextpnr, "tool_command", lambda _: ["true"])
    monkeypatch.setattr(fpga, "read_report", lambda _: {})
    (tmp_path / "netlist.json").write_text("{}", encoding="utf-8")
    family = FPGAS[target]
    fpga.place_and_route(tmp_path, family, next(iter(family.devices)), seed=1, goal_mhz=50, options=options)
    script = (tmp_path / "seed1.sh").read_text(encoding="utf-8")
    assert re.findall(r"--placer\S*|static|heap", script) == placers


def test_a_report_without_a_clock_is_an_error(tmp_path):
    report = tmp_path / "seed1.json"
    report.write_text('{"fmax": {}}', encoding="utf-8")
    with pytest.raises(SynthesisError, match=f"^nextpnr reported no clock in {report}$"):
        nextpnr.read_report(report)


def test_the_slowest_clock_counts():
    assert nextpnr.fmax_mhz({"fmax": {"a": {"achieved": 99.987}, "b": {"achieved": 120}}}) == 99.99


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--target", "ice40", "--device", "85k"], "device must be one of up5k, hx8k with ice40, not '85k'"),
        (["--target", "ecp5", "--seeds", "0"], "seeds must be 1 or more, not 0"),
        (["--target", "ecp5", "--jobs", "0"], "jobs must be 1 or more, not 0"),
        (["--target", "ecp5", "--goal-mhz", "0.5"], "goal-mhz must be 1 to 1000, not 0.5"),
        (["--target", "ice40", "--board", "ulx3s"], "board ulx3s needs --target ecp5, not ice40"),
        (
            ["--target", "ecp5", "--board", "ulx3s", "--bus", "axi"],
            "bus must be wishbone (or left out) on a board, not 'axi'",
        ),
    ],
)
def test_bad_options(options, message, tmp_path, capsys):
    assert main(["synth", *options, "--rows", "8", "-o", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == f"amper synth: error: {message}\n"
    assert not (tmp_path / "out").exists()


def test_names_agree():
    """The command knows targets and boards without loading the flows."""
    assert set(command.TARGETS) == set(FPGAS)
    assert set(command.BOARDS) == set(board.BOARDS)
    assert all(each.target in FPGAS and each.device in FPGAS[each.target].devices for each in board.BOARDS.values())
