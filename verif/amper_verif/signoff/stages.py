"""What each stage runs and what it finds: whether it passed, and rows of what JSON can hold."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from amper import AmperConfig
from amper_hw.output.generate import generate
from amper_spec.errors import ToolError
from amper_verif.code_coverage.points import KINDS, merged
from amper_verif.code_coverage.report import coverage_of
from amper_verif.code_coverage.waivers import committed_waivers
from amper_verif.mutants.campaign import Outcome, campaign
from amper_verif.mutants.equivalence import equivalent_mutants
from amper_verif.mutants.report import by_module, score
from amper_verif.native.soak import SHAPES, Total, soak, totals
from amper_verif.prove.engine import prove
from amper_verif.prove.netlist import compare_netlist
from amper_verif.prove.properties import PROPERTIES
from amper_verif.prove.watch import groups, watch
from amper_verif.resets.listing import argued, committed_arguments, unreset
from amper_verif.signoff import sanitize
from amper_verif.signoff.plan import Check, Covered, Mutants, Plan
from amper_verif.verify import verify

Say = Callable[[str], None]


@dataclass(frozen=True)
class Found:
    """``rows`` : a part of the stage each, with at least "label" and "passed"."""

    rows: list[dict[str, Any]]

    @property
    def passed(self) -> bool:
        """Whether there are parts, and each of them passed."""
        return bool(self.rows) and all(row["passed"] for row in self.rows)


def configured(values: Mapping[str, Any]) -> AmperConfig:
    """The configuration of a plan's values."""
    named = dict(values)
    preset = named.pop("preset", None)
    return AmperConfig.from_dict(named) if preset is None else AmperConfig.preset(preset, **named)


def verified(plan: Plan, folder: Path, say: Say) -> Found:
    """Configurations in simulators; one that breaks does not keep the others from being run."""
    return Found([_checked(check, name, folder, say) for check in plan.verify for name in check.simulators])


def _checked(check: Check, simulator: str, folder: Path, say: Say) -> dict[str, Any]:
    say(f"verify: {check.label} in {simulator}")
    row: dict[str, Any] = {"label": check.label, "simulator": simulator, "passed": False}
    try:
        run = verify(
            configured(check.values),
            simulator=simulator,
            batches=check.batches,
            corners=check.corners,
            folder=folder,
        )
    except ToolError as error:
        return row | {"error": str(error)}
    kept = ("batches", "compared", "mismatches", "first_mismatch", "timed", "variants", "undrawn")
    return row | {"passed": run.passed} | {name: asdict(run)[name] for name in kept}


def proven(plan: Plan, folder: Path, say: Say) -> Found:
    """Every property, of every configuration of the plan."""
    rows: list[dict[str, Any]] = []
    for place, values in enumerate(plan.prove):
        for goal in PROPERTIES:
            if goal.values and (place or not plan.prove_own):
                continue  # the same as before, or left to a full run
            say(f"prove: {goal.name}")
            proof = prove(goal, configured(values), folder / f"{place}-{goal.name}", seconds=900)
            rows.append({"label": goal.name, "passed": proof.passed} | asdict(proof))
    return Found(rows)


def watched(plan: Plan, folder: Path, say: Say) -> Found:
    """The properties in simulation."""
    rows: list[dict[str, Any]] = []
    for place, (config, goals) in enumerate(groups(configured(plan.prove[0]))):
        names = [goal.name for goal in goals]
        if plan.watch.only and not set(plan.watch.only) & set(names):
            continue
        say(f"watch: {', '.join(names)}")
        found = watch(config, goals, folder / str(place), batches=plan.watch.batches)
        rows.append({"label": ", ".join(names), "passed": found.passed} | asdict(found))
    return Found(rows)


def synthesised(plan: Plan, folder: Path, say: Say) -> Found:
    """The modules of each configuration against their netlists."""
    rows = []
    for place, (label, values) in enumerate(plan.netlist.items()):
        say(f"netlist: {label}")
        found = compare_netlist(configured(values), folder / str(place), say=say)
        row = {"label": label, "passed": bool(found) and all(one.passed for one in found), "modules": len(found)}
        opens = {one.module: one.open_points for one in found if not one.passed}
        longest = max(found, key=lambda one: one.seconds)
        counts = {"points": sum(one.points for one in found), "seconds": sum(one.seconds for one in found)}
        rows.append(row | counts | {"longest": longest.module, "open": opens})
    return Found(rows)


def unset(plan: Plan, folder: Path, say: Say) -> Found:
    """The registers that a reset leaves as they are, each with an argument."""
    rows = []
    for label, values in plan.resets.items():
        registers = unreset(generate(configured(values)).verilog)
        reasons = argued(registers, committed_arguments())
        named = {reason: [f"{one.module}.{one.name}" for one in them] for reason, them in reasons.items()}
        row = {"label": label, "passed": bool(registers) and "" not in named, "registers": len(registers)}
        rows.append(row | {"reasons": named})
    return Found(rows)


