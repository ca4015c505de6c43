"""Bodies of the properties of the bit select and of the unit of parameters."""

from __future__ import annotations

from amper import AmperConfig
from amper_hw.base import latency


def bit_select(config: AmperConfig) -> str:
    """The position of the bit that has ``rank`` ones below it, as many cycles later as the latency says."""
    width = min(config.rows, config.bank_rows)
    stages = latency.bit_select_cycles(config, width)
    steps = "\n".join(f"    due[{s}] <= due[{s - 1}] & !rst; place[{s}] <= place[{s - 1}];" for s in range(1, stages))
    return f"""
  integer bit_number;
  reg [7:0] ones, where;
  reg found;
  always @* begin
    ones = 0; where = 0; found = 0;
    for (bit_number = 0; bit_number < {width}; bit_number = bit_number + 1)
      if (start_vector[bit_number]) begin
        if (ones == start_rank && !found) begin where = bit_number; found = 1; end
        ones = ones + 1;
      end
  end
  reg due [0:{stages - 1}];
  reg [7:0] place [0:{stages - 1}];
  always @(posedge clk) begin
    due[0] <= start_valid & found & !rst;
    place[0] <= where;
{steps}
  end
  always @* if (!rst && due[{stages - 1}]) assert (done_valid && done_position == place[{stages - 1}]);
"""


def refused(config: AmperConfig) -> str:
    """A change that is refused changes nothing; one that is none changes nothing either."""
    return """
  reg checked;
  reg [31:0] batch_before, rows_before;
  reg enable_before, taken_before;
  always @(posedge clk) begin
    checked <= !rst;
    batch_before <= values_batch; rows_before <= values_rows; enable_before <= values_enable;
    taken_before <= control_valid & control_ready;
  end
  wire same = values_batch == batch_before && values_rows == rows_before && values_enable == enable_before;
  always @* if (!rst && checked) begin
    assert (!(refused && !draw_zero) || (same && !clear));
    assert (taken_before || (same && !clear && (!refused || draw_zero)));
    assert (values_rows != 0 && values_batch != 0);
  end
"""


def rank(config: AmperConfig) -> str:
    """From a word and |CSP| to a rank: the product's bits from 32 on, as many cycles later as the latency says."""
    width = config.count_width
    cycles = latency.multiplier_cycles(config)
    later = " ".join(f"product_{i} <= product_{i - 1}; size_{i} <= size_{i - 1};" for i in range(2, cycles + 1))
    return f"""
  reg [{width + 31}:0] {", ".join(f"product_{i}" for i in range(1, cycles + 1))};
  reg [{width - 1}:0] {", ".join(f"size_{i}" for i in range(1, cycles + 1))};
  reg [{cycles - 1}:0] begun;
  always @(posedge clk) begin
    if (enable) begin product_1 <= {{{width}'d0, a}} * {{32'd0, b}}; size_1 <= b; {later} end
    if (rst) begun <= 0; else if (enable) begun <= {{begun, 1'b1}};
  end
  wire [{width - 1}:0] rank = product[{width + 31}:32];
  always @* if (!rst && begun[{cycles - 1}])
    assert (product == product_{cycles} && (size_{cycles} == 0 ? rank == 0 : rank < size_{cycles}));
"""
