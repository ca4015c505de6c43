"""Bodies of the properties of variant exact's arithmetic: the planes' sums, a place in them, a plane and a rank."""

from __future__ import annotations

from amper import AmperConfig
from amper_hw.base import latency


def census(config: AmperConfig) -> str:
    """While the sums are current, every plane was counted since the last change of the rows, and T and H_1 to H_(Q-1)
    are those of the counts; after a change they are so in time."""
    planes, width, total = config.priority_width, config.count_width, config.total_width
    every, cycles = range(planes), latency.plane_count_cycles(config)
    later = " ".join(f"plane_{i} <= plane_{i - 1};" for i in range(2, cycles + 1))
    starts = "\n".join(
        f"  wire [{total}:0] start_{k + 1} = start_{k} + (counts[{k * width} +: {width}] << {k});" for k in every
    )
    uppers = " && ".join(
        f"sums_uppers[{(width - 1) * (k - 1)} +: {width - 1}] == (start_{k} >> {k})" for k in range(1, planes)
    )
    return f"""
  reg [{planes * width - 1}:0] counts;
  reg [{planes - 1}:0] known;  // planes that were asked for and counted since the last change
  reg [{cycles - 1}:0] asked, fresh;
  reg [$bits(index)-1:0] {", ".join(f"plane_{i}" for i in range(1, cycles + 1))};
  reg [5:0] quiet;  // cycles since the last change
  wire [{total}:0] start_0 = 0;
{starts}
  always @(posedge clk) begin
    asked <= rst ? 0 : {{asked, active}};
    fresh <= rst | changed ? 0 : {{fresh, active}};
    plane_1 <= index; {later}
    if (count_valid) counts[plane_{cycles} * {width} +: {width}] <= count_rows;
    if (count_valid && fresh[{cycles - 1}]) known[plane_{cycles}] <= 1;
    if (rst | changed) known <= 0;
    quiet <= rst | changed ? 0 : quiet + (quiet != 63);
  end
  always @* assume (count_valid == asked[{cycles - 1}] && (!count_valid || count_rows <= {config.rows}));
  always @* if (!rst) begin
    assert (!current || (known == {(1 << planes) - 1} && sums_total == start_{planes} && {uppers}));
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
    """A place in T, of sums that are those of up to n rows a plane and that stay: the plane is the one whose part of T
    holds it, and the rank is that of a row of the plane."""
    planes, total, rank = config.priority_width, config.total_width, config.count_width - 1
    cycles = latency.choice_cycles(config)
    later = "\n".join(f"    if (enable) places[{i}] <= places[{i - 1}];" for i in range(1, cycles))
    starts = "\n".join(
        f"  wire [{total}:0] start_{k} = {{sums_uppers[{rank * (k - 1)} +: {rank}], sums_total[{k - 1}:0]}};"
        for k in range(1, planes)
    )
    counts = "\n".join(f"  wire [{total}:0] count_{k} = (start_{k + 1} - start_{k}) >> {k};" for k in range(planes))
    sums = " && ".join(f"start_{k} <= start_{k + 1} && count_{k} <= {config.rows}" for k in range(planes))
    cases = "\n".join(
        f"    if (x >= start_{k} && x < start_{k + 1})"
        f" assert (plane == {k} && found == (x - start_{k}) >> {k} && found < count_{k});"
        for k in range(planes)
    )
    return f"""
  wire [{total}:0] start_0 = 0;
{starts}
  wire [{total}:0] start_{planes} = sums_total;
{counts}
  reg [$bits(sums_total)+$bits(sums_uppers)-1:0] sums_before;
  reg [{total - 1}:0] places [0:{cycles - 1}];
  reg [{cycles - 1}:0] known;
  wire stay = {{sums_total, sums_uppers}} == sums_before;
  wire right = {sums} && place < sums_total;
  always @(posedge clk) begin
    sums_before <= {{sums_total, sums_uppers}};
    if (enable) places[0] <= place;
{later}
    if (rst) known <= 0;
    else if (enable) known <= {{known & {{{cycles}{{stay}}}}, right}};
    else if (!stay) known <= 0;
  end
  wire [{total - 1}:0] x = places[{cycles - 1}];
  wire [{rank - 1}:0] found = reached - upper - borrow;
  always @* if (!rst && known[{cycles - 1}] && stay) begin
{cases}
  end
"""