def covered(plan: Plan, folder: Path, say: Say) -> Found:
    """Code coverage of configurations, by module, with what was not hit."""
    return Found([_covered(asked, folder, say) for asked in plan.coverage])


def _covered(asked: Covered, folder: Path, say: Say) -> dict[str, Any]:
    counts: list[str] = []
    for seed in range(1, asked.seeds + 1):
        say(f"coverage: {asked.label}, seed {seed}")
        run = verify(
            configured(asked.values),
            simulator="verilator",
            batches=asked.batches,
            corners=asked.corners,
            seed=seed,
            folder=folder,
            code_coverage=True,
        )
        counts += run.code_coverage
    found = coverage_of(merged(map(Path, counts)), committed_waivers())
    enough = all(found.percent(kind) >= least for kind, least in zip(KINDS, asked.least, strict=True))
    return {"label": asked.label, "passed": enough, "runs": len(counts), "least": asked.least} | found.to_dict()


def mutated(plan: Plan, folder: Path, say: Say) -> Found:
    """Campaigns of mutants, each by module and with its survivors."""
    return Found([_campaign(asked, folder.parent, say) for asked in plan.mutate])


def _campaign(asked: Mutants, around: Path, say: Say) -> dict[str, Any]:
    say(f"mutate: {asked.count} mutants of {asked.label}")
    config = configured(asked.values)
    # What is known of the same Verilog outlives this stage's folder: a campaign takes hours, and knows what it is of.
    folder = around / f"of-{hashlib.sha256(generate(config).verilog.encode()).hexdigest()[:16]}-{asked.count}"
    outcomes = campaign(
        config,
        count=asked.count,
        workload={"kind": "random", "batches": asked.batches, "corners": True},
        seed=1,
        folder=folder,
        say=say,
    )
    survivors = [outcome.mutant for outcome in outcomes if not outcome.noticed]
    equivalent = equivalent_mutants(survivors, config.name, folder, config=config, say=say) if asked.proofs else {}
    reached = score(outcomes, equivalent)
    return {
        "label": asked.label,
        "passed": reached >= asked.least,
        "least": asked.least,
        "score": reached,
        "modules": by_module(outcomes, equivalent),
        "survivors": [_survivor(outcome, equivalent) for outcome in outcomes if not outcome.noticed],
    }


def _survivor(outcome: Outcome, equivalent: Mapping[int, str]) -> dict[str, str]:
    mutant = outcome.mutant
    return {"change": mutant.name, "source": mutant.source, "equivalent": equivalent.get(mutant.number, "")}


def soaked(plan: Plan, folder: Path, say: Say) -> Found:
    """Random calls of native RTL against the exact software: a round more than were kept."""
    say("soak")
    file, names = folder / "soak.jsonl", plan.soak.shapes or tuple(SHAPES)
    if plan.soak.kept and not file.exists() and (kept := sanitize.checkout() / plan.soak.kept).exists():
        shutil.copy(kept, file)
    before = totals(file)
    for name in names:
        soak(file, rounds=before.get(name, Total()).rounds + 1, calls=plan.soak.calls, names=(name,))
    found = {name: total for name, total in totals(file).items() if name in names}
    rows = [
        {"label": name, "passed": total.compared > 0 and not total.mismatches} | asdict(total)
        for name, total in found.items()
    ]
    if asked := plan.soak.asked:
        names = ("calls", "compared", "mismatches")
        sums = {name: sum(getattr(total, name) for total in found.values()) for name in names}
        rows.append({"label": "together", "passed": sums["calls"] >= asked, "asked": asked} | sums)
    return Found(rows)


def sanitized(plan: Plan, folder: Path, say: Say) -> Found:
    """The compiled core's own tests, on cores that watch themselves."""
    rows = []
    for asked in plan.sanitize:
        say(f"sanitize: {asked.kind}")
        pytest = ("-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", *asked.tests)
        found = sanitize.run(asked.kind, sanitize.build(asked.kind, folder), pytest, folder)
        passes = re.findall(r"(\d+) passed", found.said)
        tests = int(passes[-1]) if passes else 0
        error = "" if found.passed else f"{found.reports[:2000]}\n{found.said}".strip()
        row = {"label": asked.kind, "tests": tests, "of": " ".join(asked.tests)}
        rows.append(row | {"passed": found.passed and tests > 0, "error": error})
    return Found(rows)


STAGES: dict[str, Callable[[Plan, Path, Say], Found]] = {
    "verify": verified,
    "prove": proven,
    "watch": watched,
    "netlist": synthesised,
    "resets": unset,
    "coverage": covered,
    "mutate": mutated,
    "soak": soaked,
    "sanitize": sanitized,
}
