"""The files of a generated sampler: Verilog, description, registers, constraints."""
