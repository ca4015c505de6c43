"""The walls between the packages: what importing loads, and that `make lint` sees an import that runs upwards."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WINGS = ("cli", "synth", "verif", "hw", "sw")


def loaded_by(module, asked=""):
    """Top-level packages, but for the standard library's, that importing ``module`` and asking for something loads."""
    # Modules without a file are left out: NumPy's compiled parts register a few of their own.
    program = f"""
import sys
before = set(sys.modules)
import {module}
{asked}
loaded = [name for name in set(sys.modules) - before if getattr(sys.modules[name], "__file__", None)]
print(*sorted({{name.partition(".")[0] for name in loaded}} - sys.stdlib_module_names))
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return run.stdout.split()


def test_importing_amper_loads_only_what_is_asked_for():
    """At most NumPy, and what it stands on."""
    assert loaded_by("amper") == ["amper"]
    assert loaded_by("amper", "amper.GoldenModel") == ["amper", "amper_spec"]
    assert loaded_by("amper", "[getattr(amper, name) for name in dir(amper)]") == ["amper", "amper_spec", "numpy"]


def lint_imports(folder):
    """``lint-imports`` over the packages in ``folder``."""
    path = os.pathsep.join(str(folder / wing) for wing in WINGS)
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--config", ROOT / "pyproject.toml"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("module", "line", "found"),
    [
        ("hw/amper_hw/base/bits.py", "import amper.model.golden", "amper_hw.base.bits -> amper.model.golden"),
        ("sw/amper_spec/checks.py", "import numpy", "amper_spec.checks -> numpy"),
        ("sw/amper/replay/rows.py", "import amper_verif.verify", "amper.replay.rows -> amper_verif.verify"),
        ("hw/amper_hw/base/bits.py", "import amper_synth.generic", "amper_hw.base.bits -> amper_synth.generic"),
    ],
)
def test_an_import_upwards_is_reported(tmp_path, module, line, found):
    """Also inside a function."""
    for wing in WINGS:
        shutil.copytree(ROOT / wing, tmp_path / wing, ignore=shutil.ignore_patterns("__pycache__", "traces"))
    kept = lint_imports(tmp_path)
    assert kept.returncode == 0, kept.stdout
    with (tmp_path / module).open("a", encoding="utf-8") as file:
        file.write(f"\n\ndef f():\n    {line}\n")
    broken = lint_imports(tmp_path)
    assert broken.returncode == 1
    assert found in broken.stdout
