"""Mutants of a sampler's Verilog, and which of them verification notices."""
