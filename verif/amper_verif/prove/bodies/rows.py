"""Bodies of the properties of rows: match lines, the CSP, planes and their counts."""

from __future__ import annotations

from amper import AmperConfig
from amper_hw.base import latency

#: Wires and registers of a bank that the invariants of ``union``, and of ``plane``, speak of.
CSP_INSIDE = ("storage__codes", "storage__occupied", "csp", "drawn")
PLANE_INSIDE = ("storage__codes",)
#: Of two banks of two rows and the node above them.
CSPS_INSIDE = (
    *(f"child_{bank}.{name}" for bank in (0, 1) for name in CSP_INSIDE),
    *("latest_1", "prefix_1", "summed", "count_waiting", "uncounted"),
)
PLANES_INSIDE = (
    "child_0.storage__codes",
    "child_1.storage__codes",
    *(f"plane_{plane}_below_1" for plane in range(4)),
)


def match_lines(config: AmperConfig) -> str:
    """Which rows match: of a range, those in it; of a ternary key, those that have 0 and 1 where it asks for them."""
    width = config.priority_width
    rows = min(config.rows, config.bank_rows)
    fits = "low <= code && code <= high"
    if not config.range_match:
        fits = " && ".join(f"!(zeros[{b}] && code[{b}]) && !(ones[{b}] && !code[{b}])" for b in range(width))
    return f"""
  integer row;
  reg [{width - 1}:0] code;
  reg [{rows - 1}:0] expected;
  always @* begin
    code = 0;
    for (row = 0; row < {rows}; row = row + 1) begin
      code = priorities[row * {width} +: {width}];
      expected[row] = {fits};
    end
  end
  reg [{rows - 1}:0] match_before, expected_before;  // Yosys's induction wants a state
  reg begun;
  always @(posedge clk) begin match_before <= match; expected_before <= expected; begun <= !rst; end
  always @* if (!rst && begun) assert (match_before == expected_before);
"""


def _candidates(config: AmperConfig) -> str:
    """The rows as they were written, ``codes`` and ``occupied``; ``marks`` : those that any of a batch's searches until
    now has matched; ``ready`` : the batch's that was transferred last. Known: since the first search of a batch."""
    rows, top, width = config.rows, config.rows - 1, config.priority_width
    code = f"codes[row * {width} +: {width}]"
    fits = f"search_low <= {code} && {code} <= search_high"
    if not config.range_match:
        fits = f"(({code} ^ search_value) & search_mask) == 0"
    return f"""
  reg [{rows * width - 1}:0] codes;
  reg [{top}:0] occupied, marks, ready;
  reg marks_known, ready_known;
  reg [{top}:0] hit;
  integer row;
  always @* for (row = 0; row < {rows}; row = row + 1) hit[row] = search_payload_valid && occupied[row] && {fits};
  wire search = search_valid & !search_probe;
  wire [{top}:0] grown = search ? (search_first ? 0 : marks) | hit : marks;
  wire grown_known = marks_known | (search & search_first);
  always @(posedge clk) begin
    if (write_0_valid) codes[write_0_row * {width} +: {width}] <= write_0_priority;
    if (write_0_valid) occupied[write_0_row] <= !write_0_invalidate;
    if (rst | clear) occupied <= 0;
    marks <= grown;
    marks_known <= !rst & grown_known;
    if (transfer) ready <= marks;
    if (rst | transfer) ready_known <= !rst & marks_known;
  end
"""


