"""Mutants: how they are made, that a campaign tells those that verification notices from others, and goes on."""

import json
from dataclasses import replace

import pytest

from amper import VARIANTS, AmperConfig
from amper_cli.main import main
from amper_hw.output.generate import generate
from amper_verif.mutants import campaign as campaigns
from amper_verif.mutants.arguments import argued
from amper_verif.mutants.bus_campaign import bus_campaign, renamed
from amper_verif.mutants.campaign import Outcome, campaign
from amper_verif.mutants.enumeration import Enumeration
from amper_verif.mutants.equivalence import equivalent_mutants, is_equivalent
from amper_verif.mutants.netlist import Mutant, make, netlist
from amper_verif.mutants.replay import Seen
from amper_verif.mutants.report import report, score
from amper_verif.mutants.units import UnitBenches, by_benches

TINY = AmperConfig(rows=4, bank_rows=4, priority_width=4, groups=2, batch=3)
TOY = """\
module toy (input wire clk, input wire a, input wire b, output reg y);
  wire either = a | b;
  always @(posedge clk) y <= a & either;
endmodule
"""


def test_mutants_of_a_toy(tmp_path):
    """y is a: the OR may as well be 1, which is seen only where both cells are."""
    mutants = make(TOY, "toy", 60, 1, tmp_path)
    assert [mutant.number for mutant in mutants] == list(range(1, len(mutants) + 1))
    assert {mutant.module for mutant in mutants} == {"toy"}
    assert {"inv", "const0", "const1"} <= {mutant.mode for mutant in mutants}
    assert "mutation ==" in netlist(mutants, "toy", tmp_path)
    assert {mutant.register for mutant in mutants if "$procdff$" in mutant.name} == {"y"}
    one = next(m for m in mutants if m.mode == "const1" and "$or$" in m.name and m.port == "Y")
    none = next(m for m in mutants if m.mode == "const0" and "$or$" in m.name and m.port == "Y")
    assert one.source == "wire either = a | b;"
    for whole in (False, True):
        assert is_equivalent(one, "toy", tmp_path, whole=whole)
        assert not is_equivalent(none, "toy", tmp_path, whole=whole)


def test_the_enable_of_an_asynchronous_read_stays(tmp_path):
    """Yosys chooses it at times, and then cannot write the netlist."""
    toy = """\
module toy (input wire clk, input wire [1:0] at, input wire data, output wire read);
  reg kept [0:3];
  always @(posedge clk) kept[at] <= data;
  assign read = kept[at];
endmodule
"""
    mutants = make(toy, "toy", 60, 1, tmp_path)
    assert [mutant.number for mutant in mutants] == list(range(1, len(mutants) + 1))
    assert len(mutants) < len((tmp_path / "mutants.txt").read_text().splitlines())
    assert "mutation ==" in netlist(mutants, "toy", tmp_path)


@pytest.mark.parametrize(("error", "hidden"), [(0, True), (1, True), (4, True), (1 << 11, False), (-1, False)])
def test_errors_that_no_representative_shows(tmp_path, monkeypatch, error, hidden):
    """Of m = 3 and Q = 4, numerator times 1/m lies so far before each border that a small error does not matter."""
    config = AmperConfig(rows=4, priority_width=4, groups=3, batch=2, variant="fr")
    make(generate(config).verilog, config.name, 1, 1, tmp_path)
    wrong = Enumeration(config, tmp_path)
    monkeypatch.setattr(Enumeration, "_products", lambda self, mutant, pairs: pairs[:, 0] * pairs[:, 1] + error)
    cell = "mutate -mode inv -module amper_multiplier_14x13_in_2 -cell $xor$original.v:1$2 -port A -portbit 0"
    mutant = Mutant(1, "inv", "amper_multiplier_14x13_in_2", "A", cell, "")
    assert wrong.hides(mutant) == hidden
    # What waits in a register is not tried, nor what other multipliers do.
    assert not wrong.hides(replace(mutant, command=cell.replace("$xor$", "$procdff$")))
    assert not wrong.hides(replace(mutant, module="amper_multiplier_24x4_in_2"))


