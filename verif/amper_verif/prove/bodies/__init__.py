"""What is asserted of each module: text of Verilog, with the widths and latencies of a configuration."""
