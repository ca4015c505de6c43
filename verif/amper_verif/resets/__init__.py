"""Registers of the generated Verilog that a reset does not set, and why each is harmless."""