@pytest.mark.long
def test_multipliers_with_all_their_operands(tmp_path):
    """One bit is always 0, of one the loss is seen."""
    config = AmperConfig(rows=4, priority_width=4, groups=3, batch=2, variant="fr")
    mutants = make(generate(config).verilog, config.name, 60, 1, tmp_path, ["amper_multiplier_14x13_in_2"])
    netlist(mutants, config.name, tmp_path)
    enumeration = Enumeration(config, tmp_path)
    assert {enumeration.hides(mutant) for mutant in mutants} == {True, False}


def test_proofs_are_kept(tmp_path, monkeypatch):
    mutants = make(TOY, "toy", 1, 1, tmp_path)
    first = equivalent_mutants(mutants, "toy", tmp_path, say=lambda _: None)
    monkeypatch.setattr("amper_verif.mutants.equivalence.is_equivalent", None)
    assert equivalent_mutants(mutants, "toy", tmp_path, say=lambda _: None) == first


def test_arguments():
    """For a line of the Verilog and the configurations of which they are true; nothing is then run."""
    change = "x -mode const1 -cell $procmux$7 -port B -portbit 3"
    mutant = Mutant(1, "const1", "amper_write_unit", "B", change, "if (rst) begin")
    exact, all_of_them = AmperConfig(rows=4, variant="exact"), AmperConfig(rows=4, variants=("exact", "fr"))
    assert argued(mutant, exact).startswith("of row and priority of a write")
    assert not argued(mutant, all_of_them)
    assert not argued(mutant, replace(exact, write_ports=2))
    assert not argued(replace(mutant, source="if (clear) begin"), exact)
    assert not argued(replace(mutant, command=change.replace("-port B", "-port Y")), exact)
    reset = replace(mutant, module="amper_register_block", register="port_answer_data")
    assert "behind a reset" in argued(reset, exact)
    assert not argued(replace(reset, register="other"), exact)


def test_the_register_that_a_multiplexer_leads_to(tmp_path):
    toy = """\
module toy (input wire clk, input wire rst, input wire a, input wire [3:0] b, output reg [3:0] y);
  always @(posedge clk) begin
    if (rst) y <= 4'd0;
    else if (a) y[3:2] <= b[3:2];
  end
endmodule
"""
    found = {mutant.register for mutant in make(toy, "toy", 60, 1, tmp_path) if "$procmux$" in mutant.name}
    assert found >= {"y[3:2]"}


def test_a_campaign(tmp_path, monkeypatch):
    """Each mutant under the bench, too, which is right about all: the replay must have been where it was sure."""
    asked = {"count": 8, "workload": {"kind": "random", "batches": 6}, "seed": 1, "folder": tmp_path}
    outcomes = campaign(TINY, **asked, say=lambda _: None)
    assert len(outcomes) == 8
    assert sum(bool(outcome.noticed) for outcome in outcomes) > 2
    monkeypatch.setattr(campaigns, "replay", lambda numbers, folder: ((number, Seen.TIMING) for number in numbers))
    (tmp_path / "results.jsonl").unlink()
    by_bench = campaign(TINY, **asked, say=lambda _: None)
    assert [bool(one.noticed) for one in by_bench] == [bool(one.noticed) for one in outcomes]
    assert all(": expected " in one.noticed or "AssertionError" in one.noticed for one in by_bench if one.noticed)

    # A line that is there is not made again; half a line is.
    lines = (tmp_path / "results.jsonl").read_text().splitlines()
    (tmp_path / "results.jsonl").write_text("\n".join([*lines, '{"number": 3, "sa']))
    monkeypatch.setattr(campaigns, "_ask_bench", None)
    assert campaign(TINY, **asked, say=lambda _: None) == by_bench


def outcome(number, module, noticed):
    return Outcome(Mutant(number, "inv", module, "A", f"x -mode inv -module {module}", "a | b"), noticed)


