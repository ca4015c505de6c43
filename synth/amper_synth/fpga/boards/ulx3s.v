// AMPER on a ULX3S (ECP5-85F): the registers over the USB serial port, 1 Mbaud (docs/hardware/fpga.md, "The host link").
`timescale 1 ns / 1 ps

module amper_ulx3s(
  input clk_25mhz,
  input ftdi_txd,      // from the host
  output ftdi_rxd,     // to the host
  input btn_fire1,     // reset
  output [7:0] led,
  output wifi_gpio0    // 1: the ESP32 leaves the board alone
);
  // Reset for the first 16 cycles after configuration, and while the button is pressed.
  reg [3:0] awake = 0;
  reg [1:0] button = 0;
  reg rst = 1;
  always @(posedge clk_25mhz) begin
    button <= {button[0], btn_fire1};
    awake <= button[1] ? 4'd0 : awake + {3'd0, ~&awake};
    rst <= ~&awake;
  end

  wire cyc, stb, we, ack, err, stall, irq;
  wire [9:0] adr;
  wire [3:0] sel;
  wire [31:0] to_sampler, from_sampler;

  amper_host_link link (
    .clk(clk_25mhz),
    .rst(rst),
    .rx(ftdi_txd),
    .tx(ftdi_rxd),
    .wb_cyc(cyc),
    .wb_stb(stb),
    .wb_we(we),
    .wb_adr(adr),
    .wb_sel(sel),
    .wb_dat_i(to_sampler),
    .wb_dat_o(from_sampler),
    .wb_ack(ack),
    .wb_err(err),
    .wb_stall(stall)
  );

  amper sampler (
    .clk(clk_25mhz),
    .rst(rst),
    .wb_cyc(cyc),
    .wb_stb(stb),
    .wb_we(we),
    .wb_adr(adr),
    .wb_sel(sel),
    .wb_dat_i(to_sampler),
    .wb_dat_o(from_sampler),
    .wb_ack(ack),
    .wb_err(err),
    .wb_stall(stall),
    .irq(irq)
  );

  // A light blinks while the clock runs; the others show the bus and the interrupt.
  reg [23:0] beat = 0;
  always @(posedge clk_25mhz) beat <= beat + 24'd1;
  assign led = {beat[23], 3'b000, irq, err, ack, rst};
  assign wifi_gpio0 = 1'b1;
endmodule
