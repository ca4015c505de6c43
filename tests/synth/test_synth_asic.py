"""The ASIC flow, in a made-up library that is small enough for every run of the tests."""

import json
import subprocess
from dataclasses import replace

import pytest
from oracles.mini_liberty import mini_liberty

from amper import AmperConfig
from amper.operations.vocabulary import Beat, Sample
from amper_cli.main import main
from amper_hw.output.generate import generate
from amper_synth.asic import flow as asic
from amper_synth.asic.activity import EVERY, Activity, counting, read_activity, trace_operations
from amper_synth.asic.power import estimate_power
from amper_synth.asic.script import abc_constraints, asic_script, kept_modules
from amper_synth.asic.table import tables
from amper_synth.liberty.cells import load_library
from amper_synth.tools import sta
from amper_verif.demo.result import DEFAULT_TRACE
from amper_verif.harness.yosys import SynthesisError

SMALL = AmperConfig(rows=8, variant="fr-dithered", bank_rows=4, fan_out=2, groups=2, batch=2, priority_width=4)


@pytest.fixture(scope="module")
def library_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("library") / "mini.lib"
    path.write_text(mini_liberty())
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("asic")


@pytest.fixture(scope="module")
def result(library_path, folder):
    return asic.synthesise_asic(SMALL, [library_path], folder=folder)


def test_areas_add_up(result, library_path):
    """Banks are there twice; the areas of the cells that the netlist has make the total."""
    area = result.area
    assert area.total_um2 == pytest.approx(sum(area.by_component.values()))
    assert area.gate_equivalents == pytest.approx(area.total_um2 / 0.8)
    assert area.row_um2 == pytest.approx(area.by_component["amper_bank_4"] / 8)
    parts = {"amper", "amper_bank_4", "amper_node_1_8", "amper_draw_unit", "amper_query_generator", "amper_vmax_unit"}
    assert parts <= set(area.by_component)
    # 8 rows of 4 bits, two bitmaps and a valid bit each are registers, whatever else is.
    assert area.cells > area.registers > 8 * (4 + 2 + 1)


def test_areas_are_those_of_the_netlist(result, library_path, folder):
    """Counted again, from the netlist's text."""
    library = load_library([library_path])
    modules = (folder / "netlist.v").read_text().split("\nmodule ")
    bank = next(text for text in modules if text.startswith("amper_bank_4("))
    own = sum(
        library.cells[word].area for line in bank.splitlines() for word in line.split()[:1] if word in library.cells
    )
    assert result.area.by_component["amper_bank_4"] == pytest.approx(2 * own)


def test_the_clock_and_what_limits_it(result):
    timing = result.timing
    assert result.batch_ns == pytest.approx(result.batch_cycles * timing.period_ns)
    assert result.fmax_mhz == pytest.approx(1000 / timing.period_ns)
    if not sta.sta_available():
        assert timing.method.startswith("ABC's estimate: gates inside a component only")
        return
    assert timing.method.startswith("OpenSTA ")
    assert timing.wire_load == "small"
    delays = [path.delay_ns for path in timing.paths]
    assert delays == sorted(delays, reverse=True)
    assert delays[0] == timing.period_ns >= timing.register_period_ns > 0
    for path in timing.paths:
        assert len(path.cells) == path.levels
        assert "_reg" not in path.source + path.target
    ends = {path.target.split("/")[0] for path in timing.paths if "/" in path.target}
    assert ends <= {
        "array",
        "controller",
        "draw_unit",
        "parameter_unit",
        "query_generator",
        "vmax_unit",
        "write_unit",
    }


def test_names_in_paths():
    assert sta.readable("draw_unit/beats.urng.s0[1]_reg/Q") == "draw_unit/beats.urng.s0[1]"
    assert sta.readable("array/child_0/key[3]_reg") == "array/child_0/key[3]"
    assert sta.readable("draw_unit/_11218_") == "draw_unit/(clock gate)"
    assert sta.readable("write_ready") == "write_ready"


