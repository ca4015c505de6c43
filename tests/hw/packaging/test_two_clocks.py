"""The sampler at a clock of its own: the golden draws whatever the clocks, and the order of a crossing proven."""

from __future__ import annotations

import re

import pytest

from amper_cli.main import main
from amper_hw.output.generate import generate
from amper_hw.packaging.two_clocks import two_clocks
from amper_spec.config import AmperConfig
from amper_verif.harness import components
from amper_verif.harness.lint import lint
from amper_verif.harness.yosys import run_script

SMALL = AmperConfig(rows=20, bank_rows=8, priority_width=8, batch=9, seed=3)
LANES = AmperConfig(rows=9, bank_rows=4, draws="stratified", draw_ports=4, write_ports=2, batch=7, seed=3)


@pytest.mark.parametrize(("config", "core_period", "seed"), [(SMALL, 3, 2), (SMALL, 27, 3), (LANES, 10, 9)])
def test_draws_are_the_golden_ones_whatever_the_clocks(simulate, config, core_period, seed):
    report = simulate(components.sampler_at_two_clocks(config, core_period=core_period), seed=seed)
    assert report["mismatches"] == 0, report["first_mismatch"]
    assert report["statuses"]["OK"] > 10
    assert report["resets"] > 0


@pytest.mark.parametrize("config", [SMALL, LANES], ids=["small", "lanes"])
def test_no_linter_complains(tmp_path, config):
    config = config.changed(name="mine")
    generated = generate(config)
    whole = tmp_path / "whole.v"
    whole.write_text(generated.verilog + two_clocks(generated)["mine_two_clocks.v"])
    assert [result.output for result in lint(whole, "mine_two_clocks") if not result.passed] == []


def test_the_command_writes_it(tmp_path, capsys):
    assert main(["generate", "--rows", "20", "--clocks", "2", "-o", str(tmp_path)]) == 0
    assert "set_max_delay 5.000 -from [get_clocks clk]" in (tmp_path / "amper_two_clocks.sdc").read_text()
    assert main(["generate", "--rows", "20", "--clocks", "2", "--bus", "axi", "-o", str(tmp_path)]) == 2
    assert "clocks must be 1 with bus axi" in capsys.readouterr().err


#: What is always true of a crossing; ``tick`` inputs say which clock has an edge. Counts of places go to 16 and around.
INVARIANTS = """
  reg [3:0] written_1, written_2, taken_1, taken_2;  // what the registers behind a Gray code stand for
  always @(posedge clk) if (from_tick) begin
    taken_1 <= taken; taken_2 <= taken_1;
    if (from_rst) {taken_1, taken_2} <= 0;
  end
  always @(posedge clk) if (to_tick) begin
    written_1 <= written; written_2 <= written_1;
    if (to_rst) {written_1, written_2} <= 0;
  end
  reg [WIDTH-1:0] put;  // into the place that is watched, latest
  reg was_put;
  always @(posedge clk) if (from_tick) begin
    if (from_valid & from_ready & written[2:0] == watched) begin put <= from_payload; was_put <= 1; end
    if (from_rst) was_put <= 0;
  end
  reg [2:0] watched_before;
  reg started;
  always @(posedge clk) begin watched_before <= watched; started <= 1; if (from_rst) started <= 0; end
  wire [2:0] ahead = watched - taken[2:0];
  wire [3:0] inside = written - taken;
  wire [3:0] a = taken_1 - taken_2, b = taken - taken_2;
  wire [3:0] c = written_2 - taken_2, d = written_1 - taken_2, e = written - taken_2;
  always @* begin
    assume (from_rst == to_rst);
    assume (!from_rst || (from_tick && to_tick));
    assume (!started || watched == watched_before);
    if (!from_rst) begin
      assert (written_gray == (written ^ written[3:1]) && taken_gray == (taken ^ taken[3:1]));
      assert (taken_on_its_way == (taken_1 ^ taken_1[3:1]) && taken_seen == (taken_2 ^ taken_2[3:1]));
      assert (written_on_its_way == (written_1 ^ written_1[3:1]) && written_seen == (written_2 ^ written_2[3:1]));
      assert (a <= b && b <= c && c <= d && d <= e && e <= 8);
      assert (ahead >= inside || (was_put && places[watched] == put));
      assert (!to_valid || (inside != 0 && (taken[2:0] != watched || to_payload == put)));
    end
  end
"""
PROOF = """\
read_verilog -formal -sv crossing.v
chparam -set WIDTH 3 amper_crossing
hierarchy -top amper_crossing
proc
memory
opt -full
chformal -lower
opt_clean
sat -tempinduct -prove-asserts -set-assumes -set-at 1 from_rst 1 -maxsteps 4 amper_crossing
"""


def proven(folder, change=lambda text: text):
    """Whether what is taken is what was put in, in its order, for all inputs and all edges of both clocks."""
    text = two_clocks(generate(SMALL))["amper_two_clocks.v"]
    crossing = change(re.search(r"module amper_crossing.*?endmodule", text, re.DOTALL)[0])
    for side in ("from", "to"):
        crossing = crossing.replace(f"@(posedge {side}_clk)", f"@(posedge clk) if ({side}_tick)")
        crossing = re.sub(rf"input +wire +{side}_clk", f"input wire {side}_tick", crossing)
    crossing = crossing.replace(") (\n", ") (\n    input wire clk, input wire [2:0] watched,\n", 1)
    (folder / "crossing.v").write_text(crossing.replace("endmodule", INVARIANTS + "endmodule"))
    run_script(folder, "prove", PROOF)
    return "SUCCESS" in (folder / "prove.log").read_text()


def test_the_order_of_a_crossing_is_proven(tmp_path):
    assert proven(tmp_path)


@pytest.mark.parametrize(
    ("what", "by"),
    [
        ("4'b1100", "4'b0100"),  # full too late
        ("written_next ^ {1'b0, written_next[3:1]}", "written_next"),  # no Gray code
        ("taken_gray != written_seen", "taken_gray != written_gray"),  # not through the registers
    ],
)
def test_a_crossing_that_is_wrong_is_not(tmp_path, what, by):
    def broken(text):
        assert text.count(what) == 1
        return text.replace(what, by)

    assert not proven(tmp_path, broken)
