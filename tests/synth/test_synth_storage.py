"""Rows in latches, through the flows: mapped, simulated, counted; refused where they make no sense."""

import json
import re
from dataclasses import replace

import pytest
from oracles.mini_liberty import mini_liberty

from amper import AmperConfig
from amper_cli.main import main
from amper_synth.asic import flow as asic
from amper_synth.asic.row_cost import PARTS, row_cost, tables
from amper_synth.asic.simulation import _late
from amper_synth.fpga import flow as fpga
from amper_synth.generic import synthesise
from amper_synth.liberty.cells import load_library
from amper_synth.liberty.reader import LibertyError

CONFIG = AmperConfig(
    rows=8, variant="fr-dithered", bank_rows=4, fan_out=2, groups=2, batch=2, priority_width=4, storage="latches"
)
MASTERS = 2 + 2 + 1 + 5  # of a bank of 4 rows: lines, that of a clear, and what a row stores


@pytest.fixture(scope="module")
def library_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("library") / "mini.lib"
    path.write_text(mini_liberty())
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("latches")


@pytest.fixture(scope="module")
def result(library_path, folder):
    done = asic.synthesise_asic(CONFIG, [library_path], folder=folder)
    (folder / "asic.json").write_text(json.dumps(done.to_dict()))
    return done


def bank(folder):
    return re.findall(r"(?ms)^module amper_bank_4\(.*?^endmodule$", (folder / "netlist.v").read_text())[0]


def test_every_row_is_made_of_latches(result, folder):
    assert bank(folder).count("  LATCH_X1 ") == 4 * (4 + 1) + MASTERS
    assert not re.search(r"DFF_X1 \\\S*(priorities|stored|present)", bank(folder))


def test_the_netlist_draws_what_the_golden_model_draws(result, library_path, folder):
    done = asic.simulated(result, [library_path], folder=folder, batches=6)
    assert done.simulation["passed"]
    assert done.simulation["compared"] > 0


@pytest.mark.long  # a second synthesis
def test_latches_in_a_shallow_pipeline(library_path, tmp_path):
    """A write goes straight to the latches there: their data must not depend on the clock, which then starts a path."""
    done = asic.synthesise_asic(replace(CONFIG, pipeline="shallow"), [library_path], folder=tmp_path)
    assert not [path for path in done.timing.paths if path.source == "clk"]
    assert asic.simulated(done, [library_path], folder=tmp_path, batches=6).simulation["passed"]


def test_rows_that_are_open_too_long_are_noticed(result, library_path, folder, tmp_path):
    """Latches of codes that are always open: they follow the data."""
    open_rows, count = re.subn(
        r"\.G\([^)]+\)(?=,\n    \.Q\(\\match_lines_0\.priorities\[)",
        ".G(1'h1)",
        (folder / "netlist.v").read_text(),
    )
    assert count == 4 * 4
    for path in folder.glob("library_*.lib"):
        (tmp_path / path.name).write_text(path.read_text())
    (tmp_path / "netlist.v").write_text(open_rows)
    done = asic.simulated(result, [library_path], folder=tmp_path, batches=6)
    assert not done.simulation["passed"]


def test_a_model_of_a_latch_waits_for_the_registers():
    text = "  always @*\n    if (_1_) IQ = 1'h0;\n    else if (_2_) IQ = D;\n  assign Q = IQ;\n"
    assert _late(text) == text.replace("IQ = ", "IQ <= ")


def test_the_parts_make_the_row(result, library_path, folder):
    library = load_library([library_path])
    cost = row_cost((folder / "netlist.v").read_text(), library, 8)
    assert sum(cost.values()) == pytest.approx(result.area.row_gate_equivalents)
    assert cost["codes"] > 4 * 2.7 / 0.8  # its latches and the gate that opens them
    assert cost["valid bits"] > 2.7 / 0.8
    assert min(cost[part] for part in PARTS if part not in ("others", "rows of a plane")) > 0
    cells = re.findall(r"(?m)^  (?:DFF|LATCH)_X1 \\?(\S+) +\(", bank(folder))
    named = [name for name in cells if not re.match(r"t\d+_reg|_\d+_", name)]  # synthesis takes the names of a few away
    assert len(named) > 4 * 4
    parts = [pattern for part, pattern in PARTS.items() if part != "others"]
    assert not [name for name in named if not any(re.match(pattern, name) for pattern in parts)]
    lines = tables([folder, folder]).splitlines()
    assert lines[0] == "| GE a row | mini, latches | mini, latches |"
    assert lines[2] == f"| codes | {cost['codes']:.1f} | {cost['codes']:.1f} |"
    row = result.area
    assert lines[-2].startswith(f"| **the row** | {row.row_gate_equivalents:.1f} |")
    assert lines[-1].startswith(f"| um2 | {row.row_um2:.2f} |")


def test_banks_below_several_nodes_are_all_counted(library_path):
    """Two nodes of three banks."""
    library = load_library([library_path])
    cell = next(name for name, each in library.cells.items() if each.kind == "flip-flop")
    bank = f"module amper_bank_2(clk);\n  {cell} \\csp[0]  (\n    .CK(clk)\n  );\nendmodule\n"
    node = (
        "module amper_node_1_6(clk);\n"
        + "".join(f"  amper_bank_2 child_{n} (\n  );\n" for n in range(3))
        + "endmodule\n"
    )
    top = "module amper(clk);\n  amper_node_1_6 low (\n  );\n  amper_node_1_6 high (\n  );\nendmodule\n"
    one = row_cost(bank, library, 2)["CSP bitmap, match lines"]
    assert row_cost(bank + node + top, library, 2)["CSP bitmap, match lines"] == pytest.approx(6 * one)
    assert one > 0


def test_parts_of_what_is_no_sampler(library_path):
    with pytest.raises(ValueError, match=r"\Anetlist must have a module amper_bank_N, and has none\Z"):
        row_cost("module amper();\nendmodule\n", load_library([library_path]), 8)


def test_a_library_without_latches(tmp_path):
    path = tmp_path / "mini.lib"
    path.write_text(mini_liberty())
    message = f"{path}: the library must have a latch, and has none"
    with pytest.raises(LibertyError, match=rf"\A{re.escape(message)}\Z"):
        asic.synthesise_asic(CONFIG, [path], folder=tmp_path / "out", dont_use=["LATCH_*"])
    assert not (tmp_path / "out").exists()


def test_generic_synthesis_counts_latches(tmp_path):
    latches = synthesise(CONFIG)
    flip_flops = synthesise(replace(CONFIG, storage="flip-flops"))
    assert latches.registers == flip_flops.registers + 2 * MASTERS


def test_no_latches_in_an_fpga(tmp_path, capsys):
    message = "storage must be flip-flops in an FPGA, not 'latches'"
    with pytest.raises(ValueError, match=rf"\A{message}\Z"):
        fpga.synthesise(CONFIG, "ecp5", folder=tmp_path / "out")
    assert main(["synth", "--target", "ecp5", "--rows", "8", "--storage", "latches", "-o", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"amper synth: error: {message}"
    assert not (tmp_path / "out").exists()