def test_what_stays_beside_the_log(result, folder):
    names = {path.name for path in folder.iterdir()}
    assert {"amper.v", "asic.ys", "asic.log", "abc.script", "abc.constr", "netlist.v"} <= names
    assert any(name.startswith("library_0_") for name in names)
    if sta.sta_available():
        assert {"sta.tcl", "sta.log"} <= names
        script = (folder / "sta.tcl").read_text(encoding="utf-8")
        assert "set_driving_cell -lib_cell BUF_X2 [get_ports rst]\n" in script
    assert json.loads(json.dumps(result.to_dict()))["fmax_mhz"] == result.fmax_mhz


def test_the_netlist_draws_what_the_golden_model_draws(result, library_path, folder):
    done = asic.simulated(result, [library_path], folder=folder, batches=6)
    assert done.simulation["passed"]
    assert done.simulation["compared"] > 0


def test_another_netlist_is_noticed(result, library_path, folder):
    """The netlist is compared with the golden model of the configuration: with another seed, it draws other rows."""
    other = replace(result, config=result.config | {"seed": 2})
    done = asic.simulated(other, [library_path], folder=folder, batches=6)
    assert done.simulation["mismatches"] > 0
    assert not done.simulation["passed"]


def test_without_opensta_the_mapper_estimates(result, folder, monkeypatch, library_path, tmp_path):
    monkeypatch.setattr(asic, "sta_available", lambda: False)
    timing = asic._timing(folder, load_library([library_path]), [], 0.1, "")
    assert timing.method == (
        "ABC's estimate: gates inside a component only, neither registers nor wires; OpenSTA is not installed"
    )
    assert 0 < timing.period_ns <= result.timing.period_ns  # gates alone take less than gates and registers
    assert timing.paths == ()
    with pytest.raises(SynthesisError) as caught:
        asic._timing(tmp_path, load_library([library_path]), [], 0.1, "")
    assert str(caught.value) == f"ABC reported no delay: see {tmp_path / 'asic.log'}"


def test_missing_opensta_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setattr(sta.shutil, "which", lambda _: None)
    with pytest.raises(SynthesisError) as caught:
        sta.run_sta(tmp_path, "x", "")
    assert str(caught.value) == (
        "OpenSTA is not installed: no `sta` on the PATH. Install it by: apt-get install opensta"
    )


def test_the_script(library_path):
    """Clock gates, cells to avoid and constants as the library has them."""
    library = load_library([library_path], ["XOR2_*"])
    verilog = generate(SMALL).verilog
    script = asic_script("amper.v", verilog, library, ["a.lib", "b.lib"], period=1e-9, gate=True)
    assert "clockgate -dont_use XOR2_X1 -liberty a.lib -liberty b.lib -min_net_size 3\n" in script
    assert (
        "abc -D 1000 -constr abc.constr -script abc.script -dont_use XOR2_X1 -liberty a.lib -liberty b.lib\n" in script
    )
    assert "opt\nsimplemap\nabc -D" in script
    assert "hilomap -hicell TIE Z1 -locell TIE Z0\n" in script
    assert "clockgate" not in asic_script("amper.v", verilog, library, ["a.lib"], period=1e-9, gate=False)
    assert abc_constraints(library) == "set_driving_cell BUF_X2\nset_load 4.0000\n"


@pytest.mark.long  # a synthesis of its own
def test_what_opt_merges_is_mapped(library_path, tmp_path):
    """In these draw units it merges operators, and the multiplexer in front of them was no gate."""
    config = AmperConfig(rows=8, priority_width=4, batch=16, variant="exact", draws="stratified", draw_ports=4)
    result = asic.synthesise_asic(config, [library_path], folder=tmp_path)
    assert result.area.registers > 1000


def test_what_stays_a_module():
    kept = kept_modules(generate(SMALL).verilog)
    parts = ("controller", "draw_unit", "parameter_unit", "query_generator", "vmax_unit", "write_unit")
    assert kept == sorted(["amper_bank_4", "amper_node_1_8", *(f"amper_{part}" for part in parts)])
    axi = kept_modules(generate(AmperConfig.from_dict(SMALL.to_dict() | {"bus": "axi"})).verilog)
    assert {"amper_sampler", "amper_draw_unit", "amper_bank_4"} <= set(axi)


