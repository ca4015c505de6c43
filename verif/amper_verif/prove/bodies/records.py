"""Bodies of the properties of records: what becomes of a request, and the results that become of a record."""

from __future__ import annotations

from amper import AmperConfig

#: Cycles without a result at most, while a record is in the draw unit.
PATIENCE = 8
#: Records that can be within the draw unit, and what they are in: the order of ``_scan``.
DEPTH = 15
QUEUE, RECORDS = 5, 4
INSIDE = (
    "queue.behind.level",
    "queue.behind.r_port__addr",
    "queue.behind.w_port__addr",
    *(f"queue.behind.storage[{place}]" for place in range(QUEUE)),
    "read_tag",
    "found_tag",
    "asked_tag",
    "front_tag_1",
    "front_tag_0",
    "places",
    "advance",
    "beats.tag",
    "beats.active",
    "beats.status",
    "beats.last",
    "beats.wanted",
    "beats.left",
    "beats.records.level",
    "beats.records.r_port__addr",
    "beats.records.w_port__addr",
    *(f"beats.records.storage[{place}]" for place in range(RECORDS)),
)


def _beat(valid: str, last: str, status: str) -> str:
    """The next beat of the sequence, if it is there, is the next one of its record."""
    return f"""
    if ({valid}) begin
      fits = fits && index < count && {status} == records[index][4:2] && {last} == ends(records[index], beat);
      beat = {last} ? 0 : beat + 1;
      index = index + {last};
    end"""


def _scan() -> str:
    """All beats in the draw unit, the oldest first, and then the records that wait."""
    head = "\n".join(f"      {place}: waiting = queue_behind_storage_{place};" for place in range(QUEUE))
    text = _beat("result_valid", "result_last", "result_status")
    for place in range(QUEUE):
        text += f"""
    case ((queue_behind_r_port__addr + {place}) % {QUEUE})
{head}
      default: waiting = 0;
    endcase"""
        text += _beat(f"queue_behind_level > {place}", "waiting[5]", "waiting[8:6]")
    for tag in ("read_tag", "found_tag", "asked_tag", "front_tag_1", "front_tag_0"):
        text += _beat(f"{tag}[0]", f"{tag}[1]", f"{tag}[5:3]")
    text += _beat("beats_tag[0]", "beats_tag[2]", "beats_tag[5:3]")
    text += """
    if (beats_active) begin
      fits = fits && index < count && beats_status == records[index][4:2] && beats_last == ends(records[index], beat)
        && (beats_status != 0 || beats_left == records[index][1:0] - 1 - beat);
      index = index + 1;
    end else fits = fits && beat == 0;"""
    entries = "\n".join(f"      {place}: entry = beats_records_storage_{place};" for place in range(RECORDS))
    for place in range(RECORDS):
        text += f"""
    case ((beats_records_r_port__addr + {place}) % {RECORDS})
{entries}
      default: entry = 0;
    endcase
    if (beats_records_level > {place}) begin
      fits = fits && index < count && entry == records[index];
      index = index + 1;
    end"""
    return text


def results(config: AmperConfig) -> str:
    """The records that were taken and not yet answered, in their order; each is answered by as many results as it says,
    the last one marked, or by one with its error; and there are no other results. Everything on its way is so, too; and
    while something is, no more than ``PATIENCE`` cycles pass without a result."""
    slots = ("result_valid", "read_tag[0]", "found_tag[0]", "asked_tag[0]")
    used = " + ".join(slots)
    stages = (*slots[1:], "front_tag_1[0]", "front_tag_0[0]", "beats_tag[0]", "beats_active")
    way = "".join(f"{stage} ? {place} : " for place, stage in enumerate(stages)) + str(len(stages))
    return f"""
  reg [4:0] records [0:{DEPTH}];
  reg [3:0] count, index;
  reg [3:0] waits;  // cycles without a result
  reg [2:0] beat, done;  // of the record; of the oldest, that were taken
  reg [8:0] waiting;
  reg [4:0] entry;
  reg fits;
  integer place;
  function legal(input [4:0] record);
    legal = record[4:2] != 0 || (record[1:0] != 0 && record[1:0] <= {config.batch});
  endfunction
  function ends(input [4:0] record, input [2:0] taken_before);
    ends = record[4:2] != 0 || taken_before + 1 >= record[1:0];
  endfunction
  wire entered = record_valid & record_ready;
  wire taken = result_valid & result_ready;
  wire answered = taken & result_last;
  always @(posedge clk)
    if (rst) begin count <= 0; done <= 0; waits <= 0; end
    else begin
      waits <= count != 0 && !result_valid ? waits + 1 : 0;
      count <= count + entered - answered;
      if (taken) done <= result_last ? 0 : done + 1;
      for (place = 0; place < {DEPTH}; place = place + 1)
        if (answered) records[place] <= records[place + 1];
      if (entered) records[count - answered] <= {{record_status, record_batch}};
    end
  always @* begin
    index = 0; beat = done; fits = 1; waiting = 0; entry = 0;
{_scan()}
  end
  // What the controller keeps: a record is offered until it is taken, and asks for 1 to b draws.
  always @* assume (!record_valid || legal({{record_status, record_batch}}));
  // How far the oldest beat is from the queue.
  wire [3:0] way = {way};
  wire [3:0] under_way = {used} + queue_behind_level;
  always @* if (!rst) begin
    assert (fits && index == count);
    assert (!result_valid || (count != 0 && result_status == records[0][4:2] && result_last == ends(records[0], done)));
    for (place = 0; place <= {DEPTH}; place = place + 1) assert (place >= count || legal(records[place]));
    assert (result_valid || count == 0 || waits + way <= {PATIENCE});
    assert (places == {QUEUE + 1} - under_way);
    assert (advance == (places != 0));
    assert (queue_behind_level <= {QUEUE} && queue_behind_r_port__addr < {QUEUE} && queue_behind_w_port__addr
      == (queue_behind_r_port__addr + queue_behind_level) % {QUEUE});
    assert (result_valid || queue_behind_level == 0);
    assert (beats_records_level <= {RECORDS} && beats_records_w_port__addr
      == (beats_records_r_port__addr + beats_records_level) % {RECORDS});
  end
"""


def requests(config: AmperConfig) -> str:
    """A request that is taken becomes one record, of its size, at once or, with none taken meanwhile, as soon as
    everything is settled; the record that becomes a batch asks for 1 to b draws, and the others say why not."""
    return f"""
  reg waiting;  // a request was taken, and is no record yet
  reg [1:0] size;
  reg could, begun;
  wire taken = request_valid & request_ready;
  wire issued = record_valid & record_ready;
  wire [1:0] its = waiting ? size : request_batch;
  wire [2:0] why = !enable ? 4 : its == 0 || its > {config.batch} ? 3 : occupied ? 0 : 2;
  always @(posedge clk) begin
    begun <= !rst;
    waiting <= !rst & (taken | waiting) & !issued;
    if (taken) size <= request_batch;
    could <= record_ready & !record_valid;
  end
  // The draw unit takes back its ready only for a record; what is settled at once is not held.
  always @* assume (!begun || !could || record_ready);
  always @* assume (!at_once || !hold);
  always @* if (!rst) begin
    assert (!taken || !waiting);
    assert (!record_valid || (record_ready && (taken || waiting)));
    assert (!issued || (record_batch == its && record_status == why));
    assert (!waiting || !settled || issued);
    assert (open == !waiting);
    // Where a request waits there is room for its record.
    assert (!waiting || record_ready);
  end
"""
