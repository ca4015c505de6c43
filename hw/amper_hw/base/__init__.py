"""What every component stands on: payloads, cycles, bit operations, registers in a row, shared modules."""
