"""Reading modules of the generated Verilog: against what its generator says of the same ports and parts."""

import re

import pytest

from amper import AmperConfig
from amper_hw.output.generate import generate
from amper_verif.harness.modules import Port, modules_of

SMALL = AmperConfig(rows=8, bank_rows=4, fan_out=2, batch=2, priority_width=4)


@pytest.mark.parametrize("bus", ["native", "axi", "wishbone"])
def test_ports_are_those_of_the_description(bus):
    generated = generate(SMALL.changed(bus=bus))
    ports = modules_of(generated.verilog)[SMALL.name].ports
    said = {port.name: {"direction": port.direction, "width": port.width} for port in ports}
    assert said == generated.description["ports"]


def test_every_module_is_part_of_another_but_the_top():
    verilog = generate(SMALL).verilog
    modules = modules_of(verilog)
    assert list(modules) == re.findall(r"(?m)^module (\w+)", verilog)
    assert modules["amper_node_1_8"].parts == {"child_0": "amper_bank_4", "child_1": "amper_bank_4"}
    assert {part for module in modules.values() for part in module.parts.values()} == {*modules} - {SMALL.name}
    for module in modules.values():
        assert module.text.count("endmodule") == 1
        assert module.text.endswith("endmodule")


def test_a_module_around_it():
    module = modules_of("module one (\n  input  wire clk,\n  // input wire no\n  output reg [7:0] z\n);\nendmodule\n")[
        "one"
    ]
    assert module.ports == [Port("input", "", "clk"), Port("output", "[7:0]", "z")]
    assert [port.width for port in module.ports] == [1, 8]
    assert module.declared == "input wire  clk, output wire [7:0] z"
    assert module.connected == ".clk(clk), .z(z)"
