"""Power of the netlist while it replays the recorded trace: activities from simulation, energies by OpenSTA.

OpenSTA 2.0 reads no dump of a simulation, so every pin gets the rate that was counted. It also counts every clock pin
at the full rate, gated or not: the energy of the clock pins behind gates is scaled by the rate that was counted. And it
crashes on ASAP7's cells for constants, which therefore are taken out first; what they leak is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from amper_hw.output.generate import TOP
from amper_synth.asic.activity import Activity
from amper_synth.liberty.cells import Library
from amper_synth.tools.sta import read_libraries, run_sta
from amper_verif.harness.yosys import SynthesisError

METHOD = "rates of every pin, from simulating the netlist on the recorded trace, without glitches; energies by OpenSTA"

# First of one cell of every kind of register while only its clock moves, then of every cell with its rates.
_SCRIPT = """\
{libraries}read_verilog netlist.v
link_design {top}
foreach cell [get_cells -hierarchical *] {{
  if {{[lsearch {{{constants}}} [get_property $cell ref_name]] >= 0}} {{ delete_instance [get_full_name $cell] }}
}}
{wires}create_clock -name clk -period {period} [get_ports clk]
set_power_activity -input -activity 0 -duty 0
set corner [sta::cmd_corner]
proc path {{object}} {{ return [string map {{\\\\ "" / .}} [get_full_name $object]] }}
set out [open power_cells.txt w]
array set seen {{}}
foreach register [all_registers -cells] {{
  set kind [get_property $register ref_name]
  if {{[info exists seen($kind)]}} {{ continue }}
  set seen($kind) 1
  foreach pin [get_pins -of_objects $register] {{ sta::set_power_pin_activity $pin 0 0 }}
  puts $out "REGISTER $kind [lindex [sta::instance_power $register $corner] 0]"
}}
array set rate {{}}
set rates [open power_rates.txt r]
while {{[gets $rates line] >= 0}} {{ set rate([lindex $line 0]) [lrange $line 1 2] }}
close $rates
set cells {{}}
foreach cell [get_cells -hierarchical *] {{
  set pins [get_pins -of_objects $cell]
  set name [path $cell]
  set known 0
  foreach pin $pins {{
    set key "$name.[get_property $pin lib_pin_name]"
    if {{[info exists rate($key)]}} {{
      sta::set_power_pin_activity $pin [lindex $rate($key) 0] [lindex $rate($key) 1]
      set known 1
    }}
  }}
  if {{$known}} {{ lappend cells $cell }}
}}
foreach cell $cells {{
  puts $out "CELL [path $cell] [get_property $cell ref_name] [sta::instance_power $cell $corner]"
}}
close $out
"""


@dataclass(frozen=True)
class Power:
    """Power in mW at the clock of the longest path, or slower if so asked."""

    method: str
    clock_mhz: float
    cycles: int  # simulated, from the first request on
    batches: int
    total_mw: float
    internal_mw: float  # clock pins included
    switching_mw: float
    leakage_mw: float
    clock_mw: float  # of the registers' clock pins, part of internal; the tree that drives them is not there yet
    by_component_mw: dict[str, float]


def estimate_power(
    folder: Path, library: Library, files: Sequence[str], activity: Activity, *, period: float, wire_load: str
) -> Power:
    """Power of ``netlist.v`` in ``folder``, its clock of ``period`` seconds. SynthesisError: OpenSTA failed."""
    rates = "".join(f"{{{name}}} {rate:.6g} {duty:.4g}\n" for name, (rate, duty) in activity.pins.items())
    (folder / "power_rates.txt").write_text(rates, encoding="utf-8")
    script = _SCRIPT.format(
        libraries=read_libraries(files),
        top=TOP,
        constants=" ".join(sorted({tied[0] for tied in map(library.constant, (0, 1)) if tied})),
        wires=f"set_wire_load_mode top\nset_wire_load_model -name {wire_load}\n" if wire_load else "",
        period=f"{period / library.time_unit:.6g}",
    )
    run_sta(folder, "power", script)
    idle: dict[str, float] = {}
    sums = {"internal": 0.0, "switching": 0.0, "leakage": 0.0, "clock": 0.0}
    components: dict[str, float] = {}
    for line in (folder / "power_cells.txt").read_text(encoding="utf-8").splitlines():
        kind, *words = line.split()
        if kind == "REGISTER":
            idle[words[0]] = float(words[1])
            continue
        name, cell = words[:2]
        internal, switching, leakage = (float(word) for word in words[2:5])
        clock = idle.get(cell, 0.0)
        kept = clock * _clock_rate(library, cell, name, activity) / 2  # two changes a cycle are the full rate
        power = internal - clock + kept + switching + leakage
        for part, value in zip(sums, (internal - clock + kept, switching, leakage, kept), strict=True):
            sums[part] += value
        component = name.split(".")[0] if "." in name else TOP
        components[component] = components.get(component, 0.0) + power
    if not components:
        raise SynthesisError(f"OpenSTA knew none of the cells that were simulated: see {folder / 'power.log'}")
    return Power(
        method=METHOD,
        clock_mhz=1e-6 / period,
        cycles=activity.cycles,
        batches=activity.batches,
        total_mw=1e3 * (sums["internal"] + sums["switching"] + sums["leakage"]),
        internal_mw=1e3 * sums["internal"],
        switching_mw=1e3 * sums["switching"],
        leakage_mw=1e3 * sums["leakage"],
        clock_mw=1e3 * sums["clock"],
        by_component_mw={name: 1e3 * power for name, power in sorted(components.items(), key=lambda item: -item[1])},
    )


def _clock_rate(library: Library, cell: str, name: str, activity: Activity) -> float:
    """Changes a cycle of a register's clock pin."""
    clock = library.cells[cell].clock
    return activity.pins[f"{name}.{clock}"][0] if clock else 0.0
