// The SoC of examples/litex with a clock; prints what its serial port sends.
`timescale 1ns / 1ps
module litex_bench;
  reg clk = 0;
  wire valid;
  wire [7:0] data;
  sim dut(
    .sys_clk(clk), .serial_sink_valid(1'b0), .serial_sink_data(8'h0),
    .serial_source_ready(1'b1), .serial_source_valid(valid), .serial_source_data(data)
  );
  always #5 clk = ~clk;
  always @(posedge clk) if (valid) $write("%c", data);
  initial begin
    #5000000 $display("the program did not end");
    $finish;
  end
endmodule
