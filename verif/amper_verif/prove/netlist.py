"""RTL against its netlist, module by module: that synthesis, and what it maps to gates with, changed nothing.

Each module is looked at by itself, with those in it left out on both sides, so that all together say it of the whole.
Registers are compared by their names: where they agree, outputs and next states have to agree, whatever the inputs are.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from amper import AmperConfig
from amper_hw.output.generate import TOP, generate
from amper_verif.harness.modules import modules_of
from amper_verif.harness.yosys import SynthesisError, run_script

# RTL becomes bits, since a netlist has no register for a bit that never changes, and one for two that are the same.
# Cells of a library are replaced by their functions.
_MAKE = """\
{cells}read_verilog original.v
hierarchy -check -top {top}
proc
memory -nomap
memory_map
simplemap
opt
opt
write_rtlil rtl.il
design -reset
read_verilog synthesised.v
synth -top {top}
{mapped}opt_clean
write_rtlil netlist.il
"""
_CELLS = "{reads}write_rtlil cells.il\ndesign -reset\n"
_MAPPED = "dfflibmap {files}\nabc {files}\n"

_COMPARE = """\
read_rtlil rtl.il
design -save rtl
design -reset
read_rtlil netlist.il
design -save netlist
design -reset
design -copy-from rtl -as rtl {module}
design -copy-from netlist -as netlist {module}
{parts}{cells}splitnets rtl netlist
opt_clean -purge rtl netlist
{points}equiv_make rtl netlist both
hierarchy -top both
opt_clean
equiv_simple -undef -short -ignore-unknown-cells
equiv_induct -undef -ignore-unknown-cells
equiv_status
"""
_PART = "design -copy-from rtl -as {part} {part}\nblackbox {part}\n"
_FLAT = "read_rtlil cells.il\nflatten netlist\nopt_clean\n"
# Only registers and ports: nets between them are what synthesis may change.
_POINTS = """\
select -set registers {side}/t:*dff* {side}/t:*DFF* %u %co1:+[Q] {side}/w:* %i
rename -hide {side}/w:* {side}/x:* %d @registers %d
"""


@dataclass(frozen=True)
class Compared:
    """A module: ``points`` bits of registers and outputs, of which ``open_points`` could not be shown to be equal."""

    module: str
    points: int
    open_points: tuple[str, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether there is something to compare, and all of it is equal."""
        return self.points > 0 and not self.open_points


def compare_netlist(
    config: AmperConfig,
    folder: Path,
    *,
    top: str = TOP,
    liberty: Sequence[str] = (),
    change: Callable[[str], str] = lambda verilog: verilog,
    seconds: int = 300,
    say: Callable[[str], None] = print,
) -> list[Compared]:
    """Synthesise the Verilog of ``config`` and compare every module of the netlist with the RTL.

    Parameters
    ----------
    top : a module; it and those in it are looked at. liberty : the texts of a cell library to map to; none: Yosys's
        own gates. change : made to the Verilog that is synthesised, and to that alone, to see that it is found.
    seconds : for a module, before it stays open.

    Raises
    ------
    ValueError : no such module. SynthesisError : no Yosys, or it failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    verilog = generate(config, name=TOP).verilog
    (folder / "original.v").write_text(verilog, encoding="utf-8")
    (folder / "synthesised.v").write_text(change(verilog), encoding="utf-8")
    libraries = [f"cells_{number}.lib" for number in range(len(liberty))]  # beside the script: Yosys may see no other
    for library, text in zip(libraries, liberty, strict=True):
        (folder / library).write_text(text, encoding="latin-1")
    files = " ".join(f"-liberty {library}" for library in libraries)
    reads = "".join(f"read_liberty -ignore_miss_func {library}\n" for library in libraries)
    cells, mapped = (_CELLS.format(reads=reads), _MAPPED.format(files=files)) if liberty else ("", "")
    modules = _below(verilog, top)
    run_script(folder, "make", _MAKE.format(top=top, cells=cells, mapped=mapped))
    found = []
    for module, parts in modules.items():
        found.append(_compare(module, parts, folder, bool(liberty), seconds))
        say(f"{len(found)} of {len(modules)} modules compared")
    return found


def _below(verilog: str, top: str) -> dict[str, list[str]]:
    """``top`` and all that is in it, each with the modules that it has parts of."""
    modules = modules_of(verilog)
    if top not in modules:
        raise ValueError(f"top must be one of {', '.join(modules)}, not {top}")
    found: dict[str, list[str]] = {}
    left = [top]
    while left:
        module = left.pop()
        if module not in found:
            found[module] = [part for part in modules if part in modules[module].parts.values()]
            left += found[module]
    return found


def _compare(module: str, parts: list[str], folder: Path, has_cells: bool, seconds: int) -> Compared:
    text = _COMPARE.format(
        module=module,
        parts="".join(_PART.format(part=part) for part in parts),
        cells=_FLAT if has_cells else "",
        points="".join(_POINTS.format(side=side) for side in ("rtl", "netlist")),
    )
    begin = time.monotonic()
    name = f"compare-{module}"
    try:
        run_script(folder, name, text, seconds=seconds)
    except TimeoutError:
        return Compared(module, 0, (f"no end in {seconds} s",), time.monotonic() - begin)
    points, open_points = _said((folder / f"{name}.log").read_text(encoding="utf-8"))
    return Compared(module, points, open_points, time.monotonic() - begin)


def _said(log: str) -> tuple[int, tuple[str, ...]]:
    """How many points there are, and the names of those that stayed open, as ``equiv_status`` says it."""
    counted = re.findall(r"Of those cells (\d+) are proven and (\d+) are unproven\.", log)
    if not counted:
        raise SynthesisError(f"Yosys gave no verdict: {log[-500:]}")
    proven, unproven = map(int, counted[-1])
    names = re.findall(r"(?m)^ +Unproven \$equiv \S+: \\?(\S+?)_gold", log.rpartition("Of those cells")[2])
    if len(names) != unproven:
        names = [f"{unproven} points"]
    return proven + unproven, tuple(names)
