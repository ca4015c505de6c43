`timescale 1ns / 1ps
`default_nettype none

// An AXI4-Lite master in plain Verilog. It plays program.hex with any skew between address, data and answer, while it
// reads constants; then it takes the batch of expected.hex, and asks how many accesses were refused.
module bench;
  parameter WRITES = 1, DRAWS = 1, REFUSED = 0, SEED = 1;
  localparam CONSTANTS = 4;

  reg clk = 0, rst = 1;
  reg [49:0] plan [0:WRITES-1];  // address, data, strobe, answer
  reg [31:0] drawn [0:DRAWS-1];
  reg [43:0] constants [0:CONSTANTS-1];  // address, value
  integer cycle = 0;

  reg awvalid = 0, wvalid = 0, bready = 0, arvalid = 0, rready = 0;
  reg [11:0] awaddr, araddr;
  reg [31:0] wdata;
  reg [3:0] wstrb;
  wire awready, wready, bvalid, arready, rvalid, irq;
  wire [1:0] bresp, rresp;
  wire [31:0] rdata;

  replay0 dut (
    .clk(clk), .rst(rst), .irq(irq),
    .s_axil_awaddr(awaddr), .s_axil_awprot(3'b0), .s_axil_awvalid(awvalid), .s_axil_awready(awready),
    .s_axil_wdata(wdata), .s_axil_wstrb(wstrb), .s_axil_wvalid(wvalid), .s_axil_wready(wready),
    .s_axil_bresp(bresp), .s_axil_bvalid(bvalid), .s_axil_bready(bready),
    .s_axil_araddr(araddr), .s_axil_arprot(3'b0), .s_axil_arvalid(arvalid), .s_axil_arready(arready),
    .s_axil_rdata(rdata), .s_axil_rresp(rresp), .s_axil_rvalid(rvalid), .s_axil_rready(rready),
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
    $readmemh("program.hex", plan);
    $readmemh("expected.hex", drawn);
    $readmemh("constants.hex", constants);
  end

  always @(posedge clk) begin
    cycle = cycle + 1;
    rst <= cycle < 3;
  end

  // Writes: addresses, data and answers, each with pauses of its own.
  integer aw = 0, w = 0, b = 0, aw_wait = 5, w_wait = 0, b_wait = 0;
  integer aw_seed = SEED, w_seed = SEED + 1, b_seed = SEED + 2;
  reg b_held = 0;
  reg [1:0] b_before;
  always @(posedge clk) if (!rst) begin
    if (awvalid && awready) begin
      aw = aw + 1;
      aw_wait = $random(aw_seed) % 8 > 1 ? $random(aw_seed) & 63 : 0;
    end
    if (!awvalid || awready) begin
      awvalid <= aw < WRITES && aw_wait == 0;
      awaddr <= aw < WRITES && aw_wait == 0 ? plan[aw][49:38] : 12'hxxx;
      if (aw_wait != 0) aw_wait = aw_wait - 1;
    end
    if (wvalid && wready) begin
      w = w + 1;
      w_wait = $random(w_seed) % 8 > 1 ? $random(w_seed) & 63 : 0;
    end
    if (!wvalid || wready) begin
      wvalid <= w < WRITES && w_wait == 0;
      {wdata, wstrb} <= w < WRITES && w_wait == 0 ? plan[w][37:2] : 36'hx;
      if (w_wait != 0) w_wait = w_wait - 1;
    end
    if (b_held && !(bvalid && bresp == b_before)) fail("an answer that did not wait", b);
    if (bvalid && bready) begin
      if (b >= aw || b >= w) fail("an answer to nothing", b);
      if (bresp !== plan[b][1:0]) fail("another answer to a write", b);
      b = b + 1;
      b_wait = $random(b_seed) % 8 > 2 ? $random(b_seed) & 127 : 0;
    end
    bready <= b_wait == 0;
    if (b_wait != 0) b_wait = b_wait - 1;
    b_held <= bvalid && !bready;
    b_before <= bresp;
  end

  // Reads: constants as long as writes are answered, then draws, then BUS_ERROR_COUNT.
  integer ar = 0, r = 0, draw = 0, stage = 0, ar_wait = 3, r_wait = 0, ar_seed = SEED + 3, r_seed = SEED + 4, which = 0;
  reg [7:0] asked [0:7];  // stage and constant of the reads under way
  reg r_held = 0;
  reg [33:0] r_before;
  always @(posedge clk) if (!rst) begin
    if (cycle > 200000) fail("it hangs", r);
    if (r_held && !(rvalid && {rresp, rdata} === r_before)) fail("data that did not wait", r);
    if (rvalid && rready) begin
      if (r >= ar) fail("data for nothing", r);
      if (rresp !== 2'b00) fail("a read was refused", asked[r % 8]);
      case (asked[r % 8][7:6])
        0: if (rdata !== constants[asked[r % 8][5:0]][31:0]) fail("another constant", asked[r % 8]);
        1: if (rdata[15]) begin
          if (draw == DRAWS || rdata !== drawn[draw % DRAWS]) fail("another draw", rdata);
          draw = draw + 1;
        end else if (rdata !== 0) fail("half a draw", rdata);
        default: begin
          if (rdata !== REFUSED) fail("another number of refusals", rdata);
          $display("PASSED %0d writes, %0d reads, %0d draws, %0d cycles", b, r, draw, cycle);
          $finish;
        end
      endcase
      r = r + 1;
      r_wait = $random(r_seed) % 8 > 2 ? $random(r_seed) & 127 : 0;
    end
    rready <= r_wait == 0;
    if (r_wait != 0) r_wait = r_wait - 1;
    r_held <= rvalid && !rready;
    r_before <= {rresp, rdata};
    if (arvalid && arready) begin
      ar = ar + 1;
      ar_wait = $random(ar_seed) % 8 > 1 ? $random(ar_seed) & 31 : 0;
    end
    if (!arvalid || arready) begin
      if (stage == 0 && b == WRITES) stage = 1;
      if (stage == 1 && draw == DRAWS && r == ar) stage = 2;
      arvalid <= ar_wait == 0;
      if (ar_wait == 0) begin
        which = $random(ar_seed) & CONSTANTS - 1;
        asked[ar % 8] = {stage[1:0], which[5:0]};
        araddr <= stage == 0 ? constants[which][43:32] : stage == 1 ? 12'h0EC : 12'h0A4;
      end else begin
        araddr <= 12'hxxx;
        ar_wait = ar_wait - 1;
      end
    end
  end
endmodule
