"""The results of ``amper bench software`` as Markdown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from amper_lab.bench.contestant import ALPHA, BETA, EPS
from amper_lab.bench.software import Plan, Results
from amper_lab.bench.timing import OPERATIONS
from amper_report.environment import described
from amper_report.tables import filled, table


def markdown(plan: Plan, results: Results, facts: dict[str, Any]) -> str:
    """All tables, with what they were measured on."""
    parts = [_introduction(plan, facts)]
    for payload in plan.payloads:
        heading = "With transitions" if payload else "Without transitions"
        parts += [f"## {heading}", _times(plan, results, payload), _ratios(plan, results, payload)]
    parts += ["## The bound", _bounds(plan, results), "## Memory", _memory(plan, results), _notes(results)]
    return filled("\n\n".join(part for part in parts if part)) + "\n"


def _introduction(plan: Plan, facts: dict[str, Any]) -> str:
    caches = f"; {plan.touched} MB of other memory read before each call" if plan.touched else ""
    return (
        f"# Software sampler against other libraries{', caches cold' if plan.touched else ''}\n\n"
        f"Batch {plan.batch}, alpha {ALPHA}, beta {BETA}, eps {EPS:g}, seed {plan.seed}; {plan.repeats} interleaved "
        f"repeats of {plan.calls} calls{caches}. Microseconds of the median call: median (first to third quartile) "
        f"of the repeats.\n\n{described(facts)}"
    )


def _times(plan: Plan, results: Results, payload: bool) -> str:
    found = [line for line in results.times if line["payload"] == payload]
    rows = []
    for name in _unique(line["contestant"] for line in found):
        row = [name]
        for operation in OPERATIONS:
            cells = [
                _interval(line["wall_us"])
                for line in found
                if (line["contestant"], line["operation"]) == (name, operation)
            ]
            row.append(" / ".join(cells) or "none")
        rows.append(row)
    return table(["", *(f"{operation}, n = {_sizes(plan)}" for operation in OPERATIONS)], rows)


def _ratios(plan: Plan, results: Results, payload: bool) -> str:
    found = [line for line in results.ratios if line["payload"] == payload]
    rows = []
    for peer in _unique(line["peer"] for line in found):
        for mode in _unique(line["mode"] for line in found):
            row = [f"{peer} / {mode}"]
            for operation in OPERATIONS:
                key = (peer, mode, operation)
                cells = [
                    f"{line['ratio']['median']:.3g}"
                    for line in found
                    if (line["peer"], line["mode"], line["operation"]) == key
                ]
                row.append(" / ".join(cells) or "none")
            rows.append(row)
    if not rows:
        return ""
    title = "Times slower than this library's mode: median of the ratios of each repeat.\n\n"
    return title + table(["", *(f"{operation}, n = {_sizes(plan)}" for operation in OPERATIONS)], rows)


def _bounds(plan: Plan, results: Results) -> str:
    lines = []
    for probe in results.probes:
        if probe["payload"] == plan.payloads[0]:
            values = "; ".join(f"{name} {value:,.0f}" for name, value in probe["nanoseconds"].items())
            lines.append(f"- n = {probe['rows']:,}: {values}")
    rows = [
        [
            f"{line['rows']:,}",
            "yes" if line["payload"] else "no",
            line["mode"],
            line["operation"],
            f"{line['bound_us']:.2f}",
            f"{line['taken_us']:.2f}",
            f"{line['taken_us'] / line['bound_us']:.1f}",
        ]
        for line in results.bounds
    ]
    titles = ["n", "transitions", "mode", "operation", "call and memory, us", "taken, us", "times the bound"]
    explained = "Nanoseconds:"
    return "\n".join([explained, "", *lines, "", table(titles, rows)])


def _memory(plan: Plan, results: Results) -> str:
    """Bytes a row besides the transition, of the contestants that tell."""
    found = [line for line in results.times if line["operation"] == "sample" and line["memory_per_row"] is not None]
    found = [line for line in found if line["payload"] == plan.payloads[0]]
    rows = [
        [name, " / ".join(f"{line['memory_per_row']:.1f}" for line in found if line["contestant"] == name)]
        for name in _unique(line["contestant"] for line in found)
    ]
    return table(["", f"bytes a row besides the transition, n = {_sizes(plan)}"], rows)


def _notes(results: Results) -> str:
    lines = [f"- {name}: {note}." for name, note in results.notes.items()]
    lines += [f"- {name} could not take part: {reason}" for name, reason in results.missing.items()]
    return "\n".join(["## Notes", "", *lines]) if lines else ""


def _sizes(plan: Plan) -> str:
    return " / ".join(f"{rows:,}" for rows in plan.rows)


def _interval(summary: dict[str, float]) -> str:
    return f"{summary['median']:.3g} ({summary['first_quartile']:.3g} to {summary['third_quartile']:.3g})"


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
