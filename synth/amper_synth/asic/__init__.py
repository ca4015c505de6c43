"""The flow through a cell library: synthesis, timing, power, netlist simulation."""
