"""A made-up cell library, small but whole: what the ASIC flow needs. (ABC fails on tables smaller than 3 by 3.)"""

from __future__ import annotations

_HEAD = """\
/* made up; times in ns, capacitance in pF */
library (mini) {
  delay_model : table_lookup;
  time_unit : "1ns";
  voltage_unit : "1V";
  current_unit : "1mA";
  pulling_resistance_unit : "1kohm";
  leakage_power_unit : "1nW";
  capacitive_load_unit (1, pf);
  nom_voltage : 1.1;
  nom_temperature : 25;
  nom_process : 1;
  slew_lower_threshold_pct_rise : 30; slew_upper_threshold_pct_rise : 70;
  slew_lower_threshold_pct_fall : 30; slew_upper_threshold_pct_fall : 70;
  input_threshold_pct_rise : 50; input_threshold_pct_fall : 50;
  output_threshold_pct_rise : 50; output_threshold_pct_fall : 50;
  operating_conditions (typical) { process : 1; voltage : 1.1; temperature : 25; tree_type : balanced_tree; }
  default_operating_conditions : typical;
  default_wire_load : "small";
  wire_load ("small") {
    capacitance : 0.0001; resistance : 0.001; slope : 1; fanout_length (1, 1); fanout_length (8, 9);
  }
  lu_table_template (slew_load) {
    variable_1 : input_net_transition; variable_2 : total_output_net_capacitance;
    index_1 ("0.01, 0.1, 0.5"); index_2 ("0.001, 0.01, 0.1");
  }
  lu_table_template (constraint) {
    variable_1 : related_pin_transition; variable_2 : constrained_pin_transition;
    index_1 ("0.01, 0.5"); index_2 ("0.01, 0.5");
  }
"""


def mini_liberty() -> str:
    """The library's text."""
    cells = [
        _gate("INV_X1", 0.6, "!A", ("A",), 1.0),
        _gate("INV_X4", 1.2, "!A", ("A",), 0.3),
        _gate("BUF_X1", 0.8, "A", ("A",), 1.0),
        _gate("BUF_X2", 1.1, "A", ("A",), 0.5),
        _gate("NAND2_X1", 0.8, "!(A & B)", ("A", "B"), 1.0),
        _gate("NOR2_X1", 0.8, "!(A | B)", ("A", "B"), 1.2),
        _gate("XOR2_X1", 1.6, "(A ^ B)", ("A", "B"), 1.2),
        '  cell (TIE) { area : 0.5;\n    pin (Z1) { direction : output; function : "1"; }\n'
        '    pin (Z0) { direction : output; function : "0"; }\n  }\n',
        _FLIP_FLOP.format(arc=_arc("CK", "rising_edge", 1.0), limits=_limits("setup_rising", "hold_rising")),
        _LATCH.format(arc=_arc("G", "rising_edge", 1.0), limits=_limits("setup_falling", "hold_falling", "G")),
        _CLOCK_GATE.format(
            arc=_arc("CK", "combinational", 0.5, "positive_unate"), limits=_limits("setup_rising", "hold_rising")
        ),
    ]
    return _HEAD + "".join(cells) + "}\n"


_FLIP_FLOP = """\
  cell (DFF_X1) {{ area : 4.5;
    ff (IQ, IQN) {{ next_state : "D"; clocked_on : "CK"; }}
    pin (D) {{ direction : input; capacitance : 0.001; {limits} }}
    pin (CK) {{ direction : input; capacitance : 0.001; clock : true; }}
    pin (Q) {{ direction : output; function : "IQ"; max_capacitance : 0.1; {arc} }}
  }}
"""
_LATCH = """\
  cell (LATCH_X1) {{ area : 2.7;
    latch (IQ, IQN) {{ data_in : "D"; enable : "G"; }}
    pin (D) {{ direction : input; capacitance : 0.001; {limits} }}
    pin (G) {{ direction : input; capacitance : 0.001; clock : true; }}
    pin (Q) {{ direction : output; function : "IQ"; max_capacitance : 0.1; {arc} }}
  }}
"""
_CLOCK_GATE = """\
  cell (CLKGATE_X1) {{ area : 3.5; clock_gating_integrated_cell : "latch_posedge";
    statetable ("CK E", "IQ") {{ table : "L L : - : L, L H : - : H, H - : - : N"; }}
    pin (IQ) {{ direction : internal; internal_node : "IQ"; }}
    pin (CK) {{ direction : input; capacitance : 0.001; clock : true; clock_gate_clock_pin : true; }}
    pin (E) {{ direction : input; capacitance : 0.001; clock_gate_enable_pin : true; {limits} }}
    pin (GCK) {{
      direction : output; clock_gate_out_pin : true; state_function : "CK * IQ"; max_capacitance : 0.2; {arc}
    }}
  }}
"""


def _gate(name: str, area: float, function: str, inputs: tuple[str, ...], scale: float) -> str:
    sense = {"!": "negative_unate", "(": "non_unate"}.get(function[0], "positive_unate")
    pins = "".join(f"    pin ({pin}) {{ direction : input; capacitance : {0.001 / scale:.4f}; }}\n" for pin in inputs)
    arcs = " ".join(_arc(pin, "combinational", scale, sense) for pin in inputs)
    output = (
        f'    pin (Y) {{ direction : output; function : "{function}"; max_capacitance : {0.06 / scale:.3f}; {arcs} }}\n'
    )
    return f"  cell ({name}) {{ area : {area};\n    cell_leakage_power : 1;\n{pins}{output}  }}\n"


def _arc(pin: str, kind: str, scale: float, sense: str = "non_unate") -> str:
    """Delay and slew grow with input slew and load."""
    values = [[0.02 + 0.1 * slew + 4 * scale * load for load in (0.001, 0.01, 0.1)] for slew in (0.01, 0.1, 0.5)]
    table = ", \\\n        ".join('"' + ", ".join(f"{value:.4f}" for value in line) + '"' for line in values)
    names = ("cell_rise", "cell_fall", "rise_transition", "fall_transition")
    tables = " ".join(f"{name} (slew_load) {{ values ({table}); }}" for name in names)
    return f'timing () {{ related_pin : "{pin}"; timing_type : {kind}; timing_sense : {sense}; {tables} }}'


def _limits(setup: str, hold: str, pin: str = "CK") -> str:
    tables = " ".join(
        f'{name} (constraint) {{ values ("0.01, 0.02", "0.01, 0.02"); }}'
        for name in ("rise_constraint", "fall_constraint")
    )
    return " ".join(f'timing () {{ related_pin : "{pin}"; timing_type : {kind}; {tables} }}' for kind in (setup, hold))