def union(config: AmperConfig) -> str:
    """The CSP after a batch's searches are the rows that any of them matches, counted four cycles after the last; what
    is transferred is what a draw selects from. Any search says three cycles later whether a row matches it; a row that
    is written in the cycle of a probe does not."""
    rows, top, width = config.rows, config.rows - 1, config.priority_width
    count = config.count_width - 1
    code = f"codes_1[row * {width} +: {width}]"
    return (
        _candidates(config)
        + f"""
  reg [{rows * width - 1}:0] codes_1;
  reg [{top}:0] occupied_1, marks_1, ready_1, ready_2;
  reg begun, marks_known_1, ready_known_1;
  reg [3:0] due, select_due, any_due;
  reg [{count}:0] rows_1, rows_2, rows_3, rows_4;
  reg any_1, any_2, any_3;
  wire [{top}:0] hidden = search_probe && write_0_valid ? 1 << write_0_row : 0;
  always @(posedge clk) begin
    codes_1 <= codes; occupied_1 <= occupied; marks_1 <= marks;
    ready_1 <= ready; ready_2 <= ready_1;
    rows_1 <= $countones(grown); rows_2 <= rows_1; rows_3 <= rows_2; rows_4 <= rows_3;
    any_1 <= (hit & ~hidden) != 0; any_2 <= any_1; any_3 <= any_2;
    begun <= !rst; marks_known_1 <= !rst & marks_known; ready_known_1 <= !rst & ready_known;
    due <= rst ? 0 : {{due, search & search_last & grown_known}};
    select_due <= rst ? 0 : {{select_due, select_0_valid & ready_known}};
    any_due <= rst ? 0 : {{any_due, search_valid}};
  end
  always @* if (!rst) begin
    assert (!any_due[2] || match_any == any_3);
    assert (!due[3] || (count_valid && count_rows == rows_4));
    assert (!select_due[1] || (selected_0_valid && selected_0_vector == ready_2));
    // Everything in the bank is a cycle behind.
    assert (!begun || storage__occupied == occupied_1);
    for (row = 0; row < {rows}; row = row + 1)
      assert (!begun || !occupied_1[row] || storage__codes[row * {width} +: {width}] == {code});
    assert (!marks_known_1 || csp == marks_1);
    assert (!ready_known_1 || drawn == ready_1);
  end
"""
    )


def _chosen(config: AmperConfig, members: str) -> str:
    """``right`` : as many of the rows ``members`` lie before the one that is answered as ``rank_then`` says."""
    rows, size, count = config.rows, config.bank_rows, config.count_width - 1
    return f"""
  reg [{count}:0] lower;
  integer other;
  always @* begin
    lower = selected_0_rank;
    for (other = 0; other < {rows}; other = other + 1)
      if (other < selected_0_bank * {size}) lower = lower + {members}[other];
  end
  wire [{size - 1}:0] vector = {members} >> (selected_0_bank * {size});
  wire right = selected_0_valid && selected_0_vector == vector && lower == rank_then
    && selected_0_rank < $countones(vector);
"""