def test_score_and_report():
    outcomes = [outcome(1, "m", "seen"), outcome(2, "m", ""), outcome(3, "other", ""), outcome(4, "m", "seen")]
    assert score(outcomes, {}) == 0.5
    assert score(outcomes, {3: "SAT, its module"}) == 2 / 3
    lines = report(outcomes, {3: "SAT, its module"}).splitlines()
    assert "| m | 3 | 2 | 0 | 1 | 66.7 |" in lines
    assert "| other | 1 | 0 | 1 | 0 | - |" in lines
    assert "| all | 4 | 2 | 1 | 1 | 66.7 |" in lines
    assert lines[-1] == "| 3 | `inv -module other` | `a \\| b` | SAT, its module |  |"


def test_no_mutants_at_all(capsys):
    assert main(["mutate", "--rows", "4", "--mutants", "0"]) == 2
    assert capsys.readouterr().err == "amper mutate: error: mutants must be at least 1, not 0\n"


def test_the_command(tmp_path, capsys, monkeypatch):
    found = [outcome(1, "m", "seen"), outcome(2, "m", "")]
    monkeypatch.setattr(campaigns, "campaign", lambda *_, **__: found)
    arguments = ["mutate", "--rows", "4", "--no-proofs", "-o", str(tmp_path)]
    assert main([*arguments, "--least", "0.6"]) == 1
    assert "| all | 2 | 1 | 0 | 1 | 50.0 |" in capsys.readouterr().out
    assert main([*arguments, "--least", "0.5", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["score"] == 0.5
    assert [mutant["noticed"] for mutant in said["mutants"]] == ["seen", ""]


def test_a_top_with_many_ports():
    """Yosys breaks the line of its ports."""
    text = "module top(clk, one\n, other, mutation);\nendmodule\nmodule top_part(clk);\nendmodule\n"
    assert renamed(text, "top") == text.replace("module top(", "module top_mutants(")


@pytest.mark.long
def test_the_bench_of_the_component(tmp_path):
    """It runs on the netlist in the component's place, and notices some mutants, and none where there is none."""
    mutants = make(generate(TINY).verilog, "amper", 4, 1, tmp_path, ["amper_place"])
    (tmp_path / "netlist.v").write_text(netlist(mutants, "amper", tmp_path))
    found = by_benches([*mutants, replace(mutants[0], number=5)], TINY, tmp_path)
    assert set(found.values()) == {"planes.place"}
    assert 5 not in found


@pytest.mark.long
def test_benches_that_fit_the_components_of_all_variants(tmp_path):
    """A bench that does not fit notices nothing: each of these lets the sampler's own component pass."""
    config = replace(TINY, variants=VARIANTS, variant="exact")
    mutants = make(generate(config).verilog, "amper", 4, 1, tmp_path)
    (tmp_path / "netlist.v").write_text(netlist(mutants, "amper", tmp_path))
    parts = ("write_unit", "controller", "query_generator", "representative", "query_urng", "nearest", "vmax_unit")
    benches = UnitBenches(config, tmp_path)
    assert [part for part in parts if not benches.fits(f"amper_{part}")] == []


@pytest.mark.long
def test_a_campaign_of_a_bus(tmp_path):
    """Of the modules that the bus adds; what is known is not run again."""
    config = replace(TINY, bus="wishbone")
    asked = {"count": 6, "workload": {"kind": "random", "batches": 3}, "seed": 1, "folder": tmp_path}
    outcomes = bus_campaign(config, **asked, say=lambda _: None)
    assert len(outcomes) == 6
    assert any(outcome.noticed for outcome in outcomes)
    assert not {"amper_sampler", "amper_draw_unit"} & {outcome.mutant.module for outcome in outcomes}
    lines = (tmp_path / "results.jsonl").read_text().splitlines()
    assert bus_campaign(config, **asked, say=lambda _: None) == outcomes
    again = (tmp_path / "results.jsonl").read_text().splitlines()
    assert again == lines
