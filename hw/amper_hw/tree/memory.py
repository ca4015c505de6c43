"""A memory as every technology has one: written by one port, read by another, with a register at its output.

Latency: ``READ_CYCLES`` from an address to its data. Page: docs/hardware/tree.md.
"""

from __future__ import annotations

from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base.bits import index_width
from amper_hw.base.modules import SharedModule

READ_CYCLES = 2
BLOCK_BITS = 1 << 14  # of a block RAM of the usual FPGAs, without those beside whole bytes
BLOCK_WORDS = 1 << 10  # of a block RAM at its widest

_MODULE = """\
// {depth} words of {width} bits. What is read has its address two cycles before; nothing resets a word, and one that is
// written and read with the same address at the same edge is read as anything.
module {name} (
    input wire clk,
    input wire write_enable,
    input wire [{address_top}:0] write_address,
    input wire [{top}:0] write_data,
    input wire [{address_top}:0] read_address,
    output reg [{top}:0] read_data
);
{columns}endmodule
"""

_COLUMN = """\
  (* no_rw_check, ramstyle = "no_rw_check", syn_ramstyle = "no_rw_check" *)
  reg [{top}:0] words_{low} [0:{last}];
  reg [{top}:0] found_{low};
  always @(posedge clk) begin
    if (write_enable) words_{low}[write_address] <= write_data[{high}:{low}];
    found_{low} <= words_{low}[read_address];
    read_data[{high}:{low}] <= found_{low};
  end
"""


def memory(*, depth: int, width: int, blocks: bool) -> SharedModule:
    """The module of a memory of ``depth`` words.

    ``blocks`` : for an FPGA, in columns as wide as a block RAM of that depth is, so that no multiplexer comes between
    block and output register.

    Members
    -------
    write_enable, write_address, write_data : In. read_address : In. read_data : Out, two cycles later.
    """
    depth = max(depth, 2)  # a word alone would have an address without bits, which Verilog cannot say
    name = f"amper_memory_{depth}x{width}"
    ports = {
        "write_enable": In(1),
        "write_address": In(index_width(depth)),
        "write_data": In(width),
        "read_address": In(index_width(depth)),
        "read_data": Out(width),
    }
    column = max(1, BLOCK_BITS >> index_width(depth)) if blocks and depth > BLOCK_WORDS else width
    columns = ""
    for low in range(0, width, column):
        high = min(low + column, width) - 1
        columns += _COLUMN.format(low=low, high=high, top=high - low, last=depth - 1)
    text = _MODULE.format(
        name=name, depth=depth, width=width, address_top=index_width(depth) - 1, top=width - 1, columns=columns
    )
    return SharedModule(name, wiring.Signature(ports), lambda: text, reset=False)
