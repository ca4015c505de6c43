`timescale 1ns / 1ps
`default_nettype none

// An AXI4 master in plain Verilog: bursts of every kind, narrow, unaligned and across 4 KiB, with any skew between
// address, data and answer. It plays the bursts of writes.hex and, meanwhile, those of reads.hex; then it takes the
// batch of expected.hex by one burst in the window, and asks how many beats were refused.
module bench;
  parameter WRITES = 1, BEATS = 1, READS = 1, WORDS = 1, DRAWS = 1, REFUSED = 0, SEED = 1;

  // A burst: 63:56 ID, 55:44 address, 43:36 beats less one, 35:32 size, 31:28 kind, 23:0 its first beat or word; 27:24
  // the answer to a write, and of a read 1 for the batch and 2 for BUS_ERROR_COUNT.
  reg [63:0] wplan [0:WRITES-1], rplan [0:READS+1];
  reg [36:0] beats [0:BEATS-1];  // last, lanes, data
  reg [33:0] words [0:WORDS-1];  // answer, data
  reg [31:0] drawn [0:DRAWS-1];
  integer cycle = 0;

  reg clk = 0, rst = 1, awvalid = 0, wvalid = 0, bready = 0, arvalid = 0, rready = 0, wlast;
  reg [63:0] aw_now, ar_now;
  reg [31:0] wdata;
  reg [3:0] wstrb;
  wire awready, wready, bvalid, arready, rvalid, rlast, irq;
  wire [1:0] bresp, rresp;
  wire [7:0] bid, rid;
  wire [31:0] rdata;

  replay0 dut (
    .clk(clk), .rst(rst), .irq(irq),
    .s_axi_awid(aw_now[63:56]), .s_axi_awaddr(aw_now[55:44]), .s_axi_awlen(aw_now[43:36]), .s_axi_awsize(aw_now[34:32]),
    .s_axi_awburst(aw_now[29:28]), .s_axi_awvalid(awvalid), .s_axi_awready(awready),
    .s_axi_wdata(wdata), .s_axi_wstrb(wstrb), .s_axi_wlast(wlast), .s_axi_wvalid(wvalid), .s_axi_wready(wready),
    .s_axi_bid(bid), .s_axi_bresp(bresp), .s_axi_bvalid(bvalid), .s_axi_bready(bready),
    .s_axi_arid(ar_now[63:56]), .s_axi_araddr(ar_now[55:44]), .s_axi_arlen(ar_now[43:36]), .s_axi_arsize(ar_now[34:32]),
    .s_axi_arburst(ar_now[29:28]), .s_axi_arvalid(arvalid), .s_axi_arready(arready),
    .s_axi_rid(rid), .s_axi_rdata(rdata), .s_axi_rresp(rresp), .s_axi_rlast(rlast), .s_axi_rvalid(rvalid),
    .s_axi_rready(rready),
    .s_axis_write_tdata(64'b0), .s_axis_write_tkeep(8'b0), .s_axis_write_tlast(1'b0), .s_axis_write_tvalid(1'b0),
    .s_axis_write_tready(), .s_axis_request_tdata(32'b0), .s_axis_request_tvalid(1'b0), .s_axis_request_tready(),
    .m_axis_result_tdata(), .m_axis_result_tkeep(), .m_axis_result_tuser(), .m_axis_result_tlast(),
    .m_axis_result_tvalid(), .m_axis_result_tready(1'b0)
  );

  always #5 clk = ~clk;

  task fail(input [8*40-1:0] what, input integer number);
    begin
      $display("FAILED at %0d: %0s (%0d)", cycle, what, number);
      $finish;
    end
  endtask

  initial begin
    $readmemh("writes.hex", wplan);
    $readmemh("beats.hex", beats);
    $readmemh("reads.hex", rplan);
    $readmemh("words.hex", words);
    $readmemh("expected.hex", drawn);
  end

  always @(posedge clk) begin
    cycle = cycle + 1;
    rst <= cycle < 3;
  end

  // Writes. Data run ahead of addresses, and addresses of data, as far as the slave lets them.
  integer aw = 0, w = 0, b = 0, aw_wait = 5, w_wait = 0, b_wait = 0;
  integer aw_seed = SEED, w_seed = SEED + 1, b_seed = SEED + 2;
  reg b_held = 0;
  reg [9:0] b_before;
  always @(posedge clk) if (!rst) begin
    if (awvalid && awready) begin
      aw = aw + 1;
      aw_wait = $random(aw_seed) % 8 > 1 ? $random(aw_seed) & 63 : 0;
    end
    if (!awvalid || awready) begin
      awvalid <= aw < WRITES && aw_wait == 0;
      aw_now <= aw < WRITES && aw_wait == 0 ? wplan[aw] : 64'hx;
      if (aw_wait != 0) aw_wait = aw_wait - 1;
    end
    if (wvalid && wready) begin
      w = w + 1;
      w_wait = $random(w_seed) % 8 > 2 ? $random(w_seed) & 31 : 0;
    end
    if (!wvalid || wready) begin
      wvalid <= w < BEATS && w_wait == 0;
      {wlast, wstrb, wdata} <= w < BEATS && w_wait == 0 ? beats[w] : 37'hx;
      if (w_wait != 0) w_wait = w_wait - 1;
    end
    if (b_held && !(bvalid && {bid, bresp} === b_before)) fail("an answer that did not wait", b);
    if (bvalid && bready) begin
      if (b >= aw || wplan[b][23:0] + wplan[b][43:36] >= w) fail("an answer to nothing", b);
      if ({bid, bresp} !== {wplan[b][63:56], wplan[b][25:24]}) fail("another answer to a write", b);
      b = b + 1;
      b_wait = $random(b_seed) % 8 > 2 ? $random(b_seed) & 127 : 0;
    end
    bready <= b_wait == 0;
    if (b_wait != 0) b_wait = b_wait - 1;
    b_held <= bvalid && !bready;
    b_before <= {bid, bresp};
  end

  // Reads: any of the plan until every write is answered, then the last two: the batch in the window, BUS_ERROR_COUNT.
  integer ar = 0, r = 0, word = 0, draw = 0, refused = REFUSED, stage = 0;
  integer ar_wait = 3, r_wait = 0, ar_seed = SEED + 3, r_seed = SEED + 4;
  reg ended = 0, r_held = 0;
  reg [63:0] asked [0:3];
  reg [42:0] r_before;
  always @(posedge clk) if (!rst) begin
    if (cycle > 200000) fail("it hangs", r);
    if (r_held && !(rvalid && {rlast, rid, rresp, rdata} === r_before)) fail("data that did not wait", r);
    if (rvalid && rready) begin
      if (r >= ar) fail("data for nothing", r);
      if (rid !== asked[r % 4][63:56]) fail("another ID", r);
      if (rlast !== (word == asked[r % 4][43:36])) fail("another length", r);
      if (asked[r % 4][27:24] == 0) begin
        if ({rresp, rdata} !== words[asked[r % 4][23:0] + word]) fail("another word", asked[r % 4][23:0] + word);
        refused = refused + rresp[1];
      end else if (asked[r % 4][27:24] == 2) begin
        if (rdata !== refused) fail("another number of refusals", rdata);
        $display("PASSED %0d bursts of writes, %0d of reads, %0d draws, %0d cycles", b, r, draw, cycle);
        $finish;
      end else begin
        if ({rresp, rdata} !== (word < DRAWS ? {2'b0, drawn[word % DRAWS]} : 34'h0)) fail("another draw", word);
        draw = draw + (word < DRAWS);
      end
      word = word + 1;
      if (rlast) begin
        r = r + 1;
        word = 0;
      end
      r_wait = $random(r_seed) % 8 > 3 ? $random(r_seed) & 63 : 0;
    end
    rready <= r_wait == 0;
    if (r_wait != 0) r_wait = r_wait - 1;
    r_held <= rvalid && !rready;
    r_before <= {rlast, rid, rresp, rdata};
    if (arvalid && arready) begin
      ar = ar + 1;
      ar_wait = $random(ar_seed) % 8 > 1 ? $random(ar_seed) & 31 : 0;
    end
    if (!arvalid || arready) begin
      if (stage == 0 && b == WRITES || stage == 1 && draw == DRAWS) begin
        stage = stage + 1;
        ended = 0;
      end
      arvalid <= ar_wait == 0 && (stage == 0 || !ended && r == ar);
      ar_now <= 64'hx;
      if (ar_wait != 0) ar_wait = ar_wait - 1;
      else if (stage == 0 || !ended && r == ar) begin
        asked[ar % 4] = rplan[stage == 0 ? ($random(ar_seed) & 32'hffff) % READS : READS + stage - 1];
        ar_now <= asked[ar % 4];
        ended = stage != 0;
      end
    end
  end
endmodule