def csp_select(config: AmperConfig) -> str:
    """Rows in two banks. From two cycles after the count of a CSP that was transferred, a rank below it gives the bank,
    its rows of the CSP and the rank among them: that many of the CSP lie before."""
    rows, width, count = config.rows, config.priority_width, config.count_width - 1
    counted, answered = latency.count_cycles(config) + 2, latency.row_answer_cycles(config)
    later = " ".join(f"ready_{i} <= ready_{i - 1}; rank_{i} <= rank_{i - 1};" for i in range(2, answered + 1))
    return (
        _candidates(config)
        + f"""
  reg [{rows - 1}:0] {", ".join(f"ready_{i}" for i in range(1, answered + 1))};
  reg [{count}:0] {", ".join(f"rank_{i}" for i in range(1, answered + 1))};
  reg [{answered - 1}:0] due;
  reg [{rows * width - 1}:0] codes_1, codes_2;
  reg [{rows - 1}:0] occupied_1, occupied_2, marks_1, marks_2;
  reg [1:0] since, marks_since, ready_since;  // cycles since the reset; the same, with marks or ready known
  reg [3:0] age, ready_age;  // cycles since the last search of the batch; of the one that was transferred
  reg in_batch, complete;  // among a batch's searches; behind its last, until the transfer
  reg [3:0] first_age;  // cycles since the last search of the batch as it was, before it was repeated
  reg again;
  wire repeats = search & complete & !transfer;
  wire ended = search & search_last;
  wire legal = ready_known && ready_age >= {counted};
  always @(posedge clk) begin
    codes_1 <= codes; codes_2 <= codes_1; occupied_1 <= occupied; occupied_2 <= occupied_1;
    marks_1 <= marks; marks_2 <= marks_1;
    since <= rst ? 0 : since + (since != 3);
    marks_since <= rst | !marks_known ? 0 : marks_since + (marks_since != 3);
    ready_since <= rst | !ready_known ? 0 : ready_since + (ready_since != 3);
    ready_1 <= ready; rank_1 <= select_0_rank; {later}
    due <= rst ? 0 : {{due, legal && select_0_valid && select_0_rank < $countones(ready)}};
    in_batch <= !rst & (search ? !search_last : in_batch);
    complete <= !rst & (ended | (complete & !transfer));
    again <= !rst & !transfer & (repeats | again);
    age <= ended ? 1 : age + (age != 15);
    first_age <= ended & !repeats ? 1 : first_age + (first_age != 15);
    ready_age <= transfer ? age + (age != 15) : ready_age + (ready_age != 15);
  end
  // A batch's searches follow the transfer of the one before, in its cycle at the earliest, and that one's draws its
  // count; in the cycle of the last draw the next CSP may be transferred. Where no row matched, one search of all rows
  // follows at once, whose count comes before the transfer.
  always @* begin
    assume (!search || search_first == !in_batch);
    assume (!repeats || (search_last && !again && marks == 0));
    assume (!transfer || (complete && (legal || !ready_known) && (!again || age >= {counted - 1})));
  end
  wire [{count}:0] rank_then = rank_{answered};
{_chosen(config, f"ready_{answered}")}
  wire selected = due[{answered - 1}];
  always @* if (!rst) begin
    assert (!selected || right);
    // The banks are two cycles behind.
    assert (since < 2 || {{child_1_storage__occupied, child_0_storage__occupied}} == occupied_2);
    for (row = 0; row < {rows}; row = row + 1)
      assert (since < 2 || !occupied_2[row] || stored[row * {width} +: {width}] == codes_2[row * {width} +: {width}]);
    assert (marks_since < 2 || {{child_1_csp, child_0_csp}} == marks_2);
    assert (ready_since < 2 || {{child_1_drawn, child_0_drawn}} == ready_2);
    // The first bank's part of a CSP: counted, and then kept for its draws.
    assert (!in_batch && !complete || marks_known);
    assert (count_waiting == (complete && first_age >= {counted - 1}));
    assert (uncounted == (ready_known && ready_age < {counted - 1}));
    assert (!complete || age < {counted - 1} || latest_1 == marks[0] + marks[1]);
    assert (!legal || prefix_1 == ready[0] + ready[1]);
  end
  wire [{rows * width - 1}:0] stored = {{child_1_storage__codes, child_0_storage__codes}};
"""
    )


def plane(config: AmperConfig) -> str:
    """The rows of a bank, as they were written: the rows of a plane are those that have its bit, counted as many cycles
    later as the latency says; and a row that is read has the code that was written."""
    rows, width = config.rows, config.priority_width
    lead, cycles = latency.plane_lead_cycles(config), latency.bank_plane_count_cycles(config)
    count = config.count_width - 1
    later = " ".join(f"member_{i} <= member_{i - 1};" for i in range(2, lead + 1))
    counts = " ".join(f"ones_{i} <= ones_{i - 1};" for i in range(2, cycles + 1))
    members = ", ".join(f"member_{i}" for i in range(1, lead + 1))
    ones = ", ".join(f"ones_{i}" for i in range(1, cycles + 1))
    return f"""
  reg [{rows * width - 1}:0] codes, codes_1;
  reg [{rows - 1}:0] member, {members};
  reg [{count}:0] ones, {ones};
  reg [{width - 1}:0] read_1, read_2;
  reg [{cycles - 1}:0] due, read_due;
  reg [3:0] since;  // cycles since the reset
  integer row;
  always @* begin
    ones = 0;
    for (row = 0; row < {rows}; row = row + 1) begin
      member[row] = codes[row * {width} + plane_index];
      ones = ones + member[row];
    end
  end
  always @(posedge clk) begin
    if (write_0_valid) codes[write_0_row * {width} +: {width}] <= write_0_priority;
    if (rst | clear) codes <= 0;
    codes_1 <= codes;
    member_1 <= member; {later}
    ones_1 <= ones; {counts}
    read_1 <= codes[read_0_row * {width} +: {width}]; read_2 <= read_1;
    since <= rst ? 0 : since + (since != 15);
    due <= rst ? 0 : {{due, plane_census}};
    read_due <= rst ? 0 : {{read_due, read_0_valid}};
  end
  always @* assume (!clear || !write_0_valid);
  always @* if (!rst) begin
    assert (since < 1 || storage__codes == codes_1);
    assert (since < {lead} || selected_0_vector == member_{lead});
    assert (plane_count_valid == due[{cycles - 1}] && (!plane_count_valid || plane_count_rows == ones_{cycles}));
    assert (!read_due[1] || data_0_priority == read_2);
  end
"""


