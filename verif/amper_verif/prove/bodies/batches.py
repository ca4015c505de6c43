"""Bodies of the properties of whole batches: what is answered to a request, and what a CSP holds."""

from __future__ import annotations

from amper import AmperConfig

#: Cycles without a result, with a request that is not answered, in the sampler of ``answers``.
ANSWER = 16


def _held(*streams: str) -> str:
    """The masters hold what they offer, as the interfaces ask them to."""
    offers = {
        "write": "write_row, write_priority, write_invalidate",
        "control": "control_parameter, control_value",
        "request": "request_batch",
    }
    return "".join(
        f"""
  reg {name}_waits;
  reg [39:0] {name}_was;
  always @(posedge clk) begin
    {name}_waits <= !rst & {name}_valid & !{name}_ready;
    {name}_was <= {{{offers[name]}}};
  end
  always @* if ({name}_waits) assume ({name}_valid && {{{offers[name]}}} == {name}_was);
"""
        for name in streams
    )


#: Any one request, which ``pick`` chooses, and its results; ``chosen`` in the cycle in which it is taken.
_PICKED = """
  wire asked = request_valid & request_ready;
  wire taken = result_valid & result_ready;
  reg [3:0] open, ahead;  // requests without their last result; those before the one that was picked
  reg picked, done;
  reg [7:0] size, got, waits;
  wire chosen = asked && pick && !picked;
  always @(posedge clk)
    if (rst) begin
      open <= 0; ahead <= 0; picked <= 0; done <= 0; size <= 0; got <= 0; waits <= 0;
    end else begin
      open <= open + asked - (taken & result_last);
      waits <= open != 0 && !result_valid ? waits + 1 : 0;
      if (chosen) begin
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
"""


def answers(config: AmperConfig) -> str:
    """As many results as it asks for, the last marked, or one error; no result if no request waits for one; and time.

    Of any one request, those before it and behind it, and any writes and changes.
    """
    return (
        _held("write", "control", "request")
        + _PICKED
        + f"""
  wire whole = its && taken && drawn && result_last && size == {config.batch};
  always @* if (!rst) begin
    assert (!result_valid || open != 0);
    assert (waits <= {ANSWER});
    assert (!its || drawn || (result_last && got == 0));
    assert (!its || !drawn || (size != 0 && size <= {config.batch} && result_last == (got + 1 == size)));
  end
"""
    )


def draws(config: AmperConfig) -> str:
    """Each row of a batch of exact has a code in the rows as the request saw them: at earlier edges and at its own; it
    comes with that code; and a batch without one finds none. No parameter is changed meanwhile."""
    width, all_rows = config.priority_width, config.rows * config.priority_width
    at = f"{{}} * {width} +: {width}"
    return (
        _held("write", "request")
        + _PICKED
        + f"""
  reg [{all_rows - 1}:0] codes, seen;
  reg [{all_rows - 1}:0] now;
  always @* begin
    now = codes;
    if (write_valid && write_ready) now[{at.format("write_row")}] = write_invalidate ? 0 : write_priority;
  end
  always @(posedge clk) begin
    codes <= rst ? 0 : now;
    if (chosen) seen <= now;
  end
  always @* assume (!control_valid);
  wire [{width - 1}:0] code = seen[{at.format("result_row")}];
  always @* if (!rst && its) begin
    assert (result_status != 0 || (code != 0 && code == result_priority));
    assert (result_status != 2 || seen == 0);
  end
"""
    )