# A sampler of two gates, a constant and a register: the top's name and the clock and request are all that the counts
# ask for.
TOY = """\
module amper_netlist(clk, rst, request_valid, request_ready, q);
  input clk, rst, request_valid;
  output request_ready, q;
  wire d, one;
  TIE high (.Z1(one));
  INV_X1 turn (.A(q), .Y(d));
  DFF_X1 \\state.bit[0]_reg  (.D(d), .CK(clk), .Q(q));
  BUF_X1 always_ready (.A(rst), .Y(request_ready));
endmodule
module amper(clk, rst, request_valid, request_ready, q);
  input clk, rst, request_valid;
  output request_ready, q;
  amper_netlist netlist(.clk(clk), .rst(rst), .request_valid(request_valid), .request_ready(request_ready), .q(q));
endmodule
"""
TOY_MODELS = """\
module TIE(Z1, Z0);
  output Z1, Z0;
  assign Z1 = 1'b1;
  assign Z0 = 1'b0;
endmodule
module INV_X1(A, Y);
  input A;
  output Y;
  assign Y = !A;
endmodule
module BUF_X1(A, Y);
  input A;
  output Y;
  assign Y = A;
endmodule
module DFF_X1(D, CK, Q);
  input D, CK;
  output reg Q;
  initial Q = 0;
  always @(posedge CK) Q <= D;
endmodule
"""
TOY_BENCH = """\
module bench;
  reg clk = 0;
  wire ready, q;
  amper dut(.clk(clk), .rst(1'b1), .request_valid(1'b1), .request_ready(ready), .q(q));
  always #5 clk = !clk;
  initial #{time} $finish;
endmodule
"""


@pytest.fixture(scope="module")
def toy(tmp_path_factory, library_path):
    """The activity of the toy, as Icarus counts it."""
    folder = tmp_path_factory.mktemp("toy")
    text = counting(TOY_MODELS + TOY, load_library([library_path]), folder / "activity.txt").replace(
        "amper.", "bench.dut."
    )
    (folder / "toy.v").write_text(text + TOY_BENCH.format(time=10 * (2 * EVERY + 4)))
    subprocess.run(["iverilog", "-g2005", "-s", "bench", "-o", "toy", "toy.v"], cwd=folder, check=True)
    subprocess.run(["vvp", "-n", "toy"], cwd=folder, check=True, capture_output=True)
    counts = folder / "activity.txt"
    counts.write_text(counts.read_text().replace("bench.dut.netlist", "amper.netlist"))
    (folder / "netlist.v").write_text(TOY.split("module amper(")[0].replace("amper_netlist", "amper"))
    (folder / "mini.lib").write_text(mini_liberty())
    return folder, read_activity(counts)


def test_what_is_counted(toy):
    """The clock changes twice a cycle, a register that turns over every cycle once, a constant never."""
    _, activity = toy
    assert activity.cycles == EVERY
    rates = {pin: rate for pin, (rate, _) in activity.pins.items()}
    assert rates["state.bit[0]_reg.CK"] == pytest.approx(2, abs=2 / EVERY)
    assert rates["state.bit[0]_reg.Q"] == rates["turn.A"] == pytest.approx(1, abs=1 / EVERY)
    assert activity.pins["always_ready.Y"] == (0, 1)
    assert activity.pins["turn.Y"][1] == pytest.approx(0.5, abs=2 / EVERY)


def test_power_follows_the_activity(toy, library_path):
    """Twice the activity is twice the switching power; leakage stays. Without OpenSTA, the error says so.

    Cells that give constants are left out: OpenSTA 2.0 crashes on some of ASAP7's.
    """
    folder, activity = toy
    library = load_library([library_path])

    def power(factor):
        scaled = {pin: (factor * rate, duty) for pin, (rate, duty) in activity.pins.items()}
        counted = Activity(activity.cycles, activity.batches, scaled)
        return estimate_power(folder, library, ["mini.lib"], counted, period=1e-9, wire_load="")

    if not sta.sta_available():
        with pytest.raises(SynthesisError, match=r"^OpenSTA is not installed: no `sta` on the PATH\."):
            power(1)
        return
    once, half = power(1), power(0.5)
    assert once.switching_mw == pytest.approx(2 * half.switching_mw, rel=1e-4)
    assert once.switching_mw > 0
    assert once.leakage_mw == half.leakage_mw > 0
    assert once.total_mw == pytest.approx(once.internal_mw + once.switching_mw + once.leakage_mw)
    assert sum(once.by_component_mw.values()) == pytest.approx(once.total_mw)
    assert "high.Z1" in activity.pins
    listed = (folder / "power_cells.txt").read_text()
    assert "turn" in listed
    assert "high" not in listed


