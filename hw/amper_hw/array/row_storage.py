"""The rows of a bank: a priority code and a valid bit each, in flip-flops or in latches.

Latency: 1 cycle from a write to its row. Page: docs/theory/rows.md.
"""

from __future__ import annotations

from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base.bits import index_width
from amper_hw.base.modules import SharedModule
from amper_hw.base.variants import has_candidates, has_exact
from amper_spec.config import AmperConfig

# A row is at the crossing of two lines, so that its decoder is one gate. A clear leaves the codes:
# batches that drew before it still ask for them.
_MODULE = """\
// The rows of a bank: where `written` is 1, code and valid are stored at the rising edge; in a clear, valid everywhere.
module {name} (
    input wire clk,
    input wire write,
    input wire clear,
    input wire [{row_top}:0] row,
    input wire [{code_top}:0] code,
    input wire valid,
    output wire [{rows_top}:0] written,
    output wire [{codes_top}:0] codes,
    output wire [{rows_top}:0] occupied
);
  // A row is at the crossing of a high and a low line.
  wire [{high_top}:0] high;
  wire [{low_top}:0] low;
  assign high = {write} << {row_high};
  assign low = {one} << {row_low};
  genvar r;
{storage}endmodule
"""

_FLIP_FLOPS = """\
  generate
    for (r = 0; r < {rows}; r = r + 1) begin : place
      reg [{code_top}:0] stored;
      reg present;
      assign written[r] = high[r / {lows}] & low[r % {lows}];
      always @(posedge clk) if (written[r]) stored <= code;
      always @(posedge clk) {present}
      assign codes[{code_width} * r +: {code_width}] = stored;
      assign occupied[r] = present;
    end
  endgenerate
"""

# A clear brings a valid bit of 0. In a cell library it is cheaper to let it in than to reset; in an FPGA a reset costs
# nothing, and an enable of its own is a look-up table a row.
_PRESENT = {
    "gates": "if (written[r] | clear) present <= valid;",
    "blocks": "if (clear) present <= 1'b0; else if (written[r]) present <= valid;",
}

# A flip-flop is two latches: one that is open while the clock is low, behind it one that is open while it is high. The
# rows are the second halves, and share the first: those hold the data and the lines still while a row is open, so that
# one gate a row is a clock gate. Non-blocking assignments: whatever takes a row's value at the rising edge takes the
# old one, in whichever order a simulator runs.
_LATCHES = """\
`ifdef VERILATOR
  // A latch that opens at an edge and a register that takes its value at that edge: Verilator has no order for them.
  // Flip-flops do the same at every edge.
{flip_flops}`else
  reg [{high_top}:0] high_open;
  reg [{low_top}:0] low_open;
  reg clear_open;
  reg [{code_width}:0] held;
  (* \\always_latch *) always @(clk or high) if (!clk) high_open <= high;
  (* \\always_latch *) always @(clk or low) if (!clk) low_open <= low;
  (* \\always_latch *) always @(clk or clear) if (!clk) clear_open <= clear;
  (* \\always_latch *) always @(clk or valid or code) if (!clk) held <= {{valid, code}};
  generate
    for (r = 0; r < {rows}; r = r + 1) begin : place
      wire open;
      wire present_open;
      reg [{code_top}:0] stored;
      reg present;
      assign written[r] = high[r / {lows}] & low[r % {lows}];
      assign open = clk & high_open[r / {lows}] & low_open[r % {lows}];
      assign present_open = open | clk & clear_open;
      (* \\always_latch *) always @(open or held) if (open) stored <= held[{code_top}:0];
      (* \\always_latch *) always @(present_open or held) if (present_open) present <= held[{code_width}];
      assign codes[{code_width} * r +: {code_width}] = stored;
      assign occupied[r] = present;
    end
  endgenerate
`endif
"""


# With variant exact, code 0 is what an invalid row holds: no valid bits. A clear writes it into all rows at once.
_CODES_MODULE = """\
// The rows of a bank: where `written` is 1, code is stored at the rising edge; in a clear, in all rows: code must be 0.
module {name} (
    input wire clk,
    input wire write,
    input wire clear,
    input wire [{row_top}:0] row,
    input wire [{code_top}:0] code,
    output wire [{rows_top}:0] written,
    output wire [{codes_top}:0] codes{occupied_output}
);
  // A row is at the crossing of a high and a low line.
  wire [{high_top}:0] high;
  wire [{low_top}:0] low;
  assign high = clear ? {{{highs}{{1'b1}}}} : {write} << {row_high};
  assign low = clear ? {{{lows}{{1'b1}}}} : {one} << {row_low};
  genvar r;
{storage}endmodule
"""

_CODES_FLIP_FLOPS = """\
  generate
    for (r = 0; r < {rows}; r = r + 1) begin : place
      reg [{code_top}:0] stored;
      assign written[r] = high[r / {lows}] & low[r % {lows}];
      always @(posedge clk) if (written[r]) stored <= code;
      assign codes[{code_width} * r +: {code_width}] = stored;
{occupied}    end
  endgenerate
"""

