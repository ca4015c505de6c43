"""Functional coverage: the cover points of docs/reference/coverage.md, sampled inside the benches.

Built on cocotb-coverage. That library ignores a value that is no bin and has no list of what should exist, so both are
checked here: an unknown point or bin is an error, and a bin that was never hit is in the collected table with 0 hits.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from cocotb_coverage.coverage import CoverPoint, coverage_db  # type: ignore[import-untyped]

from amper import Parameter, Status

Table = dict[str, dict[str, int]]  # point -> bin -> hits

AMOUNTS = ("zero", "one", "many", "all")
STALLS = ("none", "short", "long")
CONTROLS = (*[name.name for name in Parameter if name < Parameter.QUERY_STATE_0], "QUERY_STATE", "DRAW_STATE")

#: The plan: every cover point and its bins. docs/reference/coverage.md says what each means and which bench samples it.
PLAN: dict[str, tuple[str, ...]] = {
    "match.rows": AMOUNTS,
    "match.occupied": ("none", "some", "all"),
    "match.mask": ("zero", "some", "all_ones"),
    "match.range": ("empty", "single", "some", "all"),
    "csp.rows": AMOUNTS,
    "plane.rows": AMOUNTS[1:],
    "csp.transfer": ("before_count", "with_count", "after_count"),
    "array.levels": ("bank", "one", "more"),
    "array.tail": ("even", "unequal"),
    "write.during": ("idle", "search", "probe", "probe_of_same_row", "select", "read"),
    "write.row": ("first", "middle", "last", "out_of_range"),
    "write.offered": ("idle", "during_batch"),
    "write.lanes": ("none", "one", "other_banks", "same_bank", "same_row"),
    "control.accepted": CONTROLS,
    "control.refused": CONTROLS,
    "invalidate.of": ("only_maximum", "tied_maximum", "lower", "already_invalid", "last_valid"),
    "vmax.write": ("first", "raises", "equals", "lowers_only_maximum", "lowers_tied_maximum", "below"),
    "vmax.search": ("undisturbed", "restarted_by_write", "ended_by_raise", "found_nothing"),
    "priorities.kind": ("single", "distinct", "ties", "all_equal"),
    "query.vmax": ("zero", "some", "maximum"),
    "query.radius": ("zero", "some", "saturated"),
    "query.mask": ("zero", "some", "all_ones"),
    "query.dither": ("absent", "no_radius", "widens", "stays"),
    "multiplier.operand": ("zero", "one", "some", "all_ones"),
    "select.vector": ("one", "many", "all"),
    "select.rank": ("first", "middle", "last"),
    "select.bank": ("first", "middle", "last"),
    "draw.outstanding": ("one", "some", "full"),
    "request.batch": ("zero", "one", "middle", "maximum", "above"),
    "request.waiting": ("none", "one", "more"),
    "request.variant": ("fr_dithered", "fr_prefix", "fr", "k", "exact"),
    "request.with": ("write", "control"),
    # ROW_FAULT, which only a flipped bit brings, is of amper_verif.upsets.
    "result.status": tuple(each.name for each in Status if each != Status.ROW_FAULT),
    "stall.urng": STALLS,
    "stall.key": STALLS,
    "stall.search": STALLS,
    "stall.result": STALLS,
    "stall.sampler": STALLS,
    "reset.controller": ("IDLE", "PREPARE", "SEARCH", "FALLBACK", "DRAW"),
    "reset.in_flight": (
        "urng",
        "query_generator",
        "vmax_unit",
        "rank_select",
        "row_array",
        "draw_unit",
        "census",
        "sampler",
    ),
}

_ROOT = "amper"


def _sampler(point: str, bins: Iterable[str]) -> Callable[[str], None]:
    @CoverPoint(f"{_ROOT}.{point}", xf=lambda value: value, bins=list(bins))  # type: ignore[untyped-decorator]
    def sample(value: str) -> None:
        """The decorator does the counting."""

    return sample  # type: ignore[no-any-return]


_SAMPLERS = {point: _sampler(point, bins) for point, bins in PLAN.items()}


def cover(point: str, value: str) -> None:
    """Count a hit of the bin ``value`` of ``point``; KeyError unless the plan has both."""
    if value not in PLAN[point]:
        raise KeyError(f"{point} has no bin {value!r}; its bins are {', '.join(PLAN[point])}")
    _SAMPLERS[point](value)


def amount(count: int, everything: int) -> str:
    """The bin of ``AMOUNTS`` for ``count`` out of ``everything``; one of one is "all": "one" leaves others out."""
    if count == 0:
        return "zero"
    if count == everything:
        return "all"
    return "one" if count == 1 else "many"


def batch_kind(batch: int, most: int) -> str:
    """The bin of ``request.batch``."""
    if batch == 0:
        return "zero"
    if batch > most:
        return "above"
    return "maximum" if batch == most else "one" if batch == 1 else "middle"


def invalidate_kind(before: int | None, valid: Sequence[int]) -> str:
    """The bin of ``invalidate.of`` for a row that held ``before`` among the ``valid`` codes."""
    if before is None:
        return "already_invalid"
    if len(valid) == 1:
        return "last_valid"
    if before < max(valid):
        return "lower"
    return "only_maximum" if valid.count(before) == 1 else "tied_maximum"


def lanes_kind(rows: Sequence[int], bank_rows: int) -> str:
    """The bin of ``write.lanes`` for the rows that are written at once."""
    if len(rows) < 2:
        return "one" if rows else "none"
    if len(set(rows)) < len(rows):
        return "same_row"
    return "same_bank" if len({row // bank_rows for row in rows}) < len(rows) else "other_banks"


def collected() -> Table:
    """What this process has hit so far; points without a hit are left out."""
    table = {point: dict(coverage_db[f"{_ROOT}.{point}"].detailed_coverage) for point in PLAN}
    return {point: bins for point, bins in table.items() if any(bins.values())}


def merged(tables: Iterable[Table]) -> Table:
    """The sum of ``tables`` over the whole plan, so that bins nobody hit are there with 0."""
    total = {point: dict.fromkeys(bins, 0) for point, bins in PLAN.items()}
    for table in tables:
        for point, bins in table.items():
            for value, hits in bins.items():
                total[point][value] += hits
    return total


def save(table: Table, path: Path) -> None:
    """Write a table as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")


def empty_bins(table: Table) -> list[str]:
    """``point: bin`` for every bin of the plan that ``table`` has no hit of."""
    return [f"{point}: {value}" for point, bins in merged([table]).items() for value, hits in bins.items() if not hits]


def lines(table: Table) -> list[str]:
    """One line a point: how many of its bins were hit, and each bin's hits."""
    text = []
    for point, bins in merged([table]).items():
        hit = sum(1 for hits in bins.values() if hits)
        text.append(f"{point:20} {hit}/{len(bins)}  " + ", ".join(f"{value} {hits}" for value, hits in bins.items()))
    return text