def test_too_short_a_trace_is_refused(tmp_path):
    (tmp_path / "activity.txt").write_text("COUNTS 128 1 1280\n")
    with pytest.raises(
        ValueError, match=rf"^the trace must last {2 * EVERY} cycles from its first request on, and does not$"
    ):
        read_activity(tmp_path / "activity.txt")


def test_the_trace_folded_into_few_rows():
    """Every row holds something before the first draw; no row is out of range; as many draws as asked for."""
    operations = trace_operations(SMALL, DEFAULT_TRACE, 3)
    samples = [operation for operation in operations if isinstance(operation, Sample)]
    writes = [write for operation in operations if isinstance(operation, Beat) for write in operation.writes]
    assert [sample.batch for sample in samples] == [2, 2, 2]
    assert {write.row for write in writes} == set(range(8))
    first = operations.index(samples[0])
    assert len({write.row for operation in operations[:first] for write in operation.writes}) == 8


OPTIONS = [
    "--rows",
    "8",
    "--variant",
    "fr-dithered",
    "--bank-rows",
    "4",
    "--fan-out",
    "2",
    "--groups",
    "2",
    "--batch",
    "2",
    "--priority-width",
    "4",
]


def test_the_command_prints_and_keeps_its_files(result, library_path, folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(asic, "synthesise_asic", lambda *_, **__: result)
    arguments = ["synth", "--target", "asic", "--liberty", str(library_path), *OPTIONS, "-o", str(tmp_path)]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert f"area               {result.area.total_um2:,.0f} um2" in printed
    assert f"row                {result.area.row_um2:.1f} um2" in printed
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((tmp_path / "asic.json").read_text())


def test_the_tables_of_the_page(result):
    """A column of what each run costs; a component that one run does not have is left empty."""
    larger = result.to_dict() | {"config": result.config | {"rows": 16}}
    larger["area"] = larger["area"] | {"by_component": {"amper": 10.0}, "total_um2": 40.0}
    lines = tables([result.to_dict(), larger]).splitlines()
    assert lines[0].startswith("| library and corner | configuration | area um2 | GE |")
    small = lines[2].split(" | ")[1]
    assert small.startswith("fr-dithered, n = 8, priority_width = ")
    name = f"mini, {result.library['voltage']:g} V"
    assert lines[2].startswith(
        f"| {name} | {small} | {result.area.total_um2:,.0f} | {result.area.gate_equivalents:,.0f} |"
    )
    assert lines[3].startswith(f"| {name} | {small.replace('n = 8', 'n = 16')} | 40 |")
    share = 100 * result.area.by_component["amper"] / result.area.total_um2
    assert f"| `amper` | {share:.1f} | 25.0 |" in lines
    assert any(line.startswith("| `amper_bank_4` | ") and line.endswith(" |  |") for line in lines)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "target asic needs --liberty FILE, the library to map to"),
        (["--liberty", "no/such.lib"], "[Errno 2] No such file or directory: 'no/such.lib'"),
        (["--liberty", "LIBRARY", "--period", "0"], "period must be above 0 ns, not 0.0"),
        (["--liberty", "LIBRARY", "--wire-load", "big"], "wire load must be a model of the library (small), not 'big'"),
    ],
)
def test_bad_input(options, message, library_path, tmp_path, capsys):
    given = [str(library_path) if option == "LIBRARY" else option for option in options]
    assert main(["synth", "--target", "asic", *given, *OPTIONS, "-o", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"amper synth: error: {message}"


def test_a_damaged_library_changes_nothing(tmp_path, capsys):
    damaged = tmp_path / "damaged.lib"
    damaged.write_text(mini_liberty()[:3000])
    assert main(["synth", "--target", "asic", "--liberty", str(damaged), *OPTIONS, "-o", str(tmp_path / "out")]) == 2
    assert f"amper synth: error: {damaged}: the file ends inside " in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
