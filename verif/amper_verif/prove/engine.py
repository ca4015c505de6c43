"""Proofs by Yosys's own SAT solver: by induction over time, or of all traces of some cycles; or a counterexample."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from amper import AmperConfig
from amper_hw.output.generate import TOP, generate
from amper_spec.errors import ToolError
from amper_verif.harness.modules import Module, modules_of
from amper_verif.harness.yosys import SynthesisError, run_script
from amper_verif.prove.properties import Property

_SCRIPT = """\
read_verilog -formal -sv property.v
hierarchy -top goal
proc
memory
flatten
opt -full
chformal -lower
opt_clean
sat -tempinduct {only}-prove-asserts -set-assumes -set-at 1 rst 1 -maxsteps {depth} -timeout {seconds} goal
"""


class ProofError(ToolError):
    """A property does not fit the Verilog; the message says how."""


@dataclass(frozen=True)
class Proof:
    """``verdict`` : "proven" for ever, by induction over ``depth`` cycles; "holds" in the first ``depth`` cycles from a
    reset on; "fails" in a trace of as many; "vacuous" if its case does not occur in them; "open".

    ``rows`` : of the sampler. ``reached`` : the cycle in which its case occurs first; 0 of one with its bug.
    """

    name: str
    about: str
    rows: int
    verdict: str
    depth: int
    reached: int
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether it was proven, as far as was asked for."""
        return self.verdict in ("proven", "holds")


def prove(
    goal: Property, config: AmperConfig, folder: Path, *, bug: bool = False, depth: int = 20, seconds: int = 300
) -> Proof:
    """Look for a proof that ``goal`` holds in the Verilog of ``config``, or, with its seeded ``bug``, for a trace.

    Parameters
    ----------
    config : where the goal has values of its own, those are looked at instead. depth : cycles at most, of one that is
        to hold for ever; the others, and their case, have their own.

    Raises
    ------
    ProofError : the module or the place of the bug is not there. SynthesisError : no Yosys, or it failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = replace(AmperConfig(**goal.values) if goal.values else config, bus=goal.bus)
    verilog = generate(config, name=TOP).verilog
    modules = modules_of(verilog)
    module = modules.get(goal.module)
    if module is None:
        raise ProofError(f"no module is named {goal.module}")
    if bug:
        place = modules[goal.bug_in or goal.module]
        broken, hits = re.subn(*goal.bug, place.text)
        if hits != 1:
            raise ProofError(f"the bug of {goal.name} fits {hits} places, not 1")
        verilog = verilog.replace(place.text, broken)
    wrapper = _wrapper(goal, config, module, modules)
    begin = time.monotonic()

    def look(name: str, text: str, most: int, *, only: bool) -> tuple[str, int]:
        (folder / "property.v").write_text(f"{verilog}\n{text}", encoding="utf-8")
        option = "-tempinduct-baseonly " if only else ""
        run_script(folder, name, _SCRIPT.format(only=option, depth=most, seconds=seconds))
        return _verdict((folder / f"{name}.log").read_text(encoding="utf-8"))

    verdict, steps = look("prove", wrapper, goal.cycles or depth, only=bool(goal.cycles))
    if goal.cycles and verdict == "to the end":
        verdict = "holds"
    reached = 0
    if verdict in ("proven", "holds"):
        # Its case occurs in a trace in which it holds.
        case = f"  always @* if (!rst) assert (!({goal.case}));\nendmodule\n"
        text = wrapper.replace("assert (", "assume (").removesuffix("endmodule\n") + case
        shown, reached = look("case", text, goal.cycles or depth, only=True)
        if shown != "fails":
            verdict = "vacuous"
    verdict = "open" if verdict == "to the end" else verdict
    return Proof(goal.name, goal.about, config.rows, verdict, steps, reached, time.monotonic() - begin)


def _wrapper(goal: Property, config: AmperConfig, module: Module, modules: Mapping[str, Module]) -> str:
    """The property's module around an instance of the component."""
    inputs = ", ".join(f"input {port.span} {port.name}" for port in module.ports if port.direction == "input")
    wires = "\n".join(f"  wire {port.span} {port.name};" for port in module.ports if port.direction == "output")
    instance = f"  {goal.module} component ({module.connected});"
    names = {port.name for port in module.ports}
    inputs += "".join(f", input {name}" for name in ("clk", "rst") if name not in names)
    inputs += "".join(f", input [{width(config) - 1}:0] {name}" for name, width in goal.free.items())
    # A wire with the name and the bits of one within the component: Yosys joins them when it flattens both.
    for path, span, name in seen(goal, modules):
        wires += f"\n  (* hierconn *) wire {span} \\component.{path} ;\n  wire {span} {name} = \\component.{path} ;"
    return f"`default_nettype wire\nmodule goal ({inputs});\n{wires}\n{instance}\n{goal.body(config)}endmodule\n"


def seen(goal: Property, modules: Mapping[str, Module]) -> list[tuple[str, str, str]]:
    """What invariants of ``goal`` speak of: its path within the module, its span ("[3:0]") and its name in the body."""
    module = modules[goal.module]
    return [(path, _span(path, module, modules), re.sub(r"\W", "_", path).rstrip("_")) for path in goal.inside]


def _span(path: str, module: Module, modules: Mapping[str, Module]) -> str:
    *parts, name = path.split(".")
    for part in parts:
        if part not in module.parts:
            raise ProofError(f"no part of {module.name} is named {part}")
        module = modules[module.parts[part]]
    word = re.sub(r"\[\d+\]$", "", name)
    declared = re.search(rf"(?m)^  (?:reg|wire) (\[[^\]]+\])? ?{word}\b", module.text)
    if declared is None:
        raise ProofError(f"nothing in {module.name} is named {word}")
    return declared[1] or ""


def _verdict(log: str) -> tuple[str, int]:
    steps = max(map(int, re.findall(r"(?m)^\[(?:base case|induction step) (\d+)\]", log)), default=0)
    if "Induction step proven: SUCCESS!" in log:
        return "proven", steps
    if "SAT temporal induction proof finished - model found for base case: FAIL!" in log:
        return "fails", steps
    if "Reached maximum number of time steps" in log:
        return "to the end", steps
    if "timeout" in log.lower():
        return "open", steps
    raise SynthesisError(f"Yosys gave no verdict: {log[-500:]}")
