"""The FPGA flow: synthesis, place and route, boards."""
