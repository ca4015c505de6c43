"""A wrapper with few pins around a generated sampler, so that it fits any package and every path is measured.

The native interface of 1024 rows has some 300 ports. All of them end at registers here: the inputs come from a shift
register behind one pin, the outputs go through a register that folds them into one pin, so no logic of the sampler is
idle and none is optimised away. Reset is registered, too.
"""

from __future__ import annotations

from typing import Any

WRAPPER = "amper_boundary"


def boundary(ports: dict[str, dict[str, Any]], top: str) -> str:
    """Verilog of the module ``amper_boundary`` around the module ``top``, its instance being called ``dut``.

    Parameters
    ----------
    ports : direction and width by name, as ``amper.json`` lists them; ``clk`` and ``rst`` are among them.
    """
    inputs = {name: port["width"] for name, port in ports.items() if port["direction"] == "input"}
    outputs = {name: port["width"] for name, port in ports.items() if port["direction"] == "output"}
    driven = {name: width for name, width in inputs.items() if name not in ("clk", "rst")}
    width_in, width_out = sum(driven.values()), sum(outputs.values())
    connections = [".clk(clk)", ".rst(reset)", *_slices(driven, "shifted"), *_slices(outputs, "results")]
    return f"""\
// A wrapper for measuring: every port of {top} ends at a register, and a package has pins enough.
module {WRAPPER}(input clk, input rst, input serial_in, output serial_out);
  reg reset;
  reg [{width_in - 1}:0] shifted;
  reg [{width_out - 1}:0] folded;
  wire [{width_out - 1}:0] results;
  assign serial_out = folded[{width_out - 1}];
  always @(posedge clk) begin
    reset <= rst;
    shifted <= {{shifted, serial_in}};
    folded <= {{folded, folded[{width_out - 1}]}} ^ results;
  end
  {top} dut (
    {f",{chr(10)}    ".join(connections)}
  );
endmodule
"""


def _slices(widths: dict[str, int], vector: str) -> list[str]:
    """A connection a port, to its bits of ``vector``."""
    connections, low = [], 0
    for name, width in widths.items():
        connections.append(f".{name}({vector}[{low + width - 1}:{low}])")
        low += width
    return connections
