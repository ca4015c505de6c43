"""Rows of variant exact in an FPGA's LUT RAM, transposed (docs/hardware/exact.md)."""
