"""The properties in simulation: what they assert, and what their proofs assume, beside a module of the sampler."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from amper import AmperConfig
from amper_hw.output.generate import TOP, generate
from amper_spec.errors import ToolError
from amper_verif.harness.modules import Module, modules_of
from amper_verif.prove.engine import ProofError, seen
from amper_verif.prove.properties import PROPERTIES, Property
from amper_verif.verify import verify

#: A checker compares words of different widths, and its loops share a variable; the sampler's own text is not meant.
_WORDS = ("WIDTHEXPAND", "WIDTHTRUNC", "MULTIDRIVEN", "BLKSEQ", "UNSIGNED", "CMPCONST", "UNOPTFLAT", "CASEINCOMPLETE")
_CLAIM = re.compile(r"\b(assert|assume) \((.*?)\);\n", re.DOTALL)
_BLOCK = re.compile(r"(?m)^(?=  always )")


@dataclass(frozen=True)
class Watch:
    """``names`` : of the properties that were watched together, in a sampler of ``rows`` rows behind ``bus``.

    ``batches``, ``compared`` : as of ``amper verify``. ``error`` : why it stopped early; nothing if it did not.
    """

    names: tuple[str, ...]
    rows: int
    bus: str
    batches: int
    compared: int
    error: str

    @property
    def passed(self) -> bool:
        """Whether everything held, and the results were those of the golden model."""
        return not self.error and self.compared > 0


def groups(config: AmperConfig) -> list[tuple[AmperConfig, list[Property]]]:
    """The properties that can be watched, by the configuration that each is of: its own, or else ``config``."""
    found: dict[str, tuple[AmperConfig, list[Property]]] = {}
    for goal in PROPERTIES:
        its = replace(AmperConfig(**goal.values) if goal.values else config, bus=goal.bus)
        if not goal.free and _has_clock(modules_of(generate(its).verilog)[_place(goal, its)]):
            found.setdefault(str(its.to_dict()), (its, []))[1].append(goal)
    return list(found.values())


def watch(
    config: AmperConfig,
    goals: Iterable[Property],
    folder: Path,
    *,
    batches: int = 60,
    change: Callable[[str], str] = str,
) -> Watch:
    """``amper verify`` of ``config`` in Verilator, with ``goals`` beside their modules. ``change`` : of the Verilog
    before, to see that it is noticed."""
    goals = list(goals)
    names = tuple(goal.name for goal in goals)
    try:
        run = verify(
            config,
            simulator="verilator",
            batches=batches,
            folder=folder,
            mutate=lambda verilog: watched(change(verilog), goals, config),
        )
    except ToolError as error:
        said = re.search(r"%Fatal: .*", str(error))
        return Watch(names, config.rows, config.bus, 0, 0, said[0] if said else str(error))
    wrong = "" if run.passed else run.first_mismatch or "nothing was compared"
    return Watch(names, config.rows, config.bus, run.batches, run.compared, wrong)


def watched(verilog: str, goals: Iterable[Property], config: AmperConfig) -> str:
    """``verilog`` of ``config``, for Verilator, which stops where a property does not hold, or an assumption of its
    proof. What is claimed is looked at right before every edge of the clock, from the first cycle of reset on.

    Raises
    ------
    ProofError : a module is not there, has no clock, or a property has inputs that only a solver can choose.
    """
    checkers = []
    for goal in goals:
        modules = modules_of(verilog)
        module = modules.get(_place(goal, config))
        if module is None or goal.free or not _has_clock(module):
            raise ProofError(f"{goal.name} cannot be watched: no such module, no clock, or inputs of a solver's choice")
        inside = seen(replace(goal, module=module.name), modules)
        name = "watch_" + goal.name.replace("-", "_")
        ports = [f"input {port.span} {port.name}" for port in module.ports]
        ports += [f"input {span} {alias}" for _, span, alias in inside]
        connected = [module.connected, *(f".{alias}({path})" for path, _, alias in inside)]
        text = module.text.removesuffix("endmodule") + f"  {name} {name} ({', '.join(connected)});\nendmodule"
        verilog = verilog.replace(module.text, text)
        checkers.append(_checker(goal, name, ", ".join(ports), config))
    words = "\n".join(f"/* verilator lint_off {word} */" for word in _WORDS)
    return f"{verilog}\n`default_nettype wire\n{words}\n" + "\n".join(checkers)


def _place(goal: Property, config: AmperConfig) -> str:
    """The module's name where the top is named as ``config`` says."""
    return goal.module if goal.module != TOP else config.name


def _has_clock(module: Module) -> bool:
    return any(port.name == "clk" for port in module.ports)


def _checker(goal: Property, name: str, ports: str, config: AmperConfig) -> str:
    def claim(found: re.Match[str]) -> str:
        rule = " ".join(found[2].split()).replace("%", "%%")
        return f'if (!({found[2]})) $fatal(1, "{goal.name}: {found[1]} {rule}");\n'

    blocks = []
    for block in _BLOCK.split(goal.body(config)):
        if _CLAIM.search(block):
            block = _CLAIM.sub(claim, block.replace("always @*", "always @(posedge clk) if (was_reset && !rst)", 1))
        blocks.append(block)
    began = "  reg was_reset;\n  initial was_reset = 0;\n  always @(posedge clk) if (rst) was_reset <= 1;\n"
    return f"module {name} ({ports});\n{began}{''.join(blocks)}endmodule\n"
