"""Properties of the generated Verilog that are proven, not simulated."""
