"""A memory of an FPGA's LUT RAM as a bank of transposed rows uses it.

Latency: 0 from an address to its word. Page: docs/hardware/exact.md.
"""

from __future__ import annotations

from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base.modules import SharedModule
from amper_hw.planes.lut_ram.skew import COLUMNS

_MODULE = """\
// LUT RAM whose words are changed in one column: read, changed and, where `store` is 1, stored in one cycle.
module {name} (
    input wire clk,
    input wire [{address_top}:0] address,
    input wire store,
    input wire [{top}:0] columns,
    input wire value,
    output wire [{top}:0] word
);
  reg [{top}:0] words [0:{last}];
  assign word = words[address];
  always @(posedge clk) if (store) words[address] <= columns & {{{columns}{{value}}}} | ~columns & word;
endmodule
"""


def plane_memory(*, address_width: int) -> SharedModule:
    """The module of a memory of 2^``address_width`` words.

    Members
    -------
    address : In. word : Out, the word there, in the same cycle. store, columns, value : In, the columns of the word
        where ``columns`` is 1 become ``value`` at the rising edge; nothing resets it.
    """
    name = f"amper_plane_memory_{1 << address_width}"
    ports = {"address": In(address_width), "store": In(1), "columns": In(COLUMNS), "value": In(1), "word": Out(COLUMNS)}
    text = _MODULE.format(
        name=name, address_top=address_width - 1, top=COLUMNS - 1, last=(1 << address_width) - 1, columns=COLUMNS
    )
    return SharedModule(name, wiring.Signature(ports), lambda: text, reset=False)
