"""Bodies of the properties of streams and buses."""

from __future__ import annotations

from amper import AmperConfig


def stable(valid: str, ready: str, payload: str, width: int | str) -> str:
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


def axi_lite(config: AmperConfig) -> str:
    """A.3.2 of the AXI specification: valid and payload stay until ready; a response only to a request that was taken,
    one each; with a master that is ready, four cycles after the last of its beats or five behind the other channel."""
    return (
        stable("bus_bvalid", "bus_bready", "bus_bresp", 2)
        + stable("bus_rvalid", "bus_rready", "{bus_rdata, bus_rresp}", 34)
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


def axi_results(config: AmperConfig) -> str:
    """Valid and payload stay until ready; every result is sent once, and nothing else is."""
    payload = "{bus_tdata, bus_tkeep, bus_tlast, bus_tuser}"
    return (
        stable("bus_tvalid", "bus_tready", payload, "$bits(bus_tdata)+$bits(bus_tkeep)+4")
        + """
  reg [1:0] kept;
  always @(posedge clk)
    if (rst) kept <= 0; else kept <= kept + (result_valid & result_ready) - (bus_tvalid & bus_tready);
  reg last_taken;
  reg [2:0] status_taken;
  always @(posedge clk) if (result_valid & result_ready) begin
    last_taken <= result_last;
    status_taken <= result_status;
  end
  always @* if (!rst) begin
    assert (bus_tvalid == kept);
    assert (!bus_tvalid || (bus_tlast == last_taken && bus_tuser == status_taken));
  end
"""
    )


def wishbone(config: AmperConfig) -> str:
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
