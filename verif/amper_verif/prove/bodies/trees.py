"""Body of the property of organisation tree: the sum of all codes, and draws in row order."""

from __future__ import annotations

from amper import AmperConfig
from amper_hw.base import latency

#: Memories and registers that the invariants speak of, of two rows: codes, the sum of the first, writes under way.
INSIDE = (
    *(f"updates.codes.codes_{row}.words_0[0]" for row in range(2)),
    "level_0.sums.words_0[0]",
    "updates.active",
    *(f"updates.codes.valid_{age}" for age in range(1, 5)),
)


def tree(config: AmperConfig) -> str:
    """T is the sum of the codes as they were written, where it is ``still``. A place x in T comes out of the tree as
    the row in whose part of T it lies, in row order, with the place within the row and, as a difference, its code; also
    right before and behind writes, of which a draw sees those that entered the tree, in their fourth cycle, before it.
    """
    rows, width = 2, config.priority_width
    total = config.total_width
    ages = latency.sum_tree_cycles(config)  # of a draw
    later = " ".join(f"x_{i} <= x_{i - 1}; seen_{i} <= seen_{i - 1};" for i in range(2, ages + 1))
    first, second = (f"seen_{ages}[{row * width} +: {width}]" for row in range(rows))
    stored = ", ".join(f"updates_codes_codes_{row}_words_0_0" for row in reversed(range(rows)))
    valid = ", ".join(f"updates_codes_valid_{age}" for age in (4, 3, 2, 1))
    return f"""
  reg [{rows * width - 1}:0] codes, codes_1, codes_2, codes_3, entered;
  reg [{rows * width - 1}:0] {", ".join(f"seen_{i}" for i in range(1, ages + 1))};
  reg [{total - 1}:0] {", ".join(f"x_{i}" for i in range(1, ages + 1))};
  reg [{ages - 1}:0] due;
  reg [3:0] written, zeroes;  // on their way to the tree
  reg [3:0] calm;  // cycles since rows were last cleared
  always @(posedge clk) begin
    if (write_valid) codes[write_row * {width} +: {width}] <= write_priority;
    {{entered, codes_3, codes_2, codes_1}} <= {{codes_3, codes_2, codes_1, codes}};
    if (rst | clear) begin codes <= 0; codes_1 <= 0; codes_2 <= 0; codes_3 <= 0; entered <= 0; end
    written <= rst ? 0 : {{written, write_valid}};
    zeroes <= rst ? 0 : {{zeroes, updates_active}};
    calm <= rst | clearing ? 0 : calm + (calm != 15);
    due <= rst ? 0 : {{due, draw_draw}};
    x_1 <= draw_value; seen_1 <= entered;
    {later}
  end
  wire [{total - 1}:0] sum_written = codes[0 +: {width}] + codes[{width} +: {width}];
  wire [{total - 1}:0] sum_entered = entered[0 +: {width}] + entered[{width} +: {width}];
  always @* begin
    assume (!write_valid || !clearing);
    assume (!clear || (written == 0 && !write_valid));
    // A draw and a write never enter the tree in the same cycle.
    assume (!draw_draw || (!clear && !written[3] && draw_value < sum_entered && draw_past == draw_value - sum_entered));
    assume (!draw_draw || (!draw_store && !draw_zero));
  end
  wire drawn = due[{ages - 1}];
  wire [{width - 1}:0] code = drawn_value - drawn_past;
  wire right = drawn_row ? x_{ages} >= {first} && drawn_value == x_{ages} - {first} && code == {second}
    : x_{ages} < {first} && drawn_value == x_{ages} && code == {first};
  always @* if (!rst) begin
    assert (!still || (sum == sum_written && any == (sum_written != 0)));
    assert (drawn_draw == drawn && (!drawn || right));
    // T and the memories, as far behind the writes as the way to them is long.
    assert (sum == sum_entered && {{{valid}}} == (written | zeroes));
    assert (!updates_active || (codes == 0 && codes_1 == 0 && codes_2 == 0 && codes_3 == 0 && written == 0));
    if (calm > 8) assert ({{{stored}}} == codes_1 && level_0_sums_words_0_0 == seen_4[0 +: {width}]);
  end
"""
