"""The Yosys script of the ASIC flow, and what it reads: constraints and commands for ABC."""

from __future__ import annotations

from collections.abc import Sequence

from amper_hw.output.generate import TOP
from amper_synth.liberty.cells import Library
from amper_synth.tools.units import FEMTO, PICO, REGISTER
from amper_verif.harness.modules import modules_of

# Rewrite for the fewest levels, find choices, map for delay, buffer (-p: also what registers drive), choose sizes.
# stime leaves the delay in stats.txt. docs/hardware/asic.md has what else was tried.
ABC = """\
strash; &get -n; &st; &if -g -K 6; &put
strash; dch; map -B 0.5 -D {ps}
topo; buffer -c -p; topo; upsize -D {ps}; dnsize -D {ps}; stime -d
"""

# Names of our components and their registers survive: parts of the sampler stay modules, what is inside them is
# flattened and named with dots, and flip-flops take the names of the signals they hold. Flip-flops with an enable are
# gates before a plain one, or have their clock gated where three and more share an enable. "opt -full" leaves a coarse
# multiplexer where it merges operators, which ABC would pass over.
_SCRIPT = """\
read_verilog {verilog}
hierarchy -check -top {top}
rename -hide w:t[0-9]* w:port__data*
{keep}flatten
synth -noabc -nordff -top {top} -extra-map +/choices/han-carlson.v
opt_clean -purge
{gate}dfflegalize -cell $_DFF_P_ x -cell $_DLATCH_P_ x
opt -full -nodffe -nosdff
rename -wire -suffix {suffix} t:$_*DFF* t:$_*DLATCH*
dfflibmap {avoid} {libraries}
opt
simplemap
abc -D {ps} -constr abc.constr -script abc.script {avoid} {libraries}
setundef -zero
{tie}splitnets
opt_clean -purge
select -assert-none t:$*
tee -q -o asic_area.json stat -json {libraries}
write_verilog -noattr -noexpr -nohex -nodec netlist.v
"""


def kept_modules(verilog: str) -> list[str]:
    """What stays a module: the parts of the sampler, and of a bus around it; the tree of the row array."""
    modules = modules_of(verilog)
    kept = {name for name in modules if name.startswith(("amper_bank_", "amper_node_"))}
    return sorted(kept.union(*(modules[name].parts.values() for name in (TOP, "amper_sampler") if name in modules)))


def asic_script(
    verilog_name: str, verilog: str, library: Library, files: Sequence[str], *, period: float, gate: bool
) -> str:
    """The script; ``files`` are the library's as Yosys finds them, ``period`` in seconds, ``gate`` gates clocks."""
    libraries = " ".join(f"-liberty {name}" for name in files)
    avoid = " ".join(f"-dont_use {name}" for name in library.excluded())
    gating = f"clockgate {avoid} {libraries} -min_net_size 3\n" if gate else ""
    keep = "".join(f"setattr -mod -set keep_hierarchy 1 {name}\n" for name in kept_modules(verilog))
    high, low = library.constant(1), library.constant(0)
    tie = f"hilomap -hicell {high[0]} {high[1]} -locell {low[0]} {low[1]}\n" if high and low else ""
    return _SCRIPT.format(
        verilog=verilog_name,
        top=TOP,
        keep=keep,
        gate=gating,
        suffix=REGISTER,
        avoid=avoid,
        libraries=libraries,
        ps=picoseconds(period),
        tie=tie,
    )


def abc_script(period: float) -> str:
    """What ABC does, for a clock period in seconds."""
    return ABC.format(ps=picoseconds(period))


def abc_constraints(library: Library) -> str:
    """What drives inputs and registers, as far as ABC knows of them, and what outputs drive."""
    return f"set_driving_cell {library.buffer.name}\nset_load {library.load / FEMTO:.4f}\n"


def picoseconds(period: float) -> int:
    """A period in seconds as ABC wants it."""
    return max(1, round(period / PICO))