def plane_select(config: AmperConfig) -> str:
    """Rows in two banks. After a census of all planes that no write disturbed, a plane and then a rank below the number
    of its rows give the bank, its rows of the plane and the rank among them: that many of the plane lie before."""
    rows, width = config.rows, config.priority_width
    count = config.count_width - 1
    counted, lead = latency.plane_count_cycles(config), latency.plane_lead_cycles(config)
    ages = lead + latency.rank_answer_cycles(config)  # from a plane to the answer
    later = " ".join(f"member_{i} <= member_{i - 1};" for i in range(2, ages + 1))
    ranks = " ".join(f"rank_{i} <= rank_{i - 1};" for i in range(2, ages - lead + 1))
    sums = " && ".join(f"plane_{k}_below_1 == codes[{k}] + codes[{width + k}]" for k in range(width))
    return f"""
  reg [{rows * width - 1}:0] codes, codes_1, codes_2;
  reg [1:0] since;  // cycles since the reset
  reg [{rows - 1}:0] member, {", ".join(f"member_{i}" for i in range(1, ages + 1))};
  reg [{count}:0] {", ".join(f"rank_{i}" for i in range(1, ages - lead + 1))};
  reg [{ages}:0] usable;  // the sums have been those of the rows since the plane came
  reg [{ages - lead}:0] due;
  reg [{counted}:0] whole;  // a census that is complete, on its way
  reg [{width}:0] planes;  // its planes until now: so many ones
  reg summed;
  integer row;
  wire changed = write_0_valid | clear;
  wire [{width}:0] planes_now = changed | !plane_census ? 0
    : plane_index == 0 ? 1 : planes == (1 << plane_index) - 1 ? planes << 1 | 1 : 0;
  wire still = !changed && !plane_census;
  always @* for (row = 0; row < {rows}; row = row + 1) member[row] = codes[row * {width} + plane_index];
  always @(posedge clk) begin
    if (write_0_valid) codes[write_0_row * {width} +: {width}] <= write_0_priority;
    if (rst | clear) codes <= 0;
    codes_1 <= codes; codes_2 <= codes_1;
    since <= rst ? 0 : since + (since != 3);
    member_1 <= member; {later}
    rank_1 <= select_0_rank; {ranks}
    planes <= rst ? 0 : planes_now;
    whole <= rst | (!still && planes_now < 2) ? 0 : {{whole, plane_census && planes_now == {(1 << width) - 1}}};
    summed <= !rst & still & (summed | whole[{counted - 1}]);
    usable <= rst | !still ? 0 : {{usable, summed}};
    due <= rst ? 0 : {{due, select_0_valid && select_0_rank < $countones(member_{lead}) && usable[{lead - 1}]}};
  end
  // A census takes the planes in their order, one a cycle, until a change.
  always @* if (plane_census) assume (plane_index == 0 || planes_now != 0 || changed);
  always @* assume (!clear || !write_0_valid);
  wire [{count}:0] rank_then = rank_{ages - lead};
{_chosen(config, f"member_{ages}")}
  wire drawn = due[{ages - lead - 1}] && usable[{ages - 1}];
  always @* if (!rst) begin
    assert (!drawn || right);
    // The banks are two cycles behind; the node's sums are those of the first one.
    assert (since < 2 || {{child_1_storage__codes, child_0_storage__codes}} == codes_2);
    assert (!summed || ({sums}));
  end
"""
