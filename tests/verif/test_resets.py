"""Registers without reset: that they are found, and that each has an argument."""

import pytest

from amper import VARIANTS, AmperConfig
from amper_hw.output.generate import generate
from amper_verif.resets.listing import Argument, Register, argued, committed_arguments, unreset

TINY = {"rows": 12, "bank_rows": 4, "priority_width": 6, "groups": 3, "batch": 6}
TOY = """\
module toy (
    input  wire clk,
    input  wire rst,
    output reg  [1:0] y
);
  reg [3:0] kept [0:3];
  reg never;
  reg [1:0] half;
  wire more = y <= 2'd1;
  always @(posedge clk)
    if (more) kept[y] <= 4'd3;
  always @(posedge clk) begin
    if (rst) y <= 2'd0;
    else y <= {y[0], never};
  end
  always @(posedge clk) begin
    never <= more;
    if (kept[y[1:0]][0] | half[0]) half[1:0] <= y;
    kept[y[1:0]] <= 4'd0;
  end
endmodule
"""


def test_what_a_reset_leaves():
    assert unreset(TOY) == [Register("toy", name) for name in ("kept", "never", "half")]


@pytest.mark.parametrize(
    "more",
    [
        *(
            pytest.param(each, marks=pytest.mark.long) for each in ({}, {"bus": "axi"})
        ),  # `amper signoff --quick` has them
        {"variants": VARIANTS, "draw_ports": 2, "write_ports": 2, "search_ports": 2},
        {"organisation": "tree", "banks": 2},
        {"draws": "stratified", "protection": "parity"},
        {"organisation": "tree", "protection": "secded"},
        {"bus": "axi4", "primitives": "blocks"},
        {"bus": "wishbone", "pipeline": "shallow"},
    ],
    ids=str,
)
def test_each_is_argued(more):
    registers = unreset(generate(AmperConfig(**TINY | more)).verilog)
    assert len(registers) > 20
    assert argued(registers, committed_arguments()).get("", []) == []


def test_one_without_an_argument():
    known = Argument("toy", "kept", "a memory")
    found = argued(unreset(TOY), [known])
    assert found == {"a memory": [Register("toy", "kept")], "": [Register("toy", "never"), Register("toy", "half")]}
    with pytest.raises(ValueError, match="reason of an argument must not be empty"):
        Argument("toy", "kept", " ")