_CODES_LATCHES = """\
`ifdef VERILATOR
  // A latch that opens at an edge and a register that takes its value at that edge: Verilator has no order for them.
  // Flip-flops do the same at every edge.
{flip_flops}`else
  reg [{high_top}:0] high_open;
  reg [{low_top}:0] low_open;
  reg [{code_top}:0] held;
  (* \\always_latch *) always @(clk or high) if (!clk) high_open <= high;
  (* \\always_latch *) always @(clk or low) if (!clk) low_open <= low;
  (* \\always_latch *) always @(clk or code) if (!clk) held <= code;
  generate
    for (r = 0; r < {rows}; r = r + 1) begin : place
      wire open;
      reg [{code_top}:0] stored;
      assign written[r] = high[r / {lows}] & low[r % {lows}];
      assign open = clk & high_open[r / {lows}] & low_open[r % {lows}];
      (* \\always_latch *) always @(open or held) if (open) stored <= held;
      assign codes[{code_width} * r +: {code_width}] = stored;
{occupied}    end
  endgenerate
`endif
"""


def row_storage(config: AmperConfig, *, rows: int) -> SharedModule:
    """The module of ``rows`` rows: all are compared at once, so none of a target's memories can hold them.

    A latch is two thirds of a flip-flop. ``config.storage`` changes what the cells are, and nothing at any rising edge.

    Members
    -------
    write, row : In, ``row`` takes ``code`` (Q bits) and ``valid``. clear : In, all take ``valid``, which must be 0.
    written : Out, the row that is written at the end of this cycle. codes, occupied : Out, the rows, one cycle later.

    With variant exact there is no ``valid``: a row is occupied unless its code is 0, and in a clear, all take ``code``,
    which must be 0; ``occupied`` is left out where nobody asks for it.
    """
    if has_exact(config):
        return _code_storage(config, rows)
    width = config.priority_width
    signature = wiring.Signature(
        {
            "write": In(1),
            "clear": In(1),
            "row": In(index_width(rows)),
            "code": In(width),
            "valid": In(1),
            "written": Out(rows),
            "codes": Out(data.ArrayLayout(width, rows)),
            "occupied": Out(rows),
        }
    )
    sizes = _sizes(rows, width)
    storage = _FLIP_FLOPS.format(present=_PRESENT[config.primitives], **sizes)
    if config.storage == "latches":
        storage = _LATCHES.format(flip_flops=storage, **sizes)
    name = f"amper_row_storage_{rows}"
    text = _MODULE.format(name=name, storage=storage, **sizes)
    return SharedModule(name, signature, lambda: text, reset=False)


def _code_storage(config: AmperConfig, rows: int) -> SharedModule:
    """The module without valid bits."""
    width = config.stored_width
    occupied = has_candidates(config)
    signature = wiring.Signature(
        {
            "write": In(1),
            "clear": In(1),
            "row": In(index_width(rows)),
            "code": In(width),
            "written": Out(rows),
            "codes": Out(data.ArrayLayout(width, rows)),
            **({"occupied": Out(rows)} if occupied else {}),
        }
    )
    sizes = _sizes(rows, width)
    sizes |= {
        "occupied_output": f",\n    output wire [{rows - 1}:0] occupied" if occupied else "",
        "occupied": "      assign occupied[r] = |stored;\n" if occupied else "",
    }
    storage = _CODES_FLIP_FLOPS.format(**sizes)
    if config.storage == "latches":
        storage = _CODES_LATCHES.format(flip_flops=storage, **sizes)
    name = f"amper_row_storage_{rows}"
    text = _CODES_MODULE.format(name=name, storage=storage, **sizes)
    return SharedModule(name, signature, lambda: text, reset=False)


def low_width(rows: int) -> int:
    """Bits of a row that its ``low`` line stands for; the others choose the ``high`` line."""
    return (index_width(rows) + 1) // 2


def _sizes(rows: int, code_width: int) -> dict[str, int | str]:
    """What the texts above ask for."""
    row_width, low = index_width(rows), low_width(rows)
    lows, highs = min(rows, 1 << low), -(-rows >> low)
    return {
        "rows": rows,
        "lows": lows,
        "highs": highs,
        "code_width": code_width,
        "row_top": row_width - 1,
        "code_top": code_width - 1,
        "rows_top": rows - 1,
        "codes_top": rows * code_width - 1,
        "high_top": highs - 1,
        "low_top": lows - 1,
        "write": f"{{{highs - 1}'d0, write}}" if highs > 1 else "write",
        "one": f"{lows}'d1",
        "row_high": f"row[{row_width - 1}:{low}]" if row_width > low else "1'd0",
        "row_low": f"row[{low - 1}:0]",
    }
