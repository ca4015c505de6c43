"""Body of the property of Vmax: that it is the largest valid code, and what its unit keeps so that it is."""

from __future__ import annotations

from amper import AmperConfig
from amper_hw.base import latency

#: Registers and wires of the unit that its invariants speak of.
INSIDE = ("searching", "asked", "found", "stale", "holder_known", "holder", "due", "any_row_due", "occupied_found")


def vmax(config: AmperConfig) -> str:
    """The rows, as they were written, and the row array's answers about them; a row that is written in the cycle of a
    probe does not match it. While ``exact``, Vmax is the largest valid code, and ``occupied`` whether there is one; at
    any time, none is larger."""
    rows, top, high = config.rows, config.rows - 1, config.priority_width - 1
    on_its_way = latency.any_answer_cycles(config)
    return f"""
  reg [{high}:0] code [0:{top}];
  reg [{top}:0] valid;
  reg [{high}:0] largest;
  reg hit;
  integer row;
  always @* begin
    largest = 0;
    hit = 0;
    for (row = 0; row < {rows}; row = row + 1) if (valid[row]) begin
      if (code[row] > largest) largest = code[row];
      if (probe_payload_valid && probe_low <= code[row] && code[row] <= probe_high && !(write_0_valid
          && write_0_row == row)) hit = 1;
    end
  end
  reg [{on_its_way - 1}:0] seen, answers;
  always @(posedge clk) begin
    if (write_0_valid) code[write_0_row] <= write_0_priority;
    if (write_0_valid) valid[write_0_row] <= !write_0_invalidate;
    if (rst | clear) valid <= 0;
    seen <= rst ? 0 : {{seen, probe_valid}};
    answers <= {{answers, hit}};
  end
  always @* if (seen[{on_its_way - 1}]) assume (match_any == answers[{on_its_way - 1}]);
  always @* assume (!clear || (exact && !write_0_valid));
  always @* if (!rst) begin
    assert (!exact || (vmax == largest && occupied == (valid != 0)));
    assert (largest <= vmax && (occupied || (vmax == 0 && valid == 0 && exact)));
    // Of the row that holds it, if it is known which.
    assert (!holder_known || (valid[holder] && code[holder] == vmax && exact && !searching));
    // Of a search, bit by bit from the highest: what was found is the largest code's, down to the bit that is asked.
    assert (!searching || (stale && asked != 0 && (asked & (asked - 1)) == 0));
    assert (!searching || (found ^ largest) < 2 * asked);
    assert (!searching || (found & (2 * asked - 1)) == 0);
    assert (!searching || (any_row_due ? asked == {1 << high} : occupied_found == (valid != 0)));
  end
"""
