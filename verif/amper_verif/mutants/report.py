"""The score of a campaign, by module, and what survived."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from amper_report.tables import table
from amper_verif.mutants.campaign import Outcome


def score(outcomes: Sequence[Outcome], equivalent: Mapping[int, str]) -> float:
    """The share of the mutants that can be noticed at all which verification notices."""
    able = [outcome for outcome in outcomes if outcome.mutant.number not in equivalent]
    return sum(bool(outcome.noticed) for outcome in able) / len(able) if able else 1.0


def by_module(outcomes: Sequence[Outcome], equivalent: Mapping[int, str]) -> list[dict[str, Any]]:
    """How many mutants each module has, how many of them are noticed, how many equivalent; "all" is the last."""
    everything = Counter(outcome.mutant.module for outcome in outcomes)
    noticed = Counter(outcome.mutant.module for outcome in outcomes if outcome.noticed)
    same = Counter(outcome.mutant.module for outcome in outcomes if outcome.mutant.number in equivalent)
    for counts in (everything, noticed, same):
        counts["all"] = counts.total()
    names = [*sorted(everything.keys() - {"all"}), "all"]
    return [
        {"module": name, "mutants": everything[name], "noticed": noticed[name], "equivalent": same[name]}
        for name in names
    ]


def report(outcomes: Sequence[Outcome], equivalent: Mapping[int, str], benches: Mapping[int, str] | None = None) -> str:
    """Markdown: a line a module, then a line a survivor; ``equivalent`` has reasons, ``benches`` the component's bench
    that notices it, by number.
    """
    benches = benches or {}
    rows: list[list[object]] = []
    for one in by_module(outcomes, equivalent):
        of, hit, equal = one["mutants"], one["noticed"], one["equivalent"]
        percent = f"{100 * hit / (of - equal):.1f}" if of > equal else "-"
        rows.append([one["module"], of, hit, equal, of - hit - equal, percent])
    survivors = [
        [
            outcome.mutant.number,
            f"`{outcome.mutant.name}`",
            f"`{outcome.mutant.source[:90].replace('|', chr(92) + '|')}`",
            equivalent.get(outcome.mutant.number, ""),
            benches.get(outcome.mutant.number, ""),
        ]
        for outcome in outcomes
        if not outcome.noticed
    ]
    head = ("module", "mutants", "noticed", "equivalent", "survived", "percent of those that are not equivalent")
    lines = [table(head, rows)]
    titles = ("mutant", "change", "line of the Verilog", "equivalent, shown by", "noticed by the bench")
    if survivors:
        lines += ["", table(titles, survivors)]
    return "\n".join(lines)
