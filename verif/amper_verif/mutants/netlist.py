"""Many mutants in one netlist: an input ``mutation`` selects the one that is in force, 0 none."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from amper_verif.harness.yosys import run_script
from amper_verif.mutants.cells import CELLS, registers

WIDTH = 16  # of ``mutation``

# A mutant ties bits together, which no longer lets Verilator tell the bits of a vector apart; the rest is how Yosys
# writes.
_WAIVED = ("UNOPTFLAT", "WIDTH", "CASEOVERLAP")

READ = """\
read_verilog original.v
hierarchy -top {top}
proc
opt_expr
opt_clean
"""


@dataclass(frozen=True)
class Mutant:
    """A change of one bit at one port of one cell.

    ``number`` : that selects it. ``mode`` : as Yosys names it: inv, const0, const1; cnot0, cnot1: inverted where
    another bit is 0, or 1. ``command`` : that makes it. ``source`` : the line of the Verilog that it comes from.
    ``register`` : that the cell is, or leads to, where it is a flip-flop or a process's multiplexer.
    """

    number: int
    mode: str
    module: str
    port: str
    command: str
    source: str
    register: str = ""

    @property
    def name(self) -> str:
        """What tells it from every other mutant of the netlist."""
        return self.command.partition(" -mode ")[2].partition(" -src ")[0]


def make(verilog: str, top: str, count: int, seed: int, folder: Path, modules: Sequence[str] = ()) -> list[Mutant]:
    """Choose ``count`` mutants of ``verilog``, evenly over ``modules`` or all, cells and bits; see ``netlist``.

    Those at the enable of an asynchronous read, which Verilog cannot say, are left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "original.v").write_text(verilog, encoding="utf-8")
    listing = f"mutate -list {count} -seed {seed} -ctrl mutation {WIDTH} 1 -o mutants.txt {' '.join(modules)}\n"
    run_script(folder, "list", f"{READ.format(top=top)}{listing}dump -m -o cells.il {CELLS}\n")
    lines = verilog.splitlines()
    found = registers((folder / "cells.il").read_text(encoding="utf-8"))
    commands = (folder / "mutants.txt").read_text(encoding="utf-8").splitlines()
    said = [command for command in commands if not re.search(r"-cell \$memrd\S+ -port EN ", command)]
    return [_mutant(_numbered(command, number), lines, found) for number, command in enumerate(said, start=1)]


def netlist(mutants: list[Mutant], top: str, folder: Path) -> str:
    """The netlist with all ``mutants`` of the Verilog that ``make`` left in ``folder``."""
    select = f"add -global_input mutation {WIDTH}"
    script = [READ.format(top=top), select, *(mutant.command for mutant in mutants), "opt_clean"]
    run_script(folder, "netlist", "\n".join([*script, "write_verilog -noattr netlist.v\n"]))
    text = (folder / "netlist.v").read_text(encoding="utf-8")
    return "\n".join([*(f"/* verilator lint_off {name} */" for name in _WAIVED), text])


def _numbered(command: str, number: int) -> str:
    return re.sub(r"(?<= -ctrl mutation 16 )\d+ ", f"{number} ", command)


def _mutant(command: str, lines: list[str], found: Mapping[tuple[str, str], str]) -> Mutant:
    said = dict(re.findall(r"-(mode|module|cell|port) (\S+)", command))
    # A cell is named after its line, but for those that a process became.
    places = re.findall(r"-cell \S+?:(\d+)\$", command) or re.findall(r"-src \S+?:(\d+)\.\d+", command)
    (number,) = re.findall(r"-ctrl mutation \d+ (\d+)", command)
    source = lines[int(places[-1]) - 1].strip() if places else ""
    register = found.get((said["module"], said["cell"]), "")
    return Mutant(int(number), said["mode"], said["module"], said["port"], command, source, register)
