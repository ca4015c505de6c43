"""Bodies of the properties of whole batches: what is answered to a request, and what a CSP holds."""

from __future__ import annotations

from amper import AmperConfig

#: Cycles without a result, with a request that is not answered, in the sampler of ``answers``.
ANSWER = 16


def answers(config: AmperConfig) -> str:
    """Of any one request, which ``pick`` chooses: as many results as it asks for, the last marked, or one error; no
    result if no request waits for one; and time. The masters hold what they offer, as the interfaces ask them to.
    """
    offers = {
        "write": "write_row, write_priority, write_invalidate",
        "control": "control_parameter, control_value",
        "request": "request_batch",
    }
    held = "".join(
        f"""
  reg {name}_waits;
  reg [39:0] {name}_was;
  always @(posedge clk) begin
    {name}_waits <= !rst & {name}_valid & !{name}_ready;
    {name}_was <= {{{payload}}};
  end
  always @* if ({name}_waits) assume ({name}_valid && {{{payload}}} == {name}_was);
"""
        for name, payload in offers.items()
    )
    return (
        held
        + f"""
  wire asked = request_valid & request_ready;
  wire taken = result_valid & result_ready;
  reg [3:0] open, ahead;  // requests without their last result; those before the one that was picked
  reg picked, done;
  reg [7:0] size, got, waits;
  always @(posedge clk)
    if (rst) begin
      open <= 0; ahead <= 0; picked <= 0; done <= 0; size <= 0; got <= 0; waits <= 0;
    end else begin
      open <= open + asked - (taken & result_last);
      waits <= open != 0 && !result_valid ? waits + 1 : 0;
      if (asked && pick && !picked) begin
        picked <= 1;
        size <= request_batch;
        ahead <= open - (taken & result_last);
      end else if (picked && taken && result_last && ahead != 0) ahead <= ahead - 1;
      if (picked && !done && ahead == 0 && taken) begin
        got <= got + 1;
        done <= result_last;
      end
    end
  wire its = picked && !done && ahead == 0 && result_valid;
  wire drawn = result_status <= 1;
  wire whole = its && taken && drawn && result_last && size == {config.batch};
  always @* if (!rst) begin
    assert (!result_valid || open != 0);
    assert (waits <= {ANSWER});
    assert (!its || drawn || (result_last && got == 0));
    assert (!its || !drawn || (size != 0 && size <= {config.batch} && result_last == (got + 1 == size)));
  end
"""
    )


def union(config: AmperConfig) -> str:
    """The rows of a bank, as they were written; the CSP after a batch's searches are those that any of them matches,
    counted four cycles after the last; what is transferred is what a draw selects from."""
    rows, top = config.rows, config.rows - 1
    count = config.count_width - 1
    return f"""
  reg [{config.priority_width - 1}:0] code [0:{top}];
  reg [{top}:0] occupied, csp, drawn, selected, selected_2;
  reg known, drawn_known;  // since the first search of a batch
  reg [3:0] due, select_due;
  reg [{count}:0] rows_1, rows_2, rows_3, rows_4;
  reg [{top}:0] hit;
  integer row;
  always @*
    for (row = 0; row < {rows}; row = row + 1)
      hit[row] = search_payload_valid && occupied[row] && search_low <= code[row] && code[row] <= search_high;
  wire search = search_valid & !search_probe;
  wire [{top}:0] grown = search ? (search_first ? 0 : csp) | hit : csp;
  reg [{count}:0] ones;
  always @* begin
    ones = 0;
    for (row = 0; row < {rows}; row = row + 1) ones = ones + grown[row];
  end
  always @(posedge clk) begin
    if (write_0_valid) code[write_0_row] <= write_0_priority;
    if (write_0_valid) occupied[write_0_row] <= !write_0_invalidate;
    if (rst | clear) occupied <= 0;
    csp <= grown;
    if (transfer) drawn <= csp;
    rows_1 <= ones; rows_2 <= rows_1; rows_3 <= rows_2; rows_4 <= rows_3;
    selected <= drawn; selected_2 <= selected;
    if (rst) begin
      known <= 0; drawn_known <= 0; due <= 0; select_due <= 0;
    end else begin
      known <= known | (search & search_first);
      if (transfer) drawn_known <= known;
      due <= {{due[2:0], search & search_last & (known | search_first)}};
      select_due <= {{select_due[2:0], select_0_valid & drawn_known}};
    end
  end
  always @* if (!rst) begin
    assert (!due[3] || (count_valid && count_rows == rows_4));
    assert (!select_due[1] || (selected_0_valid && selected_0_vector == selected_2));
  end
"""
