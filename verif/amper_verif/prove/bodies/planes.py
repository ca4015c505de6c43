"""Bodies of the properties of variant exact's arithmetic: the planes' sums, a place in them, a plane and a rank."""

from __future__ import annotations

from amper import AmperConfig
from amper_hw.base import latency


def counts_width(config: AmperConfig) -> int:
    """Bits of the counts of all planes."""
    return config.priority_width * config.count_width


def _sums(config: AmperConfig, count: str) -> str:
    """S_0 to S_Q of the planes' counts, as text of Verilog that adds; ``count`` : of plane {plane}."""
    width = config.total_width
    lines = [f"  wire [{width}:0] start_0 = 0;"]
    for plane in range(config.priority_width):
        added = count.format(plane=plane)
        lines.append(f"  wire [{width}:0] start_{plane + 1} = start_{plane} + ({added} << {plane});")
    return "\n".join(lines)


def _uppers(config: AmperConfig) -> str:
    """Whether H_1 to H_(Q-1) are those of S_1 to S_(Q-1)."""
    width = config.count_width - 1
    tests = (
        f"sums_uppers[{width * (plane - 1)} +: {width}] == (start_{plane} >> {plane})"
        for plane in range(1, config.priority_width)
    )
    return " && ".join(tests)


def census(config: AmperConfig) -> str:
    """Any counts of the planes, which a change replaces by others. What is asked for them is answered as late as the
    row array answers; while the sums are current they are those of the counts, and after a change in time."""
    planes, width = config.priority_width, config.count_width
    cycles = latency.plane_count_cycles(config)
    later = "\n".join(f"    asked[{i}] <= asked[{i - 1}] & !rst; told[{i}] <= told[{i - 1}];" for i in range(1, cycles))
    small = " && ".join(f"count_{plane} <= {config.rows}" for plane in range(planes))
    counts = "\n".join(f"  wire [{width - 1}:0] count_{k} = counts[{k * width} +: {width}];" for k in range(planes))
    return f"""
  reg [{planes * width - 1}:0] counts;
{counts}
{_sums(config, "count_{plane}")}
  reg asked [0:{cycles - 1}];
  reg [{width - 1}:0] told [0:{cycles - 1}];
  reg [5:0] quiet;  // cycles since the last change
  always @(posedge clk) begin
    if (changed | rst) counts <= any;
    asked[0] <= active & !rst; told[0] <= counts[index * {width} +: {width}];
{later}
    quiet <= changed | rst ? 0 : quiet + (quiet != 63);
  end
  always @* assume ({small});
  always @* assume (count_valid == asked[{cycles - 1}] && (!count_valid || count_rows == told[{cycles - 1}]));
  always @* if (!rst) begin
    assert (!current || (sums_total == start_{planes} && {_uppers(config)}));
    assert (current || quiet <= {latency.census_cycles(config)});
  end
"""


def place(config: AmperConfig) -> str:
    """x = (w T) >> RW, as many cycles later as the latency says, where T stayed meanwhile; it lies in T."""
    word, total = config.place_width, config.total_width
    width = word + total
    cycles = latency.place_cycles(config)
    multiples = " && ".join(f"odd_times_{odd} == {odd} * {{3'd0, total}}" for odd in (3, 5, 7))
    later = "\n".join(f"    if (enable) products[{i}] <= products[{i - 1}];" for i in range(1, cycles))
    return f"""
  wire [{width - 1}:0] both = {{{total}'d0, word}} * {{{word}'d0, total}};
  reg [{width - 1}:0] products [0:{cycles - 1}];
  reg [{cycles - 1}:0] known;
  reg [{total - 1}:0] total_before;
  wire stays = total == total_before;
  wire right = {multiples if latency.is_deep(config) else 1};
  always @(posedge clk) begin
    total_before <= total;
    if (enable) products[0] <= both;
{later}
    if (rst) known <= 0;
    else if (enable) known <= {{known & {{{cycles}{{stays}}}}, right}};
    else if (!stays) known <= 0;
  end
  wire [{total - 1}:0] expected = products[{cycles - 1}] >> {word};
  always @* if (!rst && known[{cycles - 1}] && stays) begin
    assert (place == expected);
    assert (total == 0 || place < total);
  end
"""


def choice(config: AmperConfig) -> str:
    """Of any counts of the planes and any place in T: the plane is the one whose part of T holds it, and the rank is
    that of a row of the plane."""
    planes, total, rank = config.priority_width, config.total_width, config.count_width - 1
    width = config.count_width
    cycles = latency.choice_cycles(config)
    later = "\n".join(f"    if (enable) places[{i}] <= places[{i - 1}];" for i in range(1, cycles))
    small = " && ".join(f"counts[{k * width} +: {width}] <= {config.rows}" for k in range(planes))
    cases = "\n".join(
        f"    if (x >= start_{k} && x < start_{k + 1}) assert (plane == {k} && found == (x - start_{k}) >> {k} "
        f"&& found < counts[{k * width} +: {width}]);"
        for k in range(planes)
    )
    return f"""
{_sums(config, f"counts[{width} * {{plane}} +: {width}]")}
  reg [{planes * width - 1}:0] counts_before;
  reg [{total - 1}:0] places [0:{cycles - 1}];
  reg [{cycles - 1}:0] known;
  reg begun;
  always @(posedge clk) begin
    counts_before <= counts; begun <= !rst;
    if (enable) places[0] <= place;
{later}
    if (rst) known <= 0; else if (enable) known <= {{known, 1'b1}};
  end
  always @* begin
    assume ({small});
    assume (sums_total == start_{planes} && {_uppers(config)});
    assume (!begun || counts == counts_before);
    assume (!enable || place < start_{planes});
  end
  wire [{total - 1}:0] x = places[{cycles - 1}];
  wire [{rank - 1}:0] found = reached - upper - borrow;
  always @* if (!rst && known[{cycles - 1}]) begin
{cases}
  end
"""
