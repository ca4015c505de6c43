"""Proofs by induction over time, by Yosys's own SAT solver: unbounded, or a trace that breaks the property."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path

from amper import AmperConfig
from amper_hw.output.generate import TOP, generate
from amper_spec.errors import ToolError
from amper_verif.harness.yosys import SynthesisError, run_script
from amper_verif.prove.properties import Property

_SCRIPT = """\
read_verilog -formal -sv property.v
hierarchy -top goal
proc
flatten
memory
opt -full
chformal -lower
opt_clean
sat -tempinduct -prove-asserts -set-assumes -set-at 1 rst 1 -maxsteps {depth} -timeout {seconds} goal
"""


class ProofError(ToolError):
    """A property does not fit the Verilog; the message says how."""


@dataclass(frozen=True)
class Proof:
    """``verdict`` : "proven" for ever, by induction over ``depth`` cycles; "fails" in a trace of as many; "open"."""

    name: str
    about: str
    verdict: str
    depth: int
    seconds: float


def prove(
    goal: Property, config: AmperConfig, folder: Path, *, bug: bool = False, depth: int = 20, seconds: int = 300
) -> Proof:
    """Look for a proof that ``goal`` holds in the Verilog of ``config``, or, with its seeded ``bug``, for a trace.

    Raises
    ------
    ProofError : the module or the place of the bug is not there. SynthesisError : no Yosys, or it failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    verilog = generate(config, name=TOP).verilog
    found = re.search(rf"(?ms)^module {goal.module} \((.*?)^\);.*?^endmodule$", verilog)
    if found is None:
        raise ProofError(f"no module is named {goal.module}")
    if bug:
        broken, hits = re.subn(*goal.bug, found[0])
        if hits != 1:
            raise ProofError(f"the bug of {goal.name} fits {hits} places, not 1")
        verilog = verilog.replace(found[0], broken)
    text = f"{verilog}\n{_wrapper(goal, config, found[1])}"
    (folder / "property.v").write_text(text, encoding="utf-8")
    begin = time.monotonic()
    run_script(folder, "prove", _SCRIPT.format(depth=depth, seconds=seconds))
    verdict, steps = _verdict((folder / "prove.log").read_text(encoding="utf-8"))
    return Proof(goal.name, goal.about, verdict, steps, time.monotonic() - begin)


def _wrapper(goal: Property, config: AmperConfig, ports: str) -> str:
    """The property's module around an instance of the component."""
    declared = re.findall(r"(?m)^\s*(input|output)\s+(?:wire|reg)\s*(\[[^\]]+\])?\s*(\w+)", ports)
    inputs = ", ".join(f"input {width} {name}" for way, width, name in declared if way == "input")
    wires = "\n".join(f"  wire {width} {name};" for way, width, name in declared if way == "output")
    connections = ", ".join(f".{name}({name})" for _, _, name in declared)
    instance = f"  {goal.module} component ({connections});"
    return f"`default_nettype wire\nmodule goal ({inputs});\n{wires}\n{instance}\n{goal.body(config)}endmodule\n"


def _verdict(log: str) -> tuple[str, int]:
    steps = max(map(int, re.findall(r"(?m)^\[(?:base case|induction step) (\d+)\]", log)), default=0)
    if "Induction step proven: SUCCESS!" in log:
        return "proven", steps
    if "SAT temporal induction proof finished - model found for base case: FAIL!" in log:
        return "fails", steps
    if "Reached maximum number of time steps" in log or "timeout" in log.lower():
        return "open", steps
    raise SynthesisError(f"Yosys gave no verdict: {log[-500:]}")
