"""What is proven of which module, from any power-up state on, one cycle of reset; docs/reference/verification.md.

A property is the body of a module that has the component's inputs as its own, whatever they do, and its outputs as
wires. It asserts in every cycle without reset. Its seeded bug is a change of the Verilog under which it must fail.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from amper import AmperConfig
from amper_hw.base import latency
from amper_hw.output.generate import TOP
from amper_spec.build import Bus
from amper_verif.prove.batch_bodies import ANSWER, answers, union


@dataclass(frozen=True)
class Property:
    """``module`` : what is looked at, in the Verilog of a configuration with bus ``bus``. ``body`` : of it, with its
    assertions. ``case`` : what it is about, which has to occur. ``bug`` : a pattern in the module and what replaces it.
    ``cycles`` : that it holds for from a reset on; 0: for ever. ``values`` : of the configuration that is looked at, if
    not any is. ``free`` : inputs that ``body`` has beside the module's.
    """

    name: str
    about: str
    module: str
    body: Callable[[AmperConfig], str]
    case: str
    bug: tuple[str, str]
    bus: Bus = "native"
    cycles: int = 0
    values: Mapping[str, Any] = field(default_factory=dict)
    free: tuple[str, ...] = ()


def _stable(valid: str, ready: str, payload: str, width: int | str) -> str:
    """A beat that was not taken is still there."""
    return f"""
  reg {valid}_held;
  reg [{width}-1:0] {valid}_before;
  always @(posedge clk) begin
    {valid}_held <= !rst & {valid} & !{ready};
    {valid}_before <= {payload};
  end
  always @* if (!rst && {valid}_held) assert ({valid} && {{{payload}}} == {valid}_before);
"""


def _bit_select(config: AmperConfig) -> str:
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


def _refused(config: AmperConfig) -> str:
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


def _axi_lite(config: AmperConfig) -> str:
    """A.3.2 of the AXI specification: valid and payload stay until ready; a response only to a request that was taken,
    one each; with a master that is ready, four cycles after the last of its beats or five behind the other channel."""
    return (
        _stable("bus_bvalid", "bus_bready", "bus_bresp", 2)
        + _stable("bus_rvalid", "bus_rready", "{bus_rdata, bus_rresp}", 34)
        + """
  reg [2:0] addresses, words, reads;  // taken and not answered
  reg [3:0] waits_b, waits_r;
  reg asked_write, asked_read;
  wire b_done = bus_bvalid & bus_bready;
  wire r_done = bus_rvalid & bus_rready;
  wire writing = addresses != 0 && words != 0;
  always @(posedge clk)
    if (rst) begin
      addresses <= 0; words <= 0; reads <= 0; waits_b <= 0; waits_r <= 0; asked_write <= 0; asked_read <= 0;
    end else begin
      addresses <= addresses + (bus_awvalid & bus_awready) - b_done;
      words <= words + (bus_wvalid & bus_wready) - b_done;
      reads <= reads + (bus_arvalid & bus_arready) - r_done;
      asked_write <= port_access_write;
      asked_read <= port_access_valid & !port_access_write;
      waits_b <= writing & !bus_bvalid ? waits_b + 1 : 0;
      waits_r <= reads != 0 & !bus_rvalid ? waits_r + 1 : 0;
    end
  always @* if (!rst) begin
    assert (!bus_bvalid || writing);
    assert (!bus_rvalid || reads != 0);
    assert (addresses <= 2 && words <= 2 && reads <= 2);
    assert (waits_b <= 4 && waits_r <= 4);
    // Where what was taken and not answered is: held, asked for, offered.
    assert (addresses == !bus_awready + asked_write + bus_bvalid);
    assert (words == !bus_wready + asked_write + bus_bvalid);
    assert (reads == !bus_arready + asked_read + bus_rvalid);
  end
