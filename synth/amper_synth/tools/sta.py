"""Static timing by OpenSTA: the longest path of the whole, and from any component to any register."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from amper_hw.output.generate import TOP
from amper_synth.liberty.cells import Library
from amper_synth.tools.units import NANO, REGISTER
from amper_verif.harness.yosys import SynthesisError

INSTALL = "OpenSTA is not installed: no `sta` on the PATH. Install it by: apt-get install opensta"

# Inputs change right after the clock edge, from the driving cell, and outputs are taken at the next one, as if
# registers stood right outside; the reset, which goes everywhere, comes from the library's largest buffer. Of the worst
# path of every end, the worst from any component to any group of registers (the numbers in their names apart) is
# written out.
_SCRIPT = """\
{libraries}read_verilog netlist.v
link_design {top}
{wires}create_clock -name clk -period {period} [get_ports clk]
set inputs {{}}
foreach port [all_inputs] {{ if {{[get_property $port full_name] != "clk"}} {{ lappend inputs $port }} }}
set_input_delay 0 -clock clk $inputs
set_output_delay 0 -clock clk [all_outputs]
set_driving_cell -lib_cell {driver} $inputs
set_driving_cell -lib_cell {reset_driver} [get_ports rst]
set_load {load} [all_outputs]
proc component {{pin}} {{
  if {{[get_property $pin direction] != "" && [string first / [get_full_name $pin]] < 0}} {{ return port }}
  set names [lrange [split [get_full_name $pin] /] 0 end-2]
  return [expr {{[llength $names] ? [join $names /] : "{top}"}}]
}}
set ends [open sta_ends.txt w]
array set worst {{}}
foreach end [find_timing_paths -group_count 1000000] {{
  set from [get_property $end startpoint]
  set to [get_property $end endpoint]
  set slack [get_property $end slack]
  puts $ends "$slack [get_full_name $from] [get_full_name $to]"
  set group [regsub -all {{[0-9]+}} [get_full_name $to] *]
  set pair "[regsub -all {{[0-9]+}} [component $from] *] $group"
  if {{![info exists worst($pair)] || $slack < [lindex $worst($pair) 0]}} {{ set worst($pair) [list $slack $from $to] }}
}}
close $ends
set order {{}}
foreach pair [array names worst] {{ lappend order $worst($pair) }}
foreach path [lrange [lsort -real -index 0 $order] 0 {shown}] {{
  puts "PATH [lindex $path 0]"
  report_checks -through [lindex $path 1] -to [lindex $path 2] -format full -fields {{slew capacitance net fanout}}
}}
puts "WIRELOAD {wire_load}"
"""


@dataclass(frozen=True)
class TimingPath:
    """A path between registers, or from or to a port; names as in our components, instances joined by a slash."""

    source: str
    target: str
    delay_ns: float  # the clock period that it needs, setup included
    levels: int  # cells between the two
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Timing:
    """The clock of a netlist."""

    method: str
    wire_load: str  # the model's name, empty for none
    period_ns: float  # the longest path
    register_period_ns: float  # the longest from register to register
    paths: tuple[TimingPath, ...]  # the longest from any component to any group of registers, in order


def sta_available() -> bool:
    """Whether OpenSTA is installed."""
    return shutil.which("sta") is not None


def run_sta(folder: Path, name: str, script: str) -> str:
    """Keep ``script`` as ``<name>.tcl`` in ``folder`` and run it; the log stays beside it. SynthesisError."""
    if not sta_available():
        raise SynthesisError(INSTALL)
    (folder / f"{name}.tcl").write_text(script, encoding="utf-8")
    command = ["sta", "-no_init", "-no_splash", "-exit", f"{name}.tcl"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    (folder / f"{name}.log").write_text(done.stdout + done.stderr, encoding="utf-8")
    if done.returncode != 0 or "Error:" in done.stderr + done.stdout:
        raise SynthesisError(f"OpenSTA failed: {(done.stdout + done.stderr)[-2000:]}")
    return done.stdout


def sta_version() -> str:
    """OpenSTA's version; SynthesisError if there is none."""
    if not sta_available():
        raise SynthesisError(INSTALL)
    done = subprocess.run(["sta", "-version"], capture_output=True, text=True, check=False)
    return f"OpenSTA {done.stdout.split()[0]}"


def read_libraries(files: Sequence[str]) -> str:
    """The commands that read the libraries."""
    return "".join(f"read_liberty {name}\n" for name in files)


def time_netlist(folder: Path, library: Library, files: Sequence[str], *, period: float, wire_load: str) -> Timing:
    """Time ``netlist.v`` in ``folder`` for a clock of ``period`` seconds. SynthesisError: no OpenSTA, or it failed."""
    unit = library.time_unit
    script = _SCRIPT.format(
        libraries=read_libraries(files),
        top=TOP,
        wires=f"set_wire_load_mode top\nset_wire_load_model -name {wire_load}\n" if wire_load else "",
        period=f"{period / unit:.6g}",
        driver=library.buffer.name,
        reset_driver=library.reset_buffer.name,
        load=f"{library.load / library.capacitance_unit:.6g}",
        shown=39,
        wire_load=wire_load,
    )
    log = run_sta(folder, "sta", script)
    paths = [_path(text, period, unit) for text in log.split("PATH ")[1:]]
    ends = [line.split() for line in (folder / "sta_ends.txt").read_text(encoding="utf-8").splitlines()]
    if not ends or not paths:
        raise SynthesisError(f"OpenSTA found no path: {log[-1000:]}")
    slacks = [float(slack) for slack, source, target in ends if "/" in source and "/" in target]
    return Timing(
        method=f"{sta_version()}, before layout",
        wire_load=wire_load,
        period_ns=paths[0].delay_ns,
        register_period_ns=(period - min(slacks) * unit) / NANO if slacks else paths[0].delay_ns,
        paths=tuple(paths),
    )


def _path(text: str, period: float, unit: float) -> TimingPath:
    """A path as ``report_checks`` wrote it, its slack on the first line."""
    slack = float(text.split(None, 1)[0])
    start, end = (re.search(rf"{name}: (\S+)", text) for name in ("Startpoint", "Endpoint"))
    if start is None or end is None:
        raise SynthesisError(f"OpenSTA reported a path that cannot be read: {text[:500]}")
    arrival = text.split("data arrival time")[0]
    cells = re.findall(r"(?m)[\^v] \S+ \((\w+)\)$", arrival)
    pins = [cell for cell in cells if cell not in ("in", "out")]
    # The first is the register itself, seen at its clock and at its output; the last the register at the end.
    logic = pins[2:-1] if "/" in start[1] or REGISTER in start[1] else pins[:-1]
    return TimingPath(readable(start[1]), readable(end[1]), (period - slack * unit) / NANO, len(logic), tuple(logic))


def readable(name: str) -> str:
    """A register's name as its signal's; clock gates, which have none, by their kind."""
    return re.sub(r"(^|/)_\d+_$", r"\1(clock gate)", re.sub(rf"{REGISTER}(/\w+)?$", "", name))
