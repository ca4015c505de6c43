"""Which lines, branches and bits of the Verilog ran: Verilator's counts, merged, by module, with waivers."""