"""
    )


def _axi_results(config: AmperConfig) -> str:
    """Valid and payload stay until ready; every result is sent once, and nothing else is."""
    payload = "{bus_tdata, bus_tkeep, bus_tlast, bus_tuser}"
    return (
        _stable("bus_tvalid", "bus_tready", payload, "$bits(bus_tdata)+$bits(bus_tkeep)+4")
        + """
  reg [1:0] inside;
  always @(posedge clk)
    if (rst) inside <= 0; else inside <= inside + (result_valid & result_ready) - (bus_tvalid & bus_tready);
  reg last_taken;
  reg [2:0] status_taken;
  always @(posedge clk) if (result_valid & result_ready) begin
    last_taken <= result_last;
    status_taken <= result_status;
  end
  always @* if (!rst) begin
    assert (bus_tvalid == inside);
    assert (!bus_tvalid || (bus_tlast == last_taken && bus_tuser == status_taken));
  end
"""
    )


def _wishbone(config: AmperConfig) -> str:
    """An access that is taken is answered in the next cycle, if the master is still there, by one of ack and err;
    there is no other answer."""
    return """
  reg asked;
  always @(posedge clk) asked <= !rst & wb_cyc & wb_stb & !wb_stall;
  reg begun;
  always @(posedge clk) begun <= !rst;
  always @* if (!rst && begun) begin
    assert (!(wb_ack && wb_err));
    assert (!(wb_ack || wb_err) || (wb_cyc && asked));
    assert (!(wb_cyc && asked) || wb_ack || wb_err);
  end
"""


PROPERTIES = (
    Property(
        "result-stable",
        "a result that is not taken stays, with its payload",
        "amper_draw_unit_queue",
        lambda config: _stable("r_rdy", "r_en", "r_data", "$bits(r_data)"),
        "r_rdy_held",
        (r"if \(free\) r_data <= ", "r_data <= "),
    ),
    Property(
        "rank-select",
        "the bit that is found is the r-th that is set",
        "amper_bit_select",
        _bit_select,
        "done_valid && done_position != 0",
        (r"start_vector\[1\] & \(\{1'b0, start_vector\[0\]\} == start_rank\)", "start_vector[1]"),
    ),
    Property(
        "refused-changes",
        "a parameter that is refused leaves everything as it was",
        "amper_parameter_unit",
        _refused,
        "checked && refused && taken_before",
        (r"& \(control_value <= 32'd12\)", ""),
    ),
    Property(
        "axi4-lite",
        "valid and payload stay until ready; one response to each request, in time, and none unasked",
        "amper_axi_lite",
        _axi_lite,
        "bus_bvalid_held && bus_rvalid_held",
        (r"if \(bus_bready\) bus_bvalid <= 1'b0;", "bus_bvalid <= 1'b0;"),
        bus="axi",
    ),
    Property(
        "axi4-stream",
        "results: valid and payload stay until ready; each is sent once, and nothing else",
        "amper_axi_results",
        _axi_results,
        "bus_tvalid_held && inside == 1",
        (r"if \(result_ready\) begin\n        bus_tvalid <= ", "begin\n        bus_tvalid <= "),
        bus="axi",
    ),
    Property(
        "wishbone",
        "each access that is taken has one answer, in the next cycle; none comes unasked or outside of a cycle",
        "amper",
        _wishbone,
        "wb_ack",
        (r"assign wb_ack = wb_cyc_and_wb_stall", "assign wb_ack = wb_stall"),
        bus="wishbone",
    ),
    Property(
        "answers",
        f"a request has as many results as it asks for, the last marked, or one error; {ANSWER} cycles without "
        "a result at most; none is unasked",
        TOP,
        answers,
        "whole",
        (r"controller__at_once = ~write_valid & ~control_valid", "controller__at_once = 1'b1"),
        cycles=20,
        values={"rows": 2, "priority_width": 4, "batch": 2, "pipeline": "shallow"},
        free=("pick",),
    ),
    Property(
        "csp-union",
        "the CSP are the rows that any of a batch's searches matches; a draw selects from it",
        "amper_bank_4",
        union,
        "due[3] && select_due[1] && count_rows == 3",
        (r"\(key_first \? 4'd0 : csp\) \| match", "match"),
        cycles=10,
        values={"rows": 4, "bank_rows": 4, "priority_width": 4, "groups": 2, "batch": 2, "variant": "fr"},
    ),
)
