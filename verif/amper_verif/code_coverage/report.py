"""What was hit of each module, and what was not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from amper_report.tables import table
from amper_verif.code_coverage.points import KINDS, Point
from amper_verif.code_coverage.waivers import Waiver, reason_of


@dataclass(frozen=True)
class Coverage:
    """``kinds`` : [points, hit, waived] by module and kind; "all" is of all modules. ``missed`` : neither hit nor
    waived. ``waived`` : the number of points by reason."""

    kinds: dict[str, dict[str, list[int]]]
    missed: list[Point]
    waived: dict[str, int]

    def percent(self, kind: str, module: str = "all") -> float:
        """Of the points that are not waived, those that were hit; 100 where there is none."""
        points, hit, waived = self.kinds[module][kind]
        return 100 * hit / (points - waived) if points > waived else 100.0

    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold, with the percentages of all modules; what was missed as ``missed_list`` words it."""
        return {
            "percent": {kind: round(self.percent(kind), 2) for kind in KINDS},
            "kinds": self.kinds,
            "missed": missed_list(self.missed),
            "waived": self.waived,
        }


def coverage_of(counts: Counter[Point], waivers: Sequence[Waiver]) -> Coverage:
    """A point that was hit is not waived, whatever a waiver says."""
    modules = [*sorted({point.module for point in counts}), "all"]
    kinds = {module: {kind: [0, 0, 0] for kind in KINDS} for module in modules}
    missed, reasons = [], Counter[str]()
    for point, count in sorted(counts.items()):
        reason = "" if count else reason_of(point, waivers)
        for module in (point.module, "all"):
            numbers = kinds[module][point.kind]
            numbers[0] += 1
            numbers[1] += count > 0
            numbers[2] += bool(reason)
        if reason:
            reasons[reason] += 1
        elif not count:
            missed.append(point)
    return Coverage(kinds, missed, dict(reasons))


def module_table(found: Coverage) -> str:
    """Markdown: a line a module."""
    rows = [
        [module, *(f"{found.percent(kind, module):.1f} of {numbers[kind][0] - numbers[kind][2]}" for kind in KINDS)]
        for module, numbers in found.kinds.items()
    ]
    return table(("module", *(f"{kind}, percent" for kind in KINDS)), rows)


def missed_list(missed: Sequence[Point]) -> list[str]:
    """A line a module and signal, or line of the Verilog: what of it was not hit."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for point in missed:
        signal, _, rest = point.name.partition("[") if point.kind == "toggle" else (f"line {point.line}", "", "")
        what = rest.replace("][", ".").replace("]", "") if rest else point.name.partition(":")[2] or point.name
        groups.setdefault((point.module, point.kind, signal.partition(":")[0]), []).append(what)
    return [f"{module}: {kind} {signal}: {', '.join(what)}" for (module, kind, signal), what in groups.items()]
