"""Commands that find faults in the Verilog, or show that there are none (docs/reference/verification.md)."""
