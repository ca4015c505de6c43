// A host at the serial port of the board: sends the bytes of a file, prints every byte that comes back.
`timescale 1 ns / 1 ps

module ulx3s_bench;
  parameter CLOCKS_PER_BIT = 4;
  parameter COUNT = 1;
  localparam PERIOD = 40;
  localparam BIT = PERIOD * CLOCKS_PER_BIT;

  reg clk = 0, to_board = 1, button = 0;
  wire from_board;
  wire [7:0] led;
  wire wifi_gpio0;
  reg [7:0] sent [0:COUNT - 1];
  integer index, position;

  amper_ulx3s board(
    .clk_25mhz(clk),
    .ftdi_txd(to_board),
    .ftdi_rxd(from_board),
    .btn_fire1(button),
    .led(led),
    .wifi_gpio0(wifi_gpio0)
  );
  always #(PERIOD / 2) clk = ~clk;

  initial begin
    $readmemh("sent.hex", sent);
    #(PERIOD * 40);
    for (index = 0; index < COUNT; index = index + 1) begin
      to_board = 0;
      #BIT;
      for (position = 0; position < 8; position = position + 1) begin
        to_board = sent[index][position];
        #BIT;
      end
      to_board = 1;
      #BIT;
    end
    #(BIT * 100);
    $display("wifi %b", wifi_gpio0);
    button = 1;
    #(PERIOD * 10);
    $display("reset %b", led[0]);
    button = 0;
    #(PERIOD * 40);
    $display("awake %b", ~led[0]);
    $finish;
  end

  reg [7:0] received;
  integer place;
  always @(negedge from_board) begin : receive
    #(BIT / 2);
    for (place = 0; place < 8; place = place + 1) begin
      #BIT;
      received[place] = from_board;
    end
    #BIT;
    if (from_board !== 1) $display("no stop bit");
    else $display("%h", received);
  end
endmodule
