"""What a sign-off found, as one page of Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from amper_report.environment import described
from amper_report.tables import filled, table
from amper_verif.signoff.sanitize import MEANT

_HEAD = """\
# Trust

For whoever must decide whether to build the sampler in: what was checked of one revision, by `{command}`, which makes \
this page ([what each stage does](../reference/verification.md#amper-signoff)).

Sources: SHA-256 `{sources}`. {environment}; {simulators}.
"""

_TITLES = {
    "verify": "RTL against the golden model",
    "prove": "Proofs",
    "watch": "Properties in simulation",
    "netlist": "RTL against its netlist",
    "resets": "Registers without reset",
    "coverage": "Code coverage",
    "mutate": "Mutants",
    "soak": "Soak",
    "sanitize": "The compiled core under sanitizers",
}


def page(found: dict[str, Any], command: str) -> str:
    """``found`` as ``signoff`` returns it; ``command`` : that made it."""
    facts = found["environment"]
    simulators = "; ".join(facts["simulators"].values())
    head = _HEAD.format(
        command=command,
        sources=found["sources"],
        environment=described(facts).replace("\n", "; "),
        simulators=simulators,
    )
    stages = found["stages"]
    parts = [f"## {_TITLES[name]}\n\n{_BODIES[name](stage['rows'])}" for name, stage in stages.items() if stage["rows"]]
    return filled("\n\n".join([head + "\n" + overview(found), *parts]) + "\n")


def overview(found: dict[str, Any]) -> str:
    """A line a stage."""
    rows = [[_TITLES[name], *_verdict(stage)] for name, stage in found["stages"].items()]
    return table(("stage", "parts", "verdict", "CPU seconds"), rows)


def _verdict(stage: dict[str, Any]) -> list[object]:
    rows = stage["rows"]
    if "error" in stage:
        return [0, f"**not run**: {stage['error'].partition(chr(10))[0][:200]}", "-"]
    passed = sum(row["passed"] for row in rows)
    verdict = "passed" if stage["passed"] else f"**{len(rows) - passed} failed**"
    return [len(rows), verdict, stage["cpu_seconds"]]


def _mark(row: dict[str, Any]) -> str:
    return "passed" if row["passed"] else "**failed**"


def _verify(rows: list[dict[str, Any]]) -> str:
    lines = [
        [
            row["label"],
            row["simulator"],
            row.get("batches", "-"),
            f"{row.get('compared', 0):,}",
            row.get("mismatches", "-"),
            "-" if row.get("timed") is None else row["timed"],
            ", ".join(f"{name} {count}" for name, count in row.get("variants", {}).items()) or "-",
            _mark(row),
        ]
        for row in rows
    ]
    titles = (
        "configuration",
        "in",
        "batches",
        "indices",
        "mismatches",
        "exactly timed",
        "batches that drew",
        "verdict",
    )
    return table(titles, lines)


def _prove(rows: list[dict[str, Any]]) -> str:
    lines = [
        [row["label"], row["about"], row["rows"], row["verdict"], row["depth"], row["reached"], f"{row['seconds']:.1f}"]
        for row in rows
    ]
    text = (
        "From any power-up state on, after a cycle of reset. `proven`: for ever, by induction over so many cycles. "
        "`holds`: for so many cycles from the reset on.\n\n"
    )
    return text + table(("property", "says", "n", "verdict", "cycles", "its case is reached in", "seconds"), lines)


def _watch(rows: list[dict[str, Any]]) -> str:
    lines = [
        [row["label"], row["rows"], row["bus"], row["batches"], f"{row['compared']:,}", row["error"] or "held"]
        for row in rows
    ]
    text = (
        "What the properties assert, and what their proofs assume of the modules around them, looked at in every cycle "
        "of `amper verify` in Verilator.\n\n"
    )
    return text + table(("properties", "n", "bus", "batches", "indices", "verdict"), lines)


def _netlist(rows: list[dict[str, Any]]) -> str:
    lines = [
        [
            row["label"],
            row["modules"],
            f"{row['points']:,}",
            "; ".join(f"`{module}`: {', '.join(names)}" for module, names in row["open"].items()) or "none",
            f"`{row['longest']}`",
            f"{row['seconds']:.0f}",
            _mark(row),
        ]
        for row in rows
    ]
    text = (
        "Each module of the netlist that Yosys makes, of its own gates, against the Verilog: equal outputs and next "
        "states, whatever inputs and registers are.\n\n"
    )
    titles = ("configuration", "modules", "bits compared", "stayed open", "the longest", "seconds", "verdict")
    return text + table(titles, lines)


def _resets(rows: list[dict[str, Any]]) -> str:
    counts = [[row["label"], row["registers"], len(row["reasons"].get("", ())), _mark(row)] for row in rows]
    reasons: dict[str, set[str]] = {}
    for row in rows:
        for reason, names in row["reasons"].items():
            reasons.setdefault(reason or "**not argued**", set()).update(names)
    text = (
        "Registers and memories that a reset leaves as they are, and why each may be: a table of all, then by reason. "
        "Every run in Verilator begins with random bits in them, every one in Icarus with x."
    )
    lines = [f"- {reason}: {_by_module(names)}" for reason, names in reasons.items()]
    return "\n\n".join([text, table(("configuration", "registers", "not argued", "verdict"), counts), "\n".join(lines)])


def _by_module(names: set[str]) -> str:
    """Names as "module (register, register)"."""
    modules: dict[str, list[str]] = {}
    for name in sorted(names):
        module, _, register = name.partition(".")
        modules.setdefault(module, []).append(register)
    return "; ".join(f"`{module}` ({', '.join(registers)})" for module, registers in modules.items())


def _coverage(rows: list[dict[str, Any]]) -> str:
    text = (
        "Verilator's, of runs of `amper verify`, merged; percent of the points that are not waived, and their number."
    )
    return "\n\n".join([text, *(_covered(row) for row in rows)])


def _covered(row: dict[str, Any]) -> str:
    def share(points: int, hit: int, waived: int) -> str:
        able = points - waived
        return f"{100 * hit / able:.1f} of {able}" if able else "-"

    kinds = list(row["percent"])
    modules = [[name, *(share(*numbers[kind]) for kind in kinds)] for name, numbers in row["kinds"].items()]
    asked = " / ".join(f"{least:g}" for least in row["least"])
    parts = [
        f"### {row['label']}",
        f"{row['runs']} runs; asked for {asked}: {_mark(row)}.",
        table(("module", *kinds), modules),
    ]
    if row["waived"]:
        parts += ["Waived:", "\n".join(f"- {count}: {reason}" for reason, count in row["waived"].items())]
    if row["missed"]:
        parts += ["Not hit:", "```text\n" + "\n".join(map(_cut, row["missed"])) + "\n```"]
    return "\n\n".join(parts)


def _cut(line: str, most: int = 118) -> str:
    """A line of the page; signoff.json has all of it."""
    return line if len(line) <= most else line[: most - 4] + " ..."


def _mutate(rows: list[dict[str, Any]]) -> str:
    return "\n\n".join(_campaign(row) for row in rows)


def _campaign(row: dict[str, Any]) -> str:
    modules = []
    for one in row["modules"]:
        able = one["mutants"] - one["equivalent"]
        percent = f"{100 * one['noticed'] / able:.1f}" if able else "-"
        left = able - one["noticed"]
        modules.append([one["module"], one["mutants"], one["noticed"], one["equivalent"], left, percent])
    survivors = [one for one in row["survivors"] if not one["equivalent"]]
    parts = [
        f"### {row['label']}",
        f"{100 * row['score']:.1f} percent of those that are not shown to be equivalent are noticed by `amper verify` "
        f"({100 * row['least']:g} asked for): {_mark(row)}.",
        table(("module", "mutants", "noticed", "equivalent", "survived", "percent"), modules),
    ]
    if survivors:
        lines = [[f"`{one['change']}`", f"`{one['source'][:90]}`".replace("|", "\\|")] for one in survivors]
        parts += ["What survived:", table(("change", "line of the Verilog"), lines)]
    return "\n\n".join(parts)


def _soak(rows: list[dict[str, Any]]) -> str:
    lines = [
        [
            row["label"],
            f"{row['calls']:,}" + (f" of {row['asked']:,} asked for" if "asked" in row else ""),
            f"{row['compared']:,}",
            row["mismatches"],
            "**missed**" if "asked" in row and not row["passed"] else _mark(row),
        ]
        for row in rows
    ]
    kinds = sum((Counter(row.get("kinds", {})) for row in rows), Counter[str]())
    counts = "; ".join(f"{name} {count:,}" for name, count in kinds.items())
    text = (
        "Random calls, legal and not, on the Verilog, as native code, and on the exact software: rows drawn, |CSP|, "
        "status, what is refused. Small shapes have most of the calls, since a call takes the least time there; calls "
        "on other Verilog than that of this revision do not count.\n\n"
    )
    found = table(("shape", "calls", "rows compared", "mismatches", "verdict"), lines)
    return text + found + (f"\n\nOf the calls, by kind and by what a sample's status was: {counts}." if counts else "")


def _sanitize(rows: list[dict[str, Any]]) -> str:
    lines = [[row["label"], f"`{row['of']}`", row["tests"], _mark(row)] for row in rows]
    meant = "\n".join(f"- `{name}`: {reason}" for name, reason in MEANT.items())
    text = table(("sanitizers", "tests", "passed", "verdict"), lines)
    return f"{text}\n\nRaces that are meant, and not reported:\n\n{meant}"


_BODIES: dict[str, Callable[[list[dict[str, Any]]], str]] = {
    "verify": _verify,
    "prove": _prove,
    "watch": _watch,
    "netlist": _netlist,
    "resets": _resets,
    "coverage": _coverage,
    "mutate": _mutate,
    "soak": _soak,
    "sanitize": _sanitize,
}
