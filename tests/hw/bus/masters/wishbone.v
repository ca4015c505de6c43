`timescale 1ns / 1ps
`default_nettype none

// A Wishbone master in plain Verilog: classic and pipelined bus cycles of several accesses, with the strobe held or not
// between them, and cycles that end before their answer. It plays program.hex, takes the batch of expected.hex, and
// asks how many accesses were refused.
module bench;
  parameter ACCESSES = 1, DRAWS = 1, REFUSED = 0, SEED = 1;

  // An access: 62 may be cut short, 61 is refused, 60 write, 47:36 address of a byte, 35:32 lanes, 31:0 data.
  reg [63:0] plan [0:ACCESSES-1];
  reg [31:0] drawn [0:DRAWS-1];
  reg clk = 0, rst = 1, cyc = 0, stb = 0, we = 0;
  reg [9:0] adr = 0;
  reg [3:0] sel = 0;
  reg [31:0] dat_w = 0, data;
  wire [31:0] dat_r;
  wire ack, err, stall, irq;
  integer cycle = 0, at = 0, draw = 0, cut = 0, classic = 0, pipelined = 0, seed = SEED, size, offered, answered;

  replay0 dut (
    .clk(clk), .rst(rst), .irq(irq), .wb_cyc(cyc), .wb_stb(stb), .wb_we(we), .wb_adr(adr), .wb_sel(sel),
    .wb_dat_i(dat_w), .wb_dat_o(dat_r), .wb_ack(ack), .wb_err(err), .wb_stall(stall)
  );

  always #5 clk = ~clk;

  task fail(input [8*40-1:0] what, input integer number);
    begin
      $display("FAILED at %0d: %0s (%0d)", cycle, what, number);
      $finish;
    end
  endtask

  always @(posedge clk) begin
    cycle = cycle + 1;
    if (cycle > 200000) fail("it hangs", at);
    if (!rst && !cyc && (ack || err)) fail("an answer outside a bus cycle", at);
    if (!rst && ack && err) fail("two answers at once", at);
  end

  function integer chance(input integer below);
    chance = ($random(seed) >> 4 & 32'hffff) % below;
  endfunction

  task offer(input [63:0] access);
    begin
      cyc <= 1;
      stb <= 1;
      we <= access[60];
      adr <= access[47:38];
      sel <= access[35:32];
      dat_w <= access[31:0];
    end
  endtask

  // Nothing is offered; what stands at the payload must not matter.
  task withdraw(input keep);
    begin
      cyc <= keep;
      stb <= 0;
      {we, adr, sel, dat_w} <= 47'hx;
    end
  endtask

  // One access after the other, each held until its answer, as every master of registered-feedback bursts does, too.
  task classic_cycle;
    begin
      offer(plan[at]);
      answered = 0;
      while (answered < size) begin
        @(posedge clk);
        if (ack || err) begin
          if (err !== plan[at + answered][61]) fail("another answer", at + answered);
          answered = answered + 1;
          if (answered < size && chance(3) == 0) begin
            withdraw(1);
            repeat (1 + chance(3)) @(posedge clk);
            if (ack || err) fail("an answer to nothing", at);
          end
          if (answered < size) offer(plan[at + answered]);
        end
      end
      classic = classic + size;
    end
  endtask

  task pipelined_cycle;
    begin
      offer(plan[at]);
      offered = 0;
      answered = 0;
      while (answered < size) begin
        @(posedge clk);
        if (ack || err) begin
          if (answered == offered) fail("an answer to nothing", at + answered);
          if (err !== plan[at + answered][61]) fail("another answer", at + answered);
          answered = answered + 1;
        end
        if (stb && !stall) offered = offered + 1;
        if (!stb || !stall) begin
          if (offered < size && chance(4) != 0) offer(plan[at + offered]);
          else withdraw(1);
        end
      end
      pipelined = pipelined + size;
    end
  endtask

  task read(input [11:0] address);
    begin
      offer({16'h0, address, 4'hf, 32'hx});
      @(posedge clk);
      while (!ack && !err) @(posedge clk);
      if (err) fail("a read was refused", address);
      data = dat_r;
      withdraw(0);
      repeat (1 + chance(4)) @(posedge clk);
    end
  endtask

  initial begin
    $readmemh("program.hex", plan);
    $readmemh("expected.hex", drawn);
  end

  // Runs once; in `initial`, Verilator would make blocking assignments of the others.
  always begin
    repeat (3) @(posedge clk);
    rst <= 0;
    @(posedge clk);
    while (at < ACCESSES) begin
      size = 1 + chance(6);
      if (size > ACCESSES - at) size = ACCESSES - at;
      if (plan[at][62] && chance(2)) begin
        size = 1;
        offer(plan[at]);
        @(posedge clk);
        cut = cut + 1;
      end else if (chance(2)) classic_cycle;
      else pipelined_cycle;
      at = at + size;
      withdraw(0);
      repeat (1 + chance(4)) @(posedge clk);
    end
    while (draw < DRAWS) begin
      read(12'h0ec);
      if (data != 0) begin
        if (data !== drawn[draw]) fail("another draw", data);
        draw = draw + 1;
      end
    end
    read(12'h0ec);
    if (data !== 0) fail("a draw too many", data);
    read(12'h0a4);
    if (data !== REFUSED) fail("another number of refusals", data);
    $display("PASSED %0d classic, %0d pipelined, %0d cut short, %0d cycles", classic, pipelined, cut, cycle);
    $finish;
  end
endmodule
