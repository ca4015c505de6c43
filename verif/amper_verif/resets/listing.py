"""Which registers of the generated Verilog have no reset, and the argument of each, in ``arguments.toml``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from amper_verif.harness.modules import modules_of

_REGISTER = re.compile(r"^\s*(?:output )?reg\s+(?:\[[^\]]+\])?\s*(\w+)", re.MULTILINE)
# A process ends where the next declaration at the same depth begins.
_PROCESS = re.compile(r"^  always @\(posedge (?:\w+)\)(.*?)(?=^  \S|^endmodule)", re.MULTILINE | re.DOTALL)
_ASSIGNED = re.compile(r"(?:^|[\s;)])(\w+)(?:\[(?:[^\[\];=]|\[[^\[\];=]*\])*\])? <= ")


@dataclass(frozen=True)
class Register:
    """A register, or a memory, that a reset leaves as it is."""

    module: str
    name: str


@dataclass(frozen=True)
class Argument:
    """``module``, ``registers`` : regular expressions, of the whole names. ``reason`` : why they need no reset.

    Raises
    ------
    ValueError : a field is empty.
    """

    module: str
    registers: str
    reason: str

    def __post_init__(self) -> None:
        for name in ("module", "registers", "reason"):
            if not getattr(self, name).strip():
                raise ValueError(f"{name} of an argument must not be empty")

    def covers(self, register: Register) -> bool:
        """Whether it speaks of the register."""
        return bool(re.fullmatch(self.module, register.module) and re.fullmatch(self.registers, register.name))


def unreset(verilog: str) -> list[Register]:
    """The registers that are assigned in a process without ``if (rst)``, in the order of the text."""
    found = []
    for module in modules_of(verilog).values():
        with_reset: set[str] = set()
        without: set[str] = set()
        for process in _PROCESS.finditer(module.text):
            (with_reset if re.search(r"if \((?:\w+_)?rst\)", process[1]) else without).update(
                _ASSIGNED.findall(process[1])
            )
        names = dict.fromkeys(_REGISTER.findall(module.text))
        found += [Register(module.name, name) for name in names if name in without - with_reset]
    return found


def committed_arguments() -> tuple[Argument, ...]:
    """Those of ``arguments.toml``."""
    text = (files("amper_verif") / "resets" / "arguments.toml").read_text(encoding="utf-8")
    return tuple(Argument(**each) for each in tomllib.loads(text)["argument"])


def argued(registers: Sequence[Register], arguments: Sequence[Argument]) -> dict[str, list[Register]]:
    """The registers by the reason of the first argument that speaks of each; those of none by ""."""
    found: dict[str, list[Register]] = {}
    for register in registers:
        reason = next((argument.reason for argument in arguments if argument.covers(register)), "")
        found.setdefault(reason, []).append(register)
    return found
