"""Words that nothing may be called: those of Verilog (IEEE 1364-2005) and SystemVerilog (IEEE 1800-2017)."""

_TEXT = """
alias always and assert assign assume automatic before begin bind bit break buf byte case cell chandle checker class
clocking config const constraint context continue cover cross deassign default defparam design disable do edge else
end endcase enum event expect export extends extern final first_match for force forever fork function generate genvar
global highz0 highz1 if iff ifnone import include initial inout input inside instance int integer interface intersect
join large let liblist library local localparam logic longint macromodule matches medium modport module nand negedge
new nor not null or output package packed parameter pmos posedge primitive priority program property protected pull0
pull1 pulldown pullup pure rand randc real realtime ref reg release repeat return rnmos rpmos rtran scalared sequence
shortint shortreal signed small solve specify static string strong struct super supply0 supply1 table tagged task this
throughout time timeprecision timeunit tran tri tri0 tri1 triand trior trireg type typedef union unique unsigned use
uwire var vectored virtual void wait wand weak while wildcard wire with within wor xnor xor
"""

KEYWORDS = frozenset(_TEXT.split())
